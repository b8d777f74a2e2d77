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
	"strings"
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
		// While a folder is listed, one file may go that the list has passed, and
		// the one in its place come where the list has been. When none went, none
		// was missed; those whose place another took are left out at the next Open.
		now, err := segmentNames(from)
		if err != nil {
			return c, err
		}
		if !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(now, n) }) {
			return c, syncDir(to)
		}
	}
}

// segmentNames lists a folder's segments, the oldest first.
func segmentNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	var names []string
	for _, e := range entries {
		if isSegment(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func isSegment(name string) bool {
	return strings.HasPrefix(name, "seg-") && strings.HasSuffix(name, ".parquet")
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
