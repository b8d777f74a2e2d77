package rules

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"mimamori/event"
)

// ErrSnapshot says that bytes are no snapshot, or a damaged one.
var ErrSnapshot = errors.New("rules: damaged snapshot of rule state")

const snapshotMagic = "MRS1"

// Snapshot returns the state of all correlations, between two batches: with
// Restore, an engine goes on as if it had never stopped.
func (e *Engine) Snapshot() ([]byte, error) {
	w := writer(snapshotMagic)
	for _, st := range e.states {
		if st.groups == nil {
			continue
		}
		w.text(st.rule.ID)
		w.text(st.rule.Version)
		var body writer
		body.table(st.groups)
		w.text(string(body))
	}
	return w, nil
}

// Restore takes the state of a snapshot over. Rules that the snapshot does not
// know, or knows in another version, begin anew. On an error, which is an
// ErrSnapshot, the engine is as it was.
func (e *Engine) Restore(data []byte) error {
	if len(data) < len(snapshotMagic) || string(data[:len(snapshotMagic)]) != snapshotMagic {
		return fmt.Errorf("%w: no %s at its start", ErrSnapshot, snapshotMagic)
	}
	states := make(map[string]*state, len(e.states))
	for _, st := range e.states {
		if st.groups != nil {
			states[st.rule.ID] = st
		}
	}
	restored := map[*state]*table{}
	r := &reader{data: data[len(snapshotMagic):]}
	for len(r.data) > 0 && r.ok() {
		id, version, body := r.text(), r.text(), r.text()
		st := states[id]
		if st == nil || st.rule.Version != version {
			continue
		}
		t := newTable(st.groups.by, st.groups.within, st.groups.limit)
		b := &reader{data: []byte(body)}
		b.table(t, max(1, len(st.rule.units)))
		if !b.ok() {
			return fmt.Errorf("%w: rule %s", ErrSnapshot, id)
		}
		restored[st] = t
	}
	if !r.ok() {
		return fmt.Errorf("%w: it ends early", ErrSnapshot)
	}
	for st, t := range restored {
		st.groups = t
	}
	return nil
}

type writer []byte

func (w *writer) uint(n uint64) { *w = binary.AppendUvarint(*w, n) }
func (w *writer) int(n int64)   { *w = binary.AppendVarint(*w, n) }
func (w *writer) text(s string) { w.uint(uint64(len(s))); *w = append(*w, s...) }
func (w *writer) bool(b bool) {
	if b {
		w.uint(1)
	} else {
		w.uint(0)
	}
}

func (w *writer) table(t *table) {
	w.uint(t.late)
	w.uint(t.evicted)
	w.uint(uint64(len(t.newest)))
	for _, town := range slices.Sorted(maps.Keys(t.newest)) {
		w.text(town)
		w.int(t.newest[town])
	}
	w.uint(uint64(len(t.groups)))
	for g := t.lru.prev; g != &t.lru; g = g.prev { // oldest first
		w.group(g)
	}
}

func (w *writer) group(g *group) {
	w.text(g.key)
	w.text(g.town)
	w.bool(g.mixed)
	w.bool(g.fired)
	w.int(g.last)
	w.uint(uint64(len(g.entries)))
	for _, x := range g.entries {
		w.int(x.at)
		w.uint(uint64(x.step))
		w.text(x.value)
	}
	w.uint(uint64(len(g.kept)))
	for _, k := range g.kept {
		w.int(k.at)
		w.text(k.Ref.Collector)
		w.text(k.Ref.Source)
		w.uint(k.Ref.Epoch)
		w.uint(k.Ref.Seq)
		w.text(string(k.JSON))
	}
}

// reader reads what writer wrote; after the first fault it answers zeros.
type reader struct {
	data []byte
	bad  bool
}

func (r *reader) ok() bool { return !r.bad }

func (r *reader) take(n int) []byte {
	if n <= 0 || n > len(r.data) {
		r.bad, r.data = true, nil
		return nil
	}
	out := r.data[:n]
	r.data = r.data[n:]
	return out
}

func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.data)
	r.take(size)
	return n
}

func (r *reader) int() int64 {
	n, size := binary.Varint(r.data)
	r.take(size)
	return n
}

func (r *reader) text() string {
	n := r.uint()
	if n == 0 {
		return ""
	}
	return string(r.take(int(min(n, 1<<40))))
}

// length reads how many items follow; each takes a byte or more.
func (r *reader) length() int {
	n := r.uint()
	if n > uint64(len(r.data)) {
		r.bad, r.data = true, nil
		return 0
	}
	return int(n)
}

func (r *reader) table(t *table, steps int) {
	t.late, t.evicted = r.uint(), r.uint()
	for range r.length() {
		town := r.text()
		t.newest[town] = r.int()
	}
	for range r.length() {
		g := r.group(steps)
		if !r.ok() || t.groups[g.key] != nil {
			r.bad = true
			return
		}
		t.groups[g.key] = g
		g.next, g.prev = t.lru.next, &t.lru
		g.next.prev, t.lru.next = g, g
		for _, k := range g.kept {
			t.bytes += len(k.JSON)
		}
	}
}

func (r *reader) group(steps int) *group {
	g := &group{key: r.text(), town: r.text(), mixed: r.uint() == 1, fired: r.uint() == 1, last: r.int()}
	for range r.length() {
		x := entry{at: r.int(), step: int32(r.uint() & 0xffff), value: r.text()}
		if int(x.step) >= steps {
			r.bad = true
		}
		g.entries = append(g.entries, x)
	}
	for range r.length() {
		at := r.int()
		ref := event.Ref{Collector: r.text(), Source: r.text(), Epoch: r.uint(), Seq: r.uint()}
		k := keptEvent{at: at, Evidence: event.Evidence{Ref: ref}}
		if s := r.text(); s != "" {
			k.JSON = []byte(s)
		}
		g.kept = append(g.kept, k)
	}
	return g
}
