package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mimamori/internal/whole"
)

// ErrErased is wrapped by a Sealer's errors where a month was erased.
var ErrErased = errors.New("it was erased")

// Sealer encrypts for a municipality's month (312011, 2026-11), and opens what was
// encrypted for as long as that month is not erased.
type Sealer interface {
	Seal(to io.Writer, municipality, month string) (io.WriteCloser, error)
	Open(from io.Reader) (io.Reader, error)
}

// SealedPart is what a sealed copy has of one municipality and month.
type SealedPart struct {
	Municipality string `json:"municipality"`
	Month        string `json:"month"`
	Events       int64  `json:"events"`
	Segment      string `json:"segment"`        // that it becomes again
	File         string `json:"file,omitempty"` // in the copy; "": it was being erased
}

// sealedGroup is the index of segments that are sealed together: one, or some
// small ones that mix months and municipalities.
type sealedGroup struct {
	Segments []string     `json:"segments"`
	Whole    bool         `json:"whole,omitempty"` // the part is the segment as it is
	Frames   []FrameRange `json:"frames"`          // what they account for, which is no secret
	Parts    []SealedPart `json:"parts"`
}

// SealedCopy is what SealCopy has made.
type SealedCopy struct {
	Copied
	New    int      `json:"new"`              // of the groups
	Groups []string `json:"groups"`           // names of the index files: the copy is these, whatever else lies there
	Left   []string `json:"left,omitempty"`   // files that can't be read, which are not in it
	Erased int64    `json:"erased,omitempty"` // events that were being erased, which are not in it either
}

const (
	sealedSuffix = ".age"
	indexSuffix  = ".json"
	maxMixed     = fullRows // rows of small segments that are sealed together
)

// SealCopy brings the live segments in the folder from, which nobody changes
// meanwhile, into the folder to, encrypted. A segment of one municipality and
// month of arrival is encrypted as it is, one that mixes in a part for each. What
// is in the folder already from an earlier copy is not written again.
func SealCopy(ctx context.Context, from, to string, by Sealer) (SealedCopy, error) {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return SealedCopy{}, fmt.Errorf("store: sealed copy: %w", err)
	}
	x := sealCopy{ctx: ctx, to: to, by: by}
	live, err := x.live(from)
	if err != nil {
		return x.out, err
	}
	var mixed []mixedSegment
	rows := int64(0)
	flush := func() error {
		err := x.mixed(mixed)
		mixed, rows = nil, 0
		return err
	}
	for _, g := range live {
		known, err := x.have(indexName(g.name), g.name)
		if err != nil || known {
			if err != nil {
				return x.out, err
			}
			continue
		}
		m, err := x.look(g)
		switch {
		case ctx.Err() != nil:
			return x.out, fmt.Errorf("store: sealed copy: %w", ctx.Err())
		case err != nil:
			x.out.Left = append(x.out.Left, g.path+": "+err.Error())
			continue
		case len(m.parts) <= 1:
			err = x.whole(m)
		default:
			if len(mixed) > 0 && (rows+g.manifest.Events > maxMixed || len(mixed) == maxMerge) {
				err = flush()
			}
			mixed, rows = append(mixed, m), rows+g.manifest.Events
		}
		if err != nil {
			return x.out, err
		}
	}
	return x.out, flush()
}

// sealCopy is one call of SealCopy.
type sealCopy struct {
	ctx context.Context
	to  string
	by  Sealer
	out SealedCopy
}

// live are the segments that count.
func (x *sealCopy) live(from string) ([]*segment, error) {
	names, err := segmentNames(from)
	if err != nil {
		return nil, err
	}
	known := map[string]*segment{}
	for _, name := range names {
		if known[name], err = loadSegment(filepath.Join(from, name)); err != nil {
			x.out.Left = append(x.out.Left, filepath.Join(from, name)+": "+err.Error())
		}
	}
	live, _ := standing(names, known)
	return live, nil
}

// indexName names the index of segments that are sealed together.
func indexName(segments ...string) string {
	if len(segments) == 1 {
		return strings.TrimSuffix(segments[0], ".parquet")
	}
	return fmt.Sprintf("mix-%x", sha256.Sum256([]byte(strings.Join(segments, "\n"))))[:36]
}

// have takes over a group that an earlier copy left.
func (x *sealCopy) have(name string, segments ...string) (bool, error) {
	g, err := readGroupIndex(x.to, name)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err == nil && slices.Equal(g.Segments, segments) {
		x.note(name, &g)
		return true, nil
	}
	return false, err
}

func readGroupIndex(dir, name string) (g sealedGroup, err error) {
	text, err := os.ReadFile(filepath.Join(dir, name+indexSuffix))
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		return g, fmt.Errorf("store: sealed copy: %s: %w", name+indexSuffix, err)
	}
	return g, nil
}

// note counts a group that is in the copy.
func (x *sealCopy) note(name string, g *sealedGroup) {
	x.out.Groups = append(x.out.Groups, name)
	x.out.Segments += len(g.Segments)
	for _, p := range g.Parts {
		if p.File == "" {
			x.out.Erased += p.Events
		} else if info, err := os.Stat(filepath.Join(x.to, p.File)); err == nil {
			x.out.Bytes += info.Size()
		}
	}
}

// finish writes a group's index, which makes it one.
func (x *sealCopy) finish(name string, g *sealedGroup) error {
	text, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("store: sealed copy: %w", err)
	}
	if err := whole.Bytes(filepath.Join(x.to, name+indexSuffix), text); err != nil {
		return fmt.Errorf("store: sealed copy: %w", err)
	}
	x.out.New++
	x.note(name, g)
	return nil
}

// seal writes one part. A month that is erased meanwhile is left out.
func (x *sealCopy) seal(group string, p *SealedPart, fill func(io.Writer) error) error {
	file := fmt.Sprintf("%s.%s-%s%s", group, p.Municipality, p.Month, sealedSuffix)
	err := whole.Write(filepath.Join(x.to, file), func(out io.Writer) error {
		w, err := x.by.Seal(out, p.Municipality, p.Month)
		if err != nil {
			return err //nolint:wrapcheck // below
		}
		if err := fill(w); err != nil {
			return err
		}
		return w.Close() //nolint:wrapcheck // below
	})
	switch {
	case errors.Is(err, ErrErased):
		return nil
	case err != nil:
		return fmt.Errorf("store: sealed copy: %w", err)
	}
	p.File = file
	return nil
}
