package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"mimamori/event"
	"mimamori/internal/pack"
)

// ErrSnapshot says that bytes are no snapshot, or a damaged one.
var ErrSnapshot = errors.New("not a snapshot of the rule engine, or a damaged one")

const snapshotMagic = "MRS4"

// Snapshot returns the state of all correlations, between two batches: with
// Restore, an engine goes on as if it had never stopped.
func (e *Engine) Snapshot() ([]byte, error) {
	w := pack.Writer{B: make([]byte, 0, e.size+e.size/8)} // about as much as last time
	w.B = append(w.B, snapshotMagic...)
	w.Int(e.clock)
	w.Int(e.judged)
	kept := evidence{numbers: map[*byte]uint64{}}
	w.Part(func(w *pack.Writer) {
		for _, st := range e.states {
			if st.table == nil {
				continue
			}
			w.Text(strings.TrimSuffix(st.rule.ID+" "+st.rule.scope.String(), " ")) // an id has no blank
			w.Text(st.rule.counting())
			w.Part(func(w *pack.Writer) { (&snapshotWriter{w, &kept}).table(st.table) })
		}
	})
	w.Uint(uint64(len(kept.texts)))
	for _, text := range kept.texts {
		w.Bytes(text)
	}
	e.size = len(w.B)
	return w.B, nil
}

// snapshotWriter and snapshotReader are of one rule's table.
type (
	snapshotWriter struct {
		*pack.Writer
		kept *evidence
	}
	snapshotReader struct {
		pack.Reader
		kept *evidence
	}
)

func (r *snapshotReader) text() []byte {
	text, ok := r.kept.text(r.Uint())
	r.Bad = r.Bad || !ok
	return text
}

// Restore takes the state of a snapshot over. Rules that the snapshot does not
// know, or knows as counting in another way, begin anew. After an error nothing has changed.
func (e *Engine) Restore(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	if len(data) < len(snapshotMagic) || string(data[:len(snapshotMagic)]) != snapshotMagic {
		return ErrSnapshot
	}
	r := &pack.Reader{B: data[len(snapshotMagic):]}
	clock, judged := r.Int(), r.Int()
	tables := &pack.Reader{B: r.Bytes()}
	kept := readEvidence(r)
	heirs := e.heirs()
	var list []legacy
	for len(tables.B) > 0 && !tables.Bad {
		name, counting, body := tables.Text(), tables.Text(), tables.Bytes()
		id, scope, _ := strings.Cut(name, " ")
		like := heirs[[2]string{id, counting}]
		if len(like) == 0 {
			continue
		}
		t := newTable(like[0].rule, like[0].table.limit)
		b := &snapshotReader{pack.Reader{B: body}, kept}
		b.table(t, like[0].rule.Correlate)
		if b.Bad {
			return fmt.Errorf("%w: rule %s", ErrSnapshot, id)
		}
		list = append(list, legacy{id, counting, scope, t})
	}
	if r.Bad || tables.Bad || len(r.B) > 0 {
		return fmt.Errorf("%w: it ends early or late", ErrSnapshot)
	}
	e.clock, e.judged = max(e.clock, clock), max(e.judged, judged)
	e.inherit(list)
	return nil
}

func (w *snapshotWriter) table(t *table) {
	w.Uint(t.late)
	w.Uint(t.evicted)
	w.lane(&t.live)
	w.Uint(uint64(len(t.lanes)))
	for _, name := range slices.Sorted(maps.Keys(t.lanes)) {
		w.Text(name)
		w.lane(t.lanes[name])
	}
}

func (w *snapshotWriter) group(g *group) {
	w.Text(g.key)
	w.Name(g.town)
	for _, b := range [...]bool{g.mixed, g.fired, g.over} {
		w.Bool(b)
	}
	w.Uint(uint64(g.n))
	for _, n := range [...]int64{g.touched, g.first, g.last, g.sum} {
		w.Int(n)
	}
	w.Uint(uint64(len(g.entries)))
	for _, x := range g.entries {
		w.Int(x.at)
		w.Uint(x.n)
	}
	w.Uint(uint64(len(g.kept)))
	for _, k := range g.kept {
		w.Int(k.at)
		w.Name(k.Ref.Collector)
		w.Name(k.Ref.Source)
		w.Uint(k.Ref.Epoch)
		w.Uint(k.Ref.Seq)
		w.Uint(w.kept.number(k.JSON))
	}
	w.Uint(uint64(len(g.seen)))
	if len(g.seen) == 0 { // to sort nothing allocates, for each of a million
		return
	}
	for _, n := range slices.Sorted(maps.Keys(g.seen)) {
		w.Uint(n)
		w.Int(g.seen[n])
	}
}

// lane writes its groups, oldest first, and what waits, in its order.
func (w *snapshotWriter) lane(l *lane) {
	w.Int(l.clock)
	w.Int(l.seen)
	n := int32(0)
	for g := range l.groups {
		g.number = n
		n++
	}
	w.Uint(uint64(n))
	for g := range l.groups {
		w.group(g)
	}
	waiting := make([]*arrival, len(l.heap))
	for i := range l.heap {
		waiting[i] = &l.heap[i]
	}
	slices.SortFunc(waiting, func(a, b *arrival) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	w.Uint(uint64(len(waiting)))
	for _, x := range waiting {
		w.Int(x.at)
		w.Bool(x.wake)
		w.Bool(x.group.gone)
		if x.group.gone {
			w.Text(x.group.key)
		} else {
			w.Uint(uint64(x.group.number))
		}
		if x.wake {
			continue
		}
		w.Uint(x.n)
		w.Uint(x.seq)
		w.Uint(uint64(x.step))
		for _, s := range []string{x.from.collector, x.from.source, x.from.town, x.from.zone} {
			w.Name(s)
		}
		w.Uint(x.from.epoch)
		w.Text(x.text)
		w.Uint(w.kept.number(x.json))
		w.Bool(x.keep)
	}
}

func (r *snapshotReader) table(t *table, c *Correlate) {
	t.late, t.evicted = r.Uint(), r.Uint()
	r.lane(t, &t.live, c)
	for range r.Length() {
		l := newLane(r.Text(), 0)
		if r.Bad || t.lanes[l.name] != nil {
			r.Bad = true
			return
		}
		r.lane(t, l, c)
		t.lanes[l.name] = l
	}
}

// fits tells whether a group has as many entries as its type of correlation reads.
func (g *group) fits(c *Correlate) bool {
	if c == nil || c.Type != "sequence" && c.Type != "temporal" {
		return len(g.entries) <= maxCount
	}
	units := 0
	for _, s := range c.Steps {
		units += s.Count
	}
	return len(g.entries) == 0 || len(g.entries) == units
}

func (r *snapshotReader) group() *group {
	g := &group{key: r.Text(), town: r.Name(), mixed: r.Bool(), fired: r.Bool(), over: r.Bool()}
	g.n = int32(r.Uint() & 0x7fffffff)
	g.touched, g.first, g.last, g.sum = r.Int(), r.Int(), r.Int(), r.Int()
	if n := r.Length(); n > 0 {
		g.entries = make([]entry, 0, n)
		for range n {
			g.entries = append(g.entries, entry{at: r.Int(), n: r.Uint()})
		}
	}
	for range r.Length() {
		at := r.Int()
		k := keptEvent{at: at, Evidence: event.Evidence{Ref: event.Ref{Collector: r.Name(), Source: r.Name(), Epoch: r.Uint(), Seq: r.Uint()}}}
		k.JSON = r.text()
		g.kept = append(g.kept, k)
	}
	if n := r.Length(); n > 0 {
		g.seen = make(map[uint64]int64, n)
		for range n {
			value := r.Uint()
			g.seen[value] = r.Int()
		}
	}
	return g
}

func (r *snapshotReader) lane(t *table, l *lane, c *Correlate) {
	l.clock, l.seen = r.Int(), r.Int()
	var groups []*group
	for range r.Length() {
		g := r.group()
		if r.Bad || t.groups[g.key] != nil || !g.fits(c) {
			r.Bad = true
			return
		}
		t.own(g)
		l.use(g)
		groups = append(groups, g)
	}
	gone := map[string]*group{}
	for range r.Length() {
		x := arrival{at: r.Int(), wake: r.Bool()}
		if r.Bool() {
			key := r.Text()
			if gone[key] == nil {
				gone[key] = &group{key: key, gone: true}
			}
			x.group = gone[key]
		} else if i := r.Uint(); i < uint64(len(groups)) {
			x.group = groups[i]
		}
		if !x.wake {
			r.event(&x)
		}
		if _, timed := t.kind.(timed); x.wake && !timed {
			r.Bad = true
		}
		if r.Bad || x.group == nil || c == nil || x.step > len(c.Steps) || x.step == len(c.Steps) && x.step > 0 && c.Until == nil {
			r.Bad = true
			return
		}
		if x.wake {
			x.group.timer = true
		} else {
			x.group.waiting++
		}
		t.waiting++
		t.bytes += len(x.json)
		l.push(x)
	}
}

func (r *snapshotReader) event(x *arrival) {
	x.n, x.seq, x.step = r.Uint(), r.Uint(), int(r.Uint()&0xffff)
	from := &origin{collector: r.Name(), source: r.Name(), town: r.Name(), zone: r.Name()}
	from.epoch, x.from = r.Uint(), from
	x.text = r.Text()
	x.json = r.text()
	x.keep = r.Bool()
}
