package store

import (
	"slices"

	"mimamori/event"
)

// anew stands in a segment's manifest and says what Rewrite changed in it: for
// each stream from where to where, and when. A sink that writes over what it has
// is given the segment's events between again.
type anew struct {
	At    int64        `json:"at"` // ns; of two the later is greater, whatever the clock says
	Hulls []FrameRange `json:"hulls"`
}

// changes gathers what Rewrite changes in one segment.
type changes map[stream]seqRange

func (c changes) add(r event.Ref) { c.join(streamOf(r), seqRange{r.Seq, r.Seq}) }

func (c changes) join(of stream, r seqRange) {
	if was, ok := c[of]; ok {
		r = seqRange{min(was.first, r.first), max(was.last, r.last)}
	}
	c[of] = r
}

// anew is what the manifest says of them.
func (c changes) anew(at int64) *anew {
	out := &anew{At: at}
	for of, r := range c {
		out.Hulls = append(out.Hulls, FrameRange{Collector: of.collector, Source: of.source, Epoch: of.epoch, First: r.first, Last: r.last})
	}
	slices.SortFunc(out.Hulls, FrameRange.compare)
	return out
}

// sumAnew says of segments that become one what they said each, and what is new; nil
// for nothing.
func sumAnew(from []*segment, more *anew) *anew {
	list := []*anew{more}
	for _, g := range from {
		list = append(list, g.manifest.Anew)
	}
	all, at := changes{}, int64(0)
	for _, a := range list {
		if a != nil {
			at = max(at, a.At)
			for _, h := range a.Hulls {
				all.join(h.stream(), seqRange{h.First, h.Last})
			}
		}
	}
	if at == 0 {
		return nil
	}
	return all.anew(at)
}

// nextAnew is the time of a change that happens now. The caller holds s.merge.
func (s *Store) nextAnew() int64 {
	at := s.now().UnixNano()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		if a := g.manifest.Anew; a != nil {
			at = max(at, a.At+1)
		}
	}
	for _, f := range s.followers {
		at = max(at, f.Rewritten+1)
	}
	return at
}

// within are the parts of the segment's frames in which events changed.
func (a *anew) within(frames []FrameRange) map[stream]seqSet {
	hulls := changes{}
	for _, h := range a.Hulls {
		hulls[h.stream()] = seqRange{h.First, h.Last}
	}
	out := map[stream]seqSet{}
	for i := range frames {
		of := frames[i].stream()
		if h, ok := hulls[of]; ok && h.first <= frames[i].Last && frames[i].First <= h.last {
			out[of] = out[of].add(seqRange{max(h.first, frames[i].First), min(h.last, frames[i].Last)})
		}
	}
	return out
}

// of is what it says of the sources of these frames.
func (a *anew) of(frames []FrameRange) *anew {
	if a == nil {
		return nil
	}
	streams := map[stream]bool{}
	for i := range frames {
		streams[frames[i].stream()] = true
	}
	out := &anew{At: a.At}
	for _, h := range a.Hulls {
		if streams[h.stream()] {
			out.Hulls = append(out.Hulls, h)
		}
	}
	return out
}
