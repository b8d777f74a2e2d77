package store

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// FrameRange names records of one source that a segment holds or accounts for:
// the sequences First to Last, both included.
type FrameRange struct {
	Collector    string `json:"collector"`
	Source       string `json:"source"`
	Municipality string `json:"municipality"`
	Epoch        uint64 `json:"epoch"`
	First        uint64 `json:"first"`
	Last         uint64 `json:"last"`
	Stored       uint64 `json:"stored,omitempty"`      // records that became events
	Quarantined  uint64 `json:"quarantined,omitempty"` // of those, without a format that fits
	Masked       uint64 `json:"masked,omitempty"`      // of those, with something masked by the collector
	Dropped      uint64 `json:"dropped,omitempty"`     // records that the collector gave up, with their reason
}

func (f FrameRange) compare(g FrameRange) int {
	return cmp.Or(cmp.Compare(f.Collector, g.Collector), cmp.Compare(f.Source, g.Source),
		cmp.Compare(f.Municipality, g.Municipality), cmp.Compare(f.Epoch, g.Epoch), cmp.Compare(f.First, g.First), cmp.Compare(f.Last, g.Last))
}

// mergeFrames sorts ranges and joins those of one source that follow each
// other without a gap. A range that is there twice counts once.
func mergeFrames(ranges []FrameRange) []FrameRange {
	slices.SortFunc(ranges, FrameRange.compare)
	out := ranges[:0]
	for _, r := range ranges {
		if n := len(out); n > 0 {
			p := &out[n-1]
			same := p.Collector == r.Collector && p.Source == r.Source && p.Municipality == r.Municipality && p.Epoch == r.Epoch
			if same && r.First >= p.First && r.Last <= p.Last {
				continue
			}
			if same && r.First == p.Last+1 {
				p.Last = r.Last
				p.Stored, p.Quarantined = p.Stored+r.Stored, p.Quarantined+r.Quarantined
				p.Masked, p.Dropped = p.Masked+r.Masked, p.Dropped+r.Dropped
				continue
			}
		}
		out = append(out, r)
	}
	return out
}

// formatVersion is the version of the segment's layout. Open sets aside what
// is newer than it knows.
const formatVersion = 1

// maxRestNames bounds the list of field names in a manifest; beyond it the
// list is "*", any field.
const maxRestNames = 512

// manifest says what a segment holds. It stands in the Parquet footer under
// the key "mimamori", so that it can't disagree with the file.
type manifest struct {
	Format   int              `json:"format"`
	Events   int64            `json:"events"`
	Oldest   int64            `json:"oldest"` // smallest @timestamp, ns; 0 without
	Newest   int64            `json:"newest"`
	Untimed  int64            `json:"untimed,omitempty"` // events without @timestamp
	Tenants  map[string]int64 `json:"tenants"`           // events per municipality
	Kinds    []kind           `json:"kinds,omitempty"`   // sorted; none in files of older programs
	Days     []string         `json:"days,omitempty"`    // of arrival (event.ingested) in Japan, as 2026-11-23: one, but of an odd file; none in files of older programs
	Odd      bool             `json:"odd,omitempty"`     // the frames don't tell town and day of their events: never divided
	Frames   []FrameRange     `json:"frames,omitempty"`
	Rest     []string         `json:"rest,omitempty"`     // fields that some event has in the column rest
	Replaces []string         `json:"replaces,omitempty"` // files that this one was compacted from; of a group, only the first says so
	Anew     *anew            `json:"anew,omitempty"`     // what Rewrite changed
	Filters  *filterIndex     `json:"filters,omitempty"`  // nil in files of older programs

	last int    // the kind that was counted last
	town string // of one that is divided by municipalities
}

// share holds texts once that other segments have too.
func (m *manifest) share() {
	for i := range m.Kinds {
		k := &m.Kinds[i]
		k.Municipality, k.Dataset = intern(k.Municipality), intern(k.Dataset)
	}
	for i := range m.Frames {
		f := &m.Frames[i]
		f.Collector, f.Source, f.Municipality = intern(f.Collector), intern(f.Source), intern(f.Municipality)
	}
	for i := range m.Rest {
		m.Rest[i] = intern(m.Rest[i])
	}
}

// timed counts an event's time.
func (m *manifest) timed(ns int64, ok bool) {
	if !ok {
		m.Untimed++
		return
	}
	if m.Events == m.Untimed || ns < m.Oldest {
		m.Oldest = ns
	}
	if m.Events == m.Untimed || ns > m.Newest {
		m.Newest = ns
	}
}

// kind are the events of one municipality and dataset in a segment.
type kind struct {
	Municipality string `json:"municipality"`
	Dataset      string `json:"dataset"`
	Events       int64  `json:"events"`
	Newest       int64  `json:"newest"` // @timestamp
	Untimed      bool   `json:"untimed,omitempty"`
}

func (k *kind) compare(municipality, dataset string) int {
	return cmp.Or(cmp.Compare(k.Municipality, municipality), cmp.Compare(k.Dataset, dataset))
}

// count takes one event into account.
func (m *manifest) count(tenant, dataset string, ns int64, timed bool) {
	m.timed(ns, timed)
	m.Events++
	m.Tenants[tenant]++
	if m.last >= len(m.Kinds) || m.Kinds[m.last].compare(tenant, dataset) != 0 {
		at, found := slices.BinarySearchFunc(m.Kinds, 0, func(k kind, _ int) int { return k.compare(tenant, dataset) })
		if m.last = at; !found {
			m.Kinds = slices.Insert(m.Kinds, at, kind{Municipality: strings.Clone(tenant), Dataset: strings.Clone(dataset), Newest: math.MinInt64})
		}
	}
	k := &m.Kinds[m.last]
	k.Events++
	if k.Untimed = k.Untimed || !timed; timed {
		k.Newest = max(k.Newest, ns)
	}
}
