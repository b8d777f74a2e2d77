package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Copied is what Copy has brought over.
type Copied struct {
	Segments int   `json:"segments"`
	Bytes    int64 `json:"bytes"`
}

// Copy brings the segments in the folder from into the folder to, while the
// service commits, merges and removes there: everything that was committed when
// it began is in the copy, whole. Segments never change, and so they are linked
// where both folders are on one file system, and copied elsewhere.
func Copy(ctx context.Context, from, to string) (Copied, error) {
	var c Copied
	if err := os.MkdirAll(to, 0o700); err != nil {
		return c, fmt.Errorf("store: copy: %w", err)
	}
	have := map[string]bool{}
	for {
		names, err := segmentNames(from)
		if err != nil {
			return c, err
		}
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return c, fmt.Errorf("store: copy: %w", err)
			}
			if have[name] {
				continue
			}
			n, err := linkOrCopy(filepath.Join(from, name), filepath.Join(to, name))
			if errors.Is(err, fs.ErrNotExist) { // merged just now: another has its events
				continue
			}
			if err != nil {
				return c, fmt.Errorf("store: copy: %w", err)
			}
			have[name] = true
			c.Segments, c.Bytes = c.Segments+1, c.Bytes+n
		}
		// When none of a moment's files went, the copy has that moment. What was
		// copied of moments before would come back, where what took its place is gone.
		now, err := segmentNames(from)
		if err != nil {
			return c, err
		}
		if !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(now, n) }) {
			for name := range have {
				if !slices.Contains(names, name) {
					if err := remove(filepath.Join(to, name)); err != nil {
						return c, err
					}
					c.Segments--
				}
			}
			return c, syncDir(to)
		}
	}
}

// linkOrCopy makes a second name for a file, or a second file.
func linkOrCopy(from, to string) (int64, error) {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		info, err := os.Stat(to)
		if err != nil {
			return 0, fmt.Errorf("%w", err)
		}
		return info.Size(), nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%w", err)
	}
	in, err := os.Open(from)
	if err != nil {
		return 0, fmt.Errorf("%w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("%w", err)
	}
	n, err := io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(to+".tmp", to)
	}
	if err != nil {
		return 0, errors.Join(err, os.Remove(to+".tmp"))
	}
	return n, nil
}
