package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// draft is a file on its way to be a segment. It has the segment's name and
// .tmp behind it, and Open removes it.
type draft struct {
	io.Writer
	name string
	file *os.File
}

func (d *draft) path() string { return d.file.Name() }

func (s *Store) newDraft(name string) (*draft, error) {
	f, err := os.OpenFile(filepath.Join(s.dir, name+".tmp"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store: segment %s: %w", name, err)
	}
	d := &draft{f, name, f}
	if s.wrap != nil {
		d.Writer = s.wrap(f)
	}
	return d, nil
}

// close makes it durable.
func (d *draft) close() error {
	if err := errors.Join(d.file.Sync(), d.file.Close()); err != nil {
		return fmt.Errorf("store: segment %s: %w", d.name, err)
	}
	return nil
}

// discard removes drafts, open or not. What is a segment by now stays.
func discard(drafts []*draft) {
	for _, d := range drafts {
		d.file.Close()
		os.Remove(d.path())
	}
}

// draft writes a file and is done when it is durable.
func (s *Store) draft(name string, fill func(io.Writer) error) (*draft, error) {
	d, err := s.newDraft(name)
	if err != nil {
		return nil, err
	}
	if err = fill(d); err == nil {
		err = d.close()
	}
	if err != nil {
		discard([]*draft{d})
		return nil, fmt.Errorf("store: segment %s: %w", name, err)
	}
	return d, nil
}

// publish gives drafts their names, durably, and loads them: all, or, with an
// error, none. The first of a group, which says what they replace, comes first
// and goes last: whoever finds some of the others finds it.
func (s *Store) publish(drafts []*draft) ([]*segment, error) {
	out := make([]*segment, len(drafts))
	for i, d := range drafts {
		var err error
		if out[i], err = loadSegment(d.path()); err != nil { // what can't be read back was not stored
			return nil, fmt.Errorf("store: segment %s: %w", d.name, err)
		}
		out[i].name, out[i].path = d.name, filepath.Join(s.dir, d.name)
		if _, err := os.Lstat(out[i].path); err == nil {
			return nil, fmt.Errorf("store: segment %s: the file is there already: %w", d.name, os.ErrExist)
		}
	}
	for i, d := range drafts {
		err := os.Rename(d.path(), out[i].path)
		if err == nil && (i == 0 || i == len(drafts)-1) {
			err = syncDir(s.dir)
		}
		if s.look(); err == nil {
			continue
		}
		for ; i >= 0; i-- {
			err = errors.Join(err, remove(out[i].path))
		}
		return nil, fmt.Errorf("store: segment %s: %w", d.name, err)
	}
	return out, nil
}

// look lets tests see the folder between two steps.
func (s *Store) look() {
	if s.looked != nil {
		s.looked()
	}
}

// remove deletes a file that may be gone.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// syncDir makes a rename durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}
