package archive

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"mimamori/frame"
	"mimamori/internal/whole"
)

const fileBuffer = 64 << 10

// dayFiles are the files that one move appends to.
type dayFiles struct {
	archive *Archive
	state   *state
	open    map[[2]string]*dayFile
}

type dayFile struct {
	account       *openDay
	frames, index *appended
}

// appended is a file that grows behind its durable size.
type appended struct {
	file *os.File
	*bufio.Writer
}

// add appends a record.
func (d *dayFiles) add(e *Entry, sealed []byte) error {
	key := [2]string{e.Municipality, e.Day}
	f := d.open[key]
	if f == nil {
		var err error
		if f, err = d.begin(e); err != nil {
			return err
		}
		d.open[key] = f
	}
	leaf := e.leaf()
	_, err := f.frames.Write(e.header)
	if err == nil {
		_, err = f.frames.Write(sealed)
	}
	if err == nil {
		_, err = f.index.Write(leaf[:])
	}
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	f.account.add(e, leaf)
	return nil
}

func (o *openDay) add(e *Entry, leaf frame.Hash) {
	o.Tree.add(leaf)
	o.Bytes += int64(len(e.header) + e.Size)
	if i, ok := slices.BinarySearch(o.Collectors, e.Collector); !ok {
		o.Collectors = slices.Insert(o.Collectors, i, e.Collector)
	}
}

// begin opens the files of a day, cut to what is durable. A file that is shorter
// than that was touched by somebody: what is left of it is kept.
func (d *dayFiles) begin(e *Entry) (*dayFile, error) {
	a := d.archive
	if err := os.MkdirAll(filepath.Join(a.cfg.Dir, e.Municipality), 0o700); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	f := &dayFile{account: d.state.day(e.Municipality, e.Day)}
	frames, index := a.path(e.Municipality, e.Day, framesSuffix), a.path(e.Municipality, e.Day, indexSuffix)
	if size(frames) < f.account.Bytes || size(index) < int64(f.account.Tree.Size)*int64(len(frame.Hash{})) {
		a.cfg.Log.Error("archive: a file is shorter than it was; what is left of it is kept", "file", frames)
		account, err := a.rebuildDay(e.Municipality, e.Day, nil)
		if err != nil {
			return nil, err
		}
		*f.account = *account
	}
	var err error
	if f.frames, err = appendTo(frames, f.account.Bytes); err != nil {
		return nil, err
	}
	if f.index, err = appendTo(index, int64(f.account.Tree.Size)*int64(len(frame.Hash{}))); err != nil {
		return nil, errors.Join(err, f.frames.file.Close())
	}
	return f, nil
}

// size is that of a file, 0 when it is not there.
func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// appendTo opens a file and cuts it to size.
func appendTo(path string, size int64) (*appended, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := whole.Bytes(path, nil); err != nil { // makes its name durable
			return nil, fmt.Errorf("archive: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		if err = f.Truncate(size); err == nil {
			_, err = f.Seek(size, 0)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return &appended{f, bufio.NewWriterSize(f, fileBuffer)}, nil
}

// close makes all files durable.
func (d *dayFiles) close() error {
	var errs []error
	for _, f := range d.open {
		for _, x := range []*appended{f.frames, f.index} {
			err := x.Flush()
			if err == nil {
				err = x.file.Sync()
			}
			errs = append(errs, err, x.file.Close())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return nil
}
