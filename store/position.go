package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"

	"mimamori/event"
	"mimamori/internal/whole"
)

// position says what a sink has, or will not be given. It goes by frames, which
// an event keeps for ever, and not by files, which compaction replaces.
type position struct {
	Rewritten int64 // the last change of stored events that it knows of
	Lost      int64 // events that retention removed before the sink had them
	has       map[stream]seqSet
	stale     map[stream]seqSet // not had, or had as they were before a change
}

// positionFile is how a position is kept.
type positionFile struct {
	Rewritten int64        `json:"rewritten,omitempty"`
	Lost      int64        `json:"lost,omitempty"`
	Has       []FrameRange `json:"has"`
	Stale     []FrameRange `json:"stale,omitempty"`
}

// maxPosition bounds the file of a position that is read.
const maxPosition = 256 << 20

func loadPosition(path string) (position, error) {
	p := position{has: map[stream]seqSet{}, stale: map[stream]seqSet{}}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, err
	}
	if err != nil || info.Size() > maxPosition {
		return p, errors.Join(fmt.Errorf("store: %s: it can't be read, or is larger than %d bytes", path, maxPosition), err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return p, fmt.Errorf("store: %w", err)
	}
	var f positionFile
	if err := json.Unmarshal(text, &f); err != nil {
		return p, fmt.Errorf("store: %s: %w", path, err)
	}
	for _, r := range slices.Concat(f.Has, f.Stale) {
		if r.First > r.Last {
			return p, fmt.Errorf("store: %s: a range ends before it begins: %d to %d", path, r.First, r.Last)
		}
	}
	p.Rewritten, p.Lost = f.Rewritten, f.Lost
	p.add(f.Has)
	for i := range f.Stale {
		of := f.Stale[i].stream()
		p.stale[of] = p.stale[of].add(seqRange{f.Stale[i].First, f.Stale[i].Last})
	}
	return p, nil
}

// file is a copy to keep.
func (p *position) file() positionFile {
	return positionFile{Rewritten: p.Rewritten, Lost: p.Lost, Has: ranges(p.has), Stale: ranges(p.stale)}
}

// ranges lists what sets of sequence numbers hold.
func ranges(sets map[stream]seqSet) []FrameRange {
	out := []FrameRange{}
	for of, list := range sets {
		for _, r := range list {
			out = append(out, FrameRange{Collector: of.collector, Source: of.source, Epoch: of.epoch, First: r.first, Last: r.last})
		}
	}
	return out
}

// save makes it durable.
func (f positionFile) save(path string) error {
	slices.SortFunc(f.Has, FrameRange.compare)
	slices.SortFunc(f.Stale, FrameRange.compare)
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return whole.Bytes(path, text)
}

func (p *position) add(frames []FrameRange) {
	for i := range frames {
		of := frames[i].stream()
		r := seqRange{frames[i].First, frames[i].Last}
		p.has[of] = p.has[of].add(r)
		if old := p.stale[of].remove(r); len(old) > 0 {
			p.stale[of] = old
		} else {
			delete(p.stale, of)
		}
	}
}

// part tells events that the sink can't have from those that it may have as they were.
func (p *position) part(events []event.Event) (fresh, stale []event.Event) {
	if len(p.stale) == 0 {
		return events, nil
	}
	for i := range events {
		if e := &events[i]; p.stale[streamOf(e.Ref)].has(e.Seq) {
			stale = append(stale, *e)
		} else {
			fresh = append(fresh, *e)
		}
	}
	return fresh, stale
}

// again notes that a sink needs the changed events of a segment once more.
func (p *position) again(m *manifest) {
	for of, list := range m.Anew.within(m.Frames) {
		for _, r := range list {
			p.has[of] = p.has[of].remove(r)
			p.stale[of] = p.stale[of].add(r)
		}
	}
}

// missing tells whether the sink lacks frames of a segment, and about how many
// events. all: it lacks them all.
func (p *position) missing(m *manifest) (events int64, some, all bool) {
	all = true
	var sum float64
	for i := range m.Frames {
		f := &m.Frames[i]
		n := p.has[f.stream()].missing(seqRange{f.First, f.Last})
		some = some || n > 0
		all = all && n == f.Last-f.First+1
		sum += float64(f.Stored) * (float64(n) / (float64(f.Last-f.First) + 1))
	}
	if all && some {
		return m.Events, true, true
	}
	return min(int64(math.Ceil(sum)), m.Events), some, false
}
