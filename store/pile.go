package store

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

const (
	fullRows    = 1 << 20 // a segment of this many events is not merged again
	mergeFactor = 16      // segments of one size that are merged at once
	maxMerge    = 128     // segments merged at most at once
	smallRows   = rowGroupRows / mergeFactor

	// quiet is how long nothing must have come for a day, once it is over, until
	// what is there of it is merged for good.
	quiet = int64(time.Hour)
)

// pile are segments that may become one: of one day of arrival, and of one
// municipality or of several.
type pile struct {
	day  string
	town string
	many bool // municipalities; those wait to be divided
}

// pileOf tells which pile a segment is in; false when it is to stay as it is.
func (g *segment) pileOf() (pile, bool) {
	m := g.manifest
	if g.damaged.Load() || g.pinned.Load() || m.Odd || len(m.Days) != 1 {
		return pile{}, false
	}
	town, one := g.town()
	return pile{m.Days[0], town, !one}, true
}

// town is the municipality that all of a segment is of.
func (g *segment) town() (town string, one bool) {
	towns := townsOf([]*segment{g}, g.manifest.Frames)
	if len(towns) != 1 {
		return "", false
	}
	return towns[0], true
}

// nextMerge chooses what to merge, of the oldest day first.
func (s *Store) nextMerge() merging {
	s.mu.Lock()
	defer s.mu.Unlock()
	piles := map[pile][]*segment{}
	for _, g := range s.segments {
		if p, ok := g.pileOf(); ok {
			piles[p] = append(piles[p], g)
		}
	}
	order := slices.SortedFunc(maps.Keys(piles), func(a, b pile) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.town, b.town)) })
	now := s.now().UnixNano()
	for _, p := range order {
		if part := p.choose(piles[p], now); len(part) > 0 {
			return merging{from: part, replaces: part, born: youngest(part), apart: p.divides(piles[p], now)}
		}
	}
	return merging{}
}

// over tells whether no more is to be expected for a pile's day.
func (p pile) over(list []*segment, now int64) bool {
	day, err := time.Parse(time.DateOnly, p.day)
	return err == nil && now-quiet >= max(day.AddDate(0, 0, 1).UnixNano()-jst, youngest(list))
}

// divides tells whether a pile of several municipalities is to be divided: when it
// is much, or the day is over.
func (p pile) divides(list []*segment, now int64) bool {
	return p.many && (p.over(list, now) || rowsOf(list) >= fullRows)
}

// choose takes segments of a pile that are to be merged now. Each merge writes all
// anew, and so an event sees two of them that cost: when its pile is divided, and
// when of each municipality the day's files become as few as may be, because the
// day is over. Before either only small files are merged, to be fewer.
func (p pile) choose(list []*segment, now int64) []*segment {
	switch {
	case p.divides(list, now):
		return fitting(list)
	case p.over(list, now):
		if part := fitting(below(list, fullRows)); len(part) > 1 {
			return part
		}
		return nil
	}
	sizes := []int64{smallRows, rowGroupRows}
	if p.many {
		sizes = sizes[:1]
	}
	for _, size := range sizes {
		if part := below(list, size); len(part) >= mergeFactor {
			return fitting(part)
		}
	}
	return nil
}

// below are the segments of fewer rows.
func below(list []*segment, rows int64) []*segment {
	return slices.DeleteFunc(slices.Clone(list), func(g *segment) bool { return g.manifest.Events >= rows })
}

// fitting are the first that can be merged at once.
func fitting(list []*segment) []*segment {
	n, rows := 0, int64(0)
	for n < min(len(list), maxMerge) && (n == 0 || rows+list[n].manifest.Events <= 2*fullRows) {
		rows += list[n].manifest.Events
		n++
	}
	return slices.Clone(list[:n])
}

func rowsOf(list []*segment) (rows int64) {
	for _, g := range list {
		rows += g.manifest.Events
	}
	return rows
}

// youngest is when the last of them was first written.
func youngest(list []*segment) (born int64) {
	for _, g := range list {
		born = max(born, g.born())
	}
	return born
}
