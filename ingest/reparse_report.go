package ingest

import (
	"maps"
	"slices"

	"mimamori/event"
)

// Bounds of a report.
const (
	maxWords    = 200 // different words in a tally
	maxExamples = 20
	maxAlike    = 3 // examples in which the same fields change
	maxShown    = 2000
)

// Report is the account of reading again. Every event that was read is counted
// as Changed, Same or Left.
type Report struct {
	Read        uint64       `json:"read"`
	Changed     uint64       `json:"changed"`
	Same        uint64       `json:"same"`
	Released    tally        `json:"out_of_quarantine,omitempty"` // of the changed, by format
	Quarantined tally        `json:"quarantined,omitempty"`       // of the changed and the same, by reason
	Left        tally        `json:"left,omitempty"`              // by reason
	Fields      fieldChanges `json:"fields,omitempty"`            // of the changed
	Examples    []Example    `json:"examples,omitempty"`
}

// tally counts words. Beyond maxWords different ones they count as "…".
type tally map[string]uint64

func (t *tally) count(word string) { t.add(word, 1) }

func (t *tally) add(word string, n uint64) {
	if *t == nil {
		*t = tally{}
	}
	if _, known := (*t)[word]; !known && len(*t) >= maxWords {
		word = "…"
	}
	(*t)[word] += n
}

// Sum is how many were counted.
func (t tally) Sum() (n uint64) {
	for _, v := range t {
		n += v
	}
	return n
}

// fieldChanges counts in how many events a field changed.
type fieldChanges map[string]uint64

func (c *fieldChanges) count(fields []event.Field) {
	if *c == nil {
		*c = fieldChanges{}
	}
	for _, f := range fields {
		(*c)[f.Name()]++
	}
}

// Example is one event that changed, field by field.
type Example struct {
	Ref    event.Ref     `json:"event"`
	Line   string        `json:"line"`
	Format string        `json:"format"` // that reads it now
	Fields []FieldChange `json:"fields"`
}

// FieldChange is what a field was and is; "" is absent.
type FieldChange struct {
	Field string `json:"field"`
	Old   string `json:"old,omitempty"`
	New   string `json:"new,omitempty"`
}

func (p *Report) leave(reason string) { p.Left.count(reason) }

// example keeps an event as an example, unless there are enough of its kind.
func (p *Report) example(was, now *event.Event, format string, fields []event.Field) {
	if len(p.Examples) >= maxExamples || !p.rare(format, len(fields), func(i int) string { return fields[i].Name() }) {
		return
	}
	x := Example{Ref: was.Ref, Line: shown(was.Str(fOriginal)), Format: format}
	text := func(e *event.Event, f event.Field) string {
		v, _ := e.Get(f)
		if !e.Has(f) {
			return ""
		}
		return shown(v.Text())
	}
	for _, f := range fields {
		x.Fields = append(x.Fields, FieldChange{f.Name(), text(was, f), text(now, f)})
	}
	p.Examples = append(p.Examples, x)
}

// rare tells whether there is room for an example in which these fields change.
func (p *Report) rare(format string, n int, field func(i int) string) bool {
	alike := 0
next:
	for i := range p.Examples {
		x := &p.Examples[i]
		if x.Format != format || len(x.Fields) != n {
			continue
		}
		for j := range x.Fields {
			if x.Fields[j].Field != field(j) {
				continue next
			}
		}
		alike++
	}
	return alike < maxAlike
}

// shown is a text of bounded length, in memory of its own.
func shown(s string) string {
	if len(s) > maxShown {
		return string([]rune(s[:maxShown])) + "…"
	}
	return string([]byte(s))
}

// add takes another report into this one.
func (p *Report) add(q *Report) {
	p.Read, p.Changed, p.Same = p.Read+q.Read, p.Changed+q.Changed, p.Same+q.Same
	for _, t := range []struct {
		to   *tally
		from tally
	}{{&p.Released, q.Released}, {&p.Quarantined, q.Quarantined}, {&p.Left, q.Left}} {
		for _, word := range slices.Sorted(maps.Keys(t.from)) {
			t.to.add(word, t.from[word])
		}
	}
	if p.Fields == nil {
		p.Fields = fieldChanges{}
	}
	for f, n := range q.Fields {
		p.Fields[f] += n
	}
	for i := range q.Examples {
		x := &q.Examples[i]
		if len(p.Examples) < maxExamples && p.rare(x.Format, len(x.Fields), func(i int) string { return x.Fields[i].Field }) {
			p.Examples = append(p.Examples, *x)
		}
	}
}
