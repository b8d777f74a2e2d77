package frame

import (
	"cmp"
	"slices"
)

// Key names one sequence: a source of a collector since it began to count.
type Key struct {
	Collector string
	Source    string
	Epoch     uint64
}

// Range is an interval of sequence numbers, both ends included.
type Range struct{ First, Last uint64 }

// Counts is what became of the records of a range.
type Counts struct {
	Stored      uint64 // in the event store, parsed or not
	Quarantined uint64 // of these, not parsed or parsed badly
	Masked      uint64 // of these, with something masked by the collector
	Dropped     uint64 // lost before the collector could keep or ship them, and said so
}

// Plus is the sum of two accounts.
func (c Counts) Plus(d Counts) Counts {
	return Counts{c.Stored + d.Stored, c.Quarantined + d.Quarantined, c.Masked + d.Masked, c.Dropped + d.Dropped}
}

// Entry is what the ledger knows of one sequence.
type Entry struct {
	Key
	Municipality string
	Zone         string
	Ranges       []Range // what arrived, ascending and disjoint
	Counts
	Duplicates uint64 // records that came again and were not taken
}

// Received is how many records arrived, each counted once.
func (e *Entry) Received() uint64 {
	var n uint64
	for _, r := range e.Ranges {
		n += r.Last - r.First + 1
	}
	return n
}

// Missing lists the sequences below the highest one that have not arrived.
func (e *Entry) Missing() []Range {
	var out []Range
	next := uint64(1)
	for _, r := range e.Ranges {
		if r.First > next {
			out = append(out, Range{next, r.First - 1})
		}
		next = r.Last + 1
	}
	return out
}

// Lost is how many sequences are missing.
func (e *Entry) Lost() uint64 {
	var n uint64
	for _, r := range e.Missing() {
		n += r.Last - r.First + 1
	}
	return n
}

// Ledger is the account of all sequences. It is not safe for concurrent use.
type Ledger struct{ entries map[Key]*Entry }

// NewLedger makes an empty ledger.
func NewLedger() *Ledger { return &Ledger{entries: map[Key]*Entry{}} }

// Entry returns the account of a sequence, opening it when it is new.
func (l *Ledger) Entry(k Key, municipality, zone string) *Entry {
	e := l.entries[k]
	if e == nil {
		e = &Entry{Key: k, Municipality: municipality, Zone: zone}
		l.entries[k] = e
	}
	return e
}

// Has tells whether every sequence of the range has arrived.
func (l *Ledger) Has(k Key, r Range) bool {
	e := l.entries[k]
	if e == nil {
		return false
	}
	i, found := slices.BinarySearchFunc(e.Ranges, r.First, func(x Range, first uint64) int { return cmp.Compare(x.First, first) })
	if !found {
		i--
	}
	return i >= 0 && e.Ranges[i].First <= r.First && r.Last <= e.Ranges[i].Last
}

// Add enters a range with its counts. A range that is there already, whole, is
// counted as duplicate and refused with false.
func (l *Ledger) Add(e *Entry, r Range, c Counts) bool {
	if l.Has(e.Key, r) {
		e.Duplicates += r.Last - r.First + 1
		return false
	}
	e.Counts = e.Counts.Plus(c)
	i, _ := slices.BinarySearchFunc(e.Ranges, r.First, func(x Range, first uint64) int { return cmp.Compare(x.First, first) })
	e.Ranges = slices.Insert(e.Ranges, i, r)
	e.Ranges = merge(e.Ranges, max(i-1, 0))
	return true
}

// Fill enters a range whose records the collector gave up, and returns the parts
// of it that had not arrived: these are lost, and count as dropped. A part that
// had arrived stays what it is.
func (l *Ledger) Fill(e *Entry, r Range) []Range {
	var parts []Range
	next := r.First
	for _, have := range e.Ranges {
		if have.Last < next {
			continue
		}
		if have.First > r.Last {
			break
		}
		if have.First > next {
			parts = append(parts, Range{next, have.First - 1})
		}
		next = have.Last + 1
	}
	if next <= r.Last {
		parts = append(parts, Range{next, r.Last})
	}
	for _, p := range parts {
		l.Add(e, p, Counts{Dropped: p.Last - p.First + 1})
	}
	return parts
}

// merge joins ranges that touch or overlap, from index i on.
func merge(rs []Range, i int) []Range {
	for i+1 < len(rs) {
		switch {
		case rs[i].Last+1 >= rs[i+1].First:
			rs[i].Last = max(rs[i].Last, rs[i+1].Last)
			rs = slices.Delete(rs, i+1, i+2)
		default:
			i++
		}
	}
	return rs
}

// Clone copies an account, so that it can be read while the ledger goes on.
func (e *Entry) Clone() *Entry {
	c := *e
	c.Ranges = slices.Clone(e.Ranges)
	return &c
}

// Restore enters an account that was kept elsewhere.
func (l *Ledger) Restore(e *Entry) { l.entries[e.Key] = e.Clone() }

// Entries lists the accounts by collector, source and epoch.
func (l *Ledger) Entries() []*Entry {
	out := make([]*Entry, 0, len(l.entries))
	for _, e := range l.entries {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b *Entry) int {
		return cmp.Or(cmp.Compare(a.Collector, b.Collector), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Epoch, b.Epoch))
	})
	return out
}
