package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
)

// Lost is what a segment that was set aside held.
type Lost struct {
	File   string       `json:"file"`
	Frames []FrameRange `json:"frames,omitempty"` // nil when its footer can't be read: what the ledger has and Frames has not
	Events int64        `json:"events,omitempty"`
}

// Lost lists the files that are set aside, with the frames that they accounted
// for and that no live segment does: what has to be read again from the archive.
func (s *Store) Lost() ([]Lost, error) {
	dir := filepath.Join(s.dir, "set-aside")
	names, err := segmentNames(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	live := s.Frames()
	var out []Lost
	for _, name := range names {
		l := Lost{File: filepath.Join(dir, name)}
		if f, _, m, err := openSegment(l.File); err == nil {
			f.Close()
			l.Frames, l.Events = missing(m.Frames, live), m.Events
		}
		out = append(out, l)
	}
	return out, nil
}

// missing are the parts of ranges that others don't have. A part says nothing of
// how many of its records were stored.
func missing(ranges, others []FrameRange) []FrameRange {
	out := []FrameRange{}
	for _, r := range ranges {
		next := r.First
		for _, o := range others { // sorted, as Frames are
			if o.Collector != r.Collector || o.Source != r.Source || o.Epoch != r.Epoch || o.Last < next || o.First > r.Last {
				continue
			}
			if o.First > next {
				out = append(out, FrameRange{Collector: r.Collector, Source: r.Source, Municipality: r.Municipality, Epoch: r.Epoch, First: next, Last: o.First - 1})
			}
			next = o.Last + 1
		}
		if next == r.First {
			out = append(out, r)
		} else if next <= r.Last && next != 0 {
			out = append(out, FrameRange{Collector: r.Collector, Source: r.Source, Municipality: r.Municipality, Epoch: r.Epoch, First: next, Last: r.Last})
		}
	}
	return out
}

// Missing are the records that should be stored and are not: ranges of the
// ledger's, less what the live segments account for. It tells what a file held
// whose footer can't be read.
func (s *Store) Missing(ledger []FrameRange) []FrameRange {
	return missing(mergeFrames(slices.Clone(ledger)), s.Frames())
}
