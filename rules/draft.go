package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mimamori/event"
	"mimamori/internal/lang"
)

// draftedEvents are how many events of each kind a draft takes for its tests.
const draftedEvents = 2

// WriteDraft writes the file of a new rule from a search and what it found: hits are
// events that match, misses such that do not, best of the same datasets. The
// tests pass as they stand; what only a person can say is marked with …
func WriteDraft(id, when string, hits, misses []event.Event) (string, error) {
	expr, err := lang.Parse(when)
	if err != nil {
		return "", fmt.Errorf("rules: %w", err)
	}
	fields := fieldsOf(expr.Root, nil)
	for _, name := range [...]string{"event.dataset", "municipality", "host.name", "user.name", "source.ip"} {
		fields = append(fields, event.MustLookup(name))
	}
	var datasets []string
	for i := range hits {
		if d := hits[i].Str(fieldDataset); d != "" && !slices.Contains(datasets, d) {
			datasets = append(datasets, d)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "id: %s\ntitle:\n  ja: …\n  en: …\nseverity: medium\nstatus: draft # then test, in some towns, then stable\nowner: …\nattack: [] # such as T1110.001\n", id)
	if len(datasets) > 0 {
		slices.Sort(datasets)
		fmt.Fprintf(&b, "source: {dataset: [%s]}\n", strings.Join(datasets, ", "))
	}
	b.WriteString("when: |\n  " + strings.ReplaceAll(strings.TrimSpace(when), "\n", "\n  ") + "\n")
	b.WriteString("suppress: {by: [" + strings.Join(groupOf(hits), ", ") + "], for: 1h} # or correlate: {count: 10, by: […], within: 5m}\n")
	b.WriteString("explain:\n  ja: …\n  en: …\nrespond: # what to do first\n  ja: […]\n  en: […]\nfalsepositives:\n  ja: []\n  en: []\n")
	b.WriteString("# Taken from stored events: replace the names and addresses of people before others see them.\ntests:\n")
	writeCase(&b, "what was found", 1, hits[:min(len(hits), 1)], fields)
	writeCase(&b, "what was not found", 0, misses[:min(len(misses), draftedEvents)], fields)
	return b.String(), nil
}

func writeCase(b *strings.Builder, name string, alerts int, list []event.Event, fields []event.Field) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "  - name: %s\n    alerts: %d\n    events:\n", name, alerts)
	x, batch := new(event.Builder), new(event.Batch)
	for i := range list {
		x.Reset()
		for _, f := range fields {
			if v, ok := list[i].Get(f); ok {
				x.Set(f, v)
			}
		}
		b.WriteString("      - " + string(batch.Append(x, event.Ref{}).AppendJSON(nil)) + "\n")
	}
}

// groupOf chooses the fields that tell one case from another.
func groupOf(hits []event.Event) []string {
	by := []string{"municipality"}
	for _, name := range [...]string{"host.name", "source.ip", "user.name"} {
		f := event.MustLookup(name)
		if len(hits) > 0 && !slices.ContainsFunc(hits, func(e event.Event) bool { return !e.Has(f) }) {
			by = append(by, name)
		}
	}
	return by[:min(len(by), 3)]
}

// fieldsOf lists the fields that a condition asks.
func fieldsOf(n lang.Node, out []event.Field) []event.Field {
	add := func(fields ...event.Field) {
		for _, f := range fields {
			if !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	switch n := n.(type) {
	case lang.And:
		for _, x := range n {
			out = fieldsOf(x, out)
		}
	case lang.Or:
		for _, x := range n {
			out = fieldsOf(x, out)
		}
	case lang.Not:
		out = fieldsOf(n.Node, out)
	case *lang.Test:
		add(n.Field)
	case lang.FieldTest:
		add(n.Left, n.Right)
	case lang.Words:
		add(event.MustLookup("message"))
	case lang.Holiday:
		add(n.Field)
	}
	return out
}

// ValidID tells whether a text can be a rule's id, which is its file's name.
func ValidID(id string) error {
	if isMacros(id + ".yaml") {
		return fmt.Errorf("rules: %s.yaml is the file of macros: choose another id", id)
	}
	if !validID.MatchString(id) {
		return fmt.Errorf("rules: %s is no rule id: lower-case letters, digits, - and _, at most 80", strconv.Quote(id))
	}
	return nil
}
