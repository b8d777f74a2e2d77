package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/rules"
	"mimamori/store"
)

// wholeExamples puts the whole events into the examples: the rules saw the parts
// that they read.
func wholeExamples(ctx context.Context, s *store.Store, towns []string, reports []*rules.RuleReport) error {
	var refs []event.Ref
	shown := func(each func(*event.Evidence)) {
		for _, r := range reports {
			for _, a := range r.Example {
				if n := len(a.Events); n > 0 {
					each(&a.Events[n-1])
				}
			}
		}
	}
	shown(func(e *event.Evidence) { refs = append(refs, e.Ref) })
	batch, err := s.Lookup(ctx, refs, towns)
	if err != nil {
		return err
	}
	found := map[event.Ref]*event.Event{}
	for i := range batch.Events {
		found[batch.Events[i].Ref] = &batch.Events[i]
	}
	shown(func(e *event.Evidence) {
		if whole := found[e.Ref]; whole != nil {
			e.JSON = whole.AppendJSON(nil)
		}
	})
	return nil
}

func showBacktest(w io.Writer, r *rules.RuleReport) {
	fmt.Fprintf(w, "\n%s: %d alerts\n", r.Rule, r.Alerts)
	if c := r.Changes; c != nil {
		fmt.Fprintf(w, "  against the rule at work: %d added, %d removed, %d the same\n", c.Added, c.Removed, c.Same)
	}
	for _, day := range slices.Sorted(maps.Keys(r.Days)) {
		fmt.Fprintf(w, "  %s  %d\n", day, r.Days[day])
	}
	for _, town := range slices.Sorted(maps.Keys(r.Towns)) {
		name := town
		if name == "" {
			name = "several"
		}
		fmt.Fprintf(w, "  municipality %s  %d\n", name, r.Towns[town])
	}
	for _, g := range r.Groups {
		fmt.Fprintf(w, "  %5d  %s\n", g.Count, g.Key)
	}
	for _, part := range []struct {
		what string
		list []event.Alert
	}{{"example", r.Example}, {"added", r.Added}, {"removed", r.Removed}} {
		for i := range part.list {
			a := &part.list[i]
			fmt.Fprintf(w, "  %s: %s, %d events, %s\n", part.what, a.Start.In(calendar.JST()).Format("2006-01-02 15:04:05"), a.Count, a.Key)
			if n := len(a.Events); n > 0 {
				fmt.Fprintf(w, "    %s\n", strings.TrimSpace(string(a.Events[n-1].JSON)))
			}
		}
	}
}
