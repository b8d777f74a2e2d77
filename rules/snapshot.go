package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"mimamori/event"
	"mimamori/internal/pack"
)

// ErrSnapshot says that bytes are no snapshot, or a damaged one.
var ErrSnapshot = errors.New("rules: damaged snapshot of rule state")

const snapshotMagic = "MRS1"

// Snapshot returns the state of all correlations, between two batches: with
// Restore, an engine goes on as if it had never stopped.
func (e *Engine) Snapshot() ([]byte, error) {
	w := pack.Writer{B: []byte(snapshotMagic)}
	for _, st := range e.states {
		if st.groups == nil {
			continue
		}
		w.Text(st.rule.ID)
		w.Text(st.rule.Version)
		var body pack.Writer
		writeTable(&body, st.groups)
		w.Text(string(body.B))
	}
	return w.B, nil
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
	r := &pack.Reader{B: data[len(snapshotMagic):]}
	for len(r.B) > 0 && !r.Bad {
		id, version, body := r.Text(), r.Text(), r.Text()
		st := states[id]
		if st == nil || st.rule.Version != version {
			continue
		}
		t := newTable(st.groups.by, st.groups.within, st.groups.limit)
		b := &pack.Reader{B: []byte(body)}
		readTable(b, t, max(1, len(st.rule.units)))
		if b.Bad {
			return fmt.Errorf("%w: rule %s", ErrSnapshot, id)
		}
		restored[st] = t
	}
	if r.Bad {
		return fmt.Errorf("%w: it ends early", ErrSnapshot)
	}
	for st, t := range restored {
		st.groups = t
	}
	return nil
}

func writeTable(w *pack.Writer, t *table) {
	w.Uint(t.late)
	w.Uint(t.evicted)
	w.Uint(uint64(len(t.newest)))
	for _, town := range slices.Sorted(maps.Keys(t.newest)) {
		w.Text(town)
		w.Int(t.newest[town])
	}
	w.Uint(uint64(len(t.groups)))
	for g := t.lru.prev; g != &t.lru; g = g.prev { // oldest first
		writeGroup(w, g)
	}
}

func writeGroup(w *pack.Writer, g *group) {
	w.Text(g.key)
	w.Text(g.town)
	w.Bool(g.mixed)
	w.Bool(g.fired)
	w.Int(g.last)
	w.Uint(uint64(len(g.entries)))
	for _, x := range g.entries {
		w.Int(x.at)
		w.Uint(uint64(x.step))
		w.Text(x.value)
	}
	w.Uint(uint64(len(g.kept)))
	for _, k := range g.kept {
		w.Int(k.at)
		w.Text(k.Ref.Collector)
		w.Text(k.Ref.Source)
		w.Uint(k.Ref.Epoch)
		w.Uint(k.Ref.Seq)
		w.Text(string(k.JSON))
	}
}

func readTable(r *pack.Reader, t *table, steps int) {
	t.late, t.evicted = r.Uint(), r.Uint()
	for range r.Length() {
		town := r.Text()
		t.newest[town] = r.Int()
	}
	for range r.Length() {
		g := readGroup(r, steps)
		if r.Bad || t.groups[g.key] != nil {
			r.Bad = true
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

func readGroup(r *pack.Reader, steps int) *group {
	g := &group{key: r.Text(), town: r.Text(), mixed: r.Bool(), fired: r.Bool(), last: r.Int()}
	for range r.Length() {
		x := entry{at: r.Int(), step: int32(r.Uint() & 0xffff), value: r.Text()}
		if int(x.step) >= steps {
			r.Bad = true
		}
		g.entries = append(g.entries, x)
	}
	for range r.Length() {
		at := r.Int()
		ref := event.Ref{Collector: r.Text(), Source: r.Text(), Epoch: r.Uint(), Seq: r.Uint()}
		k := keptEvent{at: at, Evidence: event.Evidence{Ref: ref}}
		if s := r.Text(); s != "" {
			k.JSON = []byte(s)
		}
		g.kept = append(g.kept, k)
	}
	return g
}
