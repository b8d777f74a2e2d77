package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mimamori/internal/whole"
)

// OpenedCopy is what OpenCopy brought back, and what is erased.
type OpenedCopy struct {
	Copied
	Erased []SealedPart
}

// OpenCopy makes segments of a sealed copy's groups, in a folder of their own.
// What was erased since is listed and does not come back; its frames stay
// accounted for.
func OpenCopy(ctx context.Context, from, to string, groups []string, by Sealer) (OpenedCopy, error) {
	var out OpenedCopy
	if err := os.MkdirAll(to, 0o700); err != nil {
		return out, fmt.Errorf("store: restore: %w", err)
	}
	for _, name := range groups {
		if err := ctx.Err(); err != nil {
			return out, fmt.Errorf("store: restore: %w", err)
		}
		g, err := readGroupIndex(from, filepath.Base(name))
		if err == nil {
			err = out.group(from, to, &g, by)
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func (o *OpenedCopy) group(from, to string, g *sealedGroup, by Sealer) error {
	if len(g.Segments) == 0 {
		return errors.New("store: restore: an index without segments")
	}
	opened := 0
	for _, p := range g.Parts {
		n, err := openPart(from, to, &p, by)
		if errors.Is(err, ErrErased) {
			o.Erased = append(o.Erased, p)
			continue
		}
		if err != nil {
			return err
		}
		opened++
		o.Segments, o.Bytes = o.Segments+1, o.Bytes+n
	}
	if len(g.Frames) == 0 || g.Whole && opened == len(g.Parts) && opened > 0 {
		return nil
	}
	enc, err := newEncoder()
	if err != nil {
		return err
	}
	m := &manifest{Format: formatVersion, Tenants: map[string]int64{}, Frames: g.Frames}
	err = whole.Write(filepath.Join(to, filepath.Base(g.Segments[0])), func(out io.Writer) error {
		return enc.write(out, nil, m, func(string) bool { return true })
	})
	if err != nil {
		return fmt.Errorf("store: restore: %w", err)
	}
	return nil
}

// openPart decrypts one part to its segment.
func openPart(from, to string, p *SealedPart, by Sealer) (n int64, err error) {
	if p.File == "" {
		return 0, ErrErased
	}
	in, err := os.Open(filepath.Join(from, filepath.Base(p.File)))
	if err != nil {
		return 0, fmt.Errorf("store: restore: %w", err)
	}
	defer in.Close()
	plain, err := by.Open(in)
	if err != nil {
		return 0, fmt.Errorf("store: restore: %s: %w", p.File, err)
	}
	path := filepath.Join(to, filepath.Base(p.Segment))
	err = whole.Write(path, func(out io.Writer) error {
		n, err = io.Copy(out, plain)
		return err //nolint:wrapcheck // below
	})
	if err == nil {
		_, err = loadSegment(path)
	}
	if err != nil {
		return 0, fmt.Errorf("store: restore: %s: %w", p.File, err)
	}
	return n, nil
}

// PruneCopy removes from a sealed copy what is not of the given groups: segments
// that were merged or went since an earlier copy.
func PruneCopy(dir string, groups []string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("store: sealed copy: %w", err)
	}
	for _, e := range entries {
		group, _, sealed := strings.Cut(strings.TrimSuffix(e.Name(), indexSuffix), ".")
		ours := sealed && strings.HasSuffix(e.Name(), sealedSuffix) || strings.HasSuffix(e.Name(), indexSuffix) || strings.HasSuffix(e.Name(), ".tmp")
		if !ours || slices.Contains(groups, group) && !strings.HasSuffix(e.Name(), ".tmp") {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("store: sealed copy: %w", err)
		}
	}
	return nil
}
