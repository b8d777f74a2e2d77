package rules

import (
	"strconv"
	"strings"

	"mimamori/event"
	"mimamori/internal/lang"
)

// Explanation says why a rule did or did not match an event.
type Explanation struct {
	Rule    string
	Matches bool
	// Counts is what an alert needs besides, for a rule that counts; "" for others.
	Counts string
	// Local says how the rule is in the event's municipality where it differs: its
	// severity and status, and the numbers that it counts by.
	Local string
	// Allowed names the reason of the allow entry that takes the match out.
	Allowed string
	// Predicates of which one must hold for the index to let the event through
	// to the first condition; empty: every event is let through.
	Predicates []string
	// Conditions: one tree, or one for each step of a sequence.
	Conditions []Explained
}

// Explained is the value of one part of a condition.
type Explained struct {
	Text  string // the part as its author would write it
	Value bool
	Field string // the field's value in the event, quoted; "" when it has none
	Parts []Explained
}

// Explain evaluates every part of a rule's conditions for an event. Lists of
// inList have no members here.
func Explain(r *Rule, ev *event.Event) Explanation {
	x := Explanation{Rule: r.ID, Counts: r.Correlate.counts()}
	for i, c := range r.units {
		part := explain(c.shown, ev)
		x.Matches = x.Matches || part.Value
		x.Conditions = append(x.Conditions, part)
		of, _ := kindOf(c.root)
		if n := frequency(share).within(c.root, of); i == 0 && !n.always {
			for _, p := range n.anyOf {
				x.Predicates = append(x.Predicates, p.String())
			}
		}
	}
	town := ev.Str(fieldMunicipality)
	if t := r.In(town); t != r && t.effect() != r.effect() {
		x.Local = town + ": " + t.local()
	}
	at, _ := ev.Get(fieldTime)
	for _, a := range r.Allow {
		if (a.Municipality == "" || a.Municipality == town) && (a.Expires.IsZero() || at.Int() < a.Expires.UnixNano()) && a.When.Compile(nil)(ev) {
			x.Allowed = a.Reason
		}
	}
	return x
}

func explain(n lang.Node, ev *event.Event) Explained {
	x := Explained{Text: nodeText(n), Value: (&lang.Expr{Root: n}).Compile(nil)(ev)}
	var nodes []lang.Node
	switch n := n.(type) {
	case lang.And:
		nodes = n
	case lang.Or:
		nodes = n
	case lang.Not:
		nodes = []lang.Node{n.Node}
	case lang.Call:
		nodes = []lang.Node{n.Node}
	case *lang.Test:
		x.Field = fieldText(ev, n.Field)
	case lang.FieldTest:
		x.Field = fieldText(ev, n.Left) + " / " + fieldText(ev, n.Right)
	}
	for _, c := range nodes {
		x.Parts = append(x.Parts, explain(c, ev))
	}
	return x
}

func fieldText(ev *event.Event, f event.Field) string {
	v, ok := ev.Get(f)
	if !ok {
		return "-"
	}
	s := v.Text()
	if r := []rune(s); len(r) > 120 {
		s = string(r[:120]) + "…"
	}
	return strconv.Quote(s)
}

// String draws the explanation as a tree: ✓ true, ✗ false, the event's value
// after ←.
func (x Explanation) String() string {
	var b strings.Builder
	b.WriteString(mark(x.Matches) + " " + x.Rule + "\n")
	if x.Local != "" {
		b.WriteString("  municipality " + x.Local + "\n")
	}
	if x.Allowed != "" {
		b.WriteString("  allow: " + x.Allowed + "\n")
	}
	for _, c := range x.Conditions {
		c.draw(&b, 1)
	}
	if x.Counts != "" {
		b.WriteString("  an alert needs more than one event: " + x.Counts + "\n")
	}
	if len(x.Predicates) > 0 {
		b.WriteString("  index: " + strings.Join(x.Predicates[:min(8, len(x.Predicates))], " | "))
		if n := len(x.Predicates) - 8; n > 0 {
			b.WriteString(" | +" + strconv.Itoa(n))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func mark(ok bool) string {
	if ok {
		return "✓"
	}
	return "✗"
}

func (x Explained) draw(b *strings.Builder, depth int) {
	b.WriteString(strings.Repeat("  ", depth) + mark(x.Value) + " " + x.Text)
	if x.Field != "" {
		b.WriteString("  ← " + x.Field)
	}
	b.WriteByte('\n')
	for _, p := range x.Parts {
		p.draw(b, depth+1)
	}
}
