package sigma

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"mimamori/event"
	"mimamori/rules"
)

// Tests says what came of the regression data.
type Tests struct {
	Rules   int      `json:"rules"`   // that were given tests
	Failing []string `json:"failing"` // those that don't match as often as they should, and why
}

// The bounds of regression data.
const (
	maxLine   = 4 << 20
	maxEvents = 50 // a rule's
)

// sample is one line of events.jsonl.gz.
type sample struct {
	Rule  string         `json:"rule"`
	Event map[string]any `json:"event"`
}

// expectation is one line of tests.jsonl.gz.
type expectation struct {
	Rule  string `json:"rule_id"`
	Test  string `json:"test"`
	Count *int   `json:"match_count"`
}

// addTests gives rules the tests that the regression data hold for them: the
// folder has events.jsonl.gz, with rule and event in each line, and
// tests.jsonl.gz, with rule_id, test and match_count. Only rules of Windows
// events have any.
func addTests(dir fs.FS, files map[string]string) (Tests, error) {
	var out Tests
	events := map[string][]map[string]any{}
	err := jsonLines(dir, "events.jsonl.gz", func(s sample) {
		if id := strings.ToLower(s.Rule); len(events[id]) < maxEvents {
			events[id] = append(events[id], Flatten(s.Event))
		}
	})
	if err != nil {
		return out, err
	}
	want := map[string]expectation{}
	if err := jsonLines(dir, "tests.jsonl.gz", func(x expectation) { want[strings.ToLower(x.Rule)] = x }); err != nil {
		return out, err
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if files[id] == "" || len(events[id]) == 0 {
			continue
		}
		text, err := withTest(id, files[id], want[id], events[id])
		if err != nil {
			out.Failing = append(out.Failing, id+": "+err.Error())
			continue
		}
		files[id] = text
		out.Rules++
	}
	return out, nil
}

func jsonLines[T any](dir fs.FS, name string, each func(T)) error {
	f, err := dir.Open(name)
	if err != nil {
		return fmt.Errorf("sigma: %w", err)
	}
	defer func() { _ = f.Close() }() // read only
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("sigma: %s: %w", name, err)
	}
	sc := bufio.NewScanner(z)
	sc.Buffer(nil, maxLine)
	for n := 1; sc.Scan(); n++ {
		var v T
		if err := json.Unmarshal(sc.Bytes(), &v); err != nil {
			return fmt.Errorf("sigma: %s: line %d: %w", name, n, err)
		}
		each(v)
	}
	if err := sc.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("sigma: %s: %w", name, err)
	}
	return nil
}

// withTest appends a test to a rule file: so many alerts as the events give.
// The error says that too few match.
func withTest(id, text string, want expectation, events []map[string]any) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "tests:\n  - name: %s\n    events:\n", yamlText(cmp.Or(oneLine(want.Test), "regression")))
	for _, e := range events {
		b.WriteString("      - {")
		for i, name := range slices.Sorted(maps.Keys(e)) {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(yamlText(name) + ": " + yamlText(fmt.Sprint(e[name])))
		}
		b.WriteString("}\n")
	}
	r, err := rules.Parse(id+".yaml", []byte(text+b.String()+"    alerts: 1\n"))
	if err != nil {
		return "", fmt.Errorf("its events can't be a test: %w", err)
	}
	matches, alerts, err := play(r)
	if err != nil {
		return "", err
	}
	least := 1
	if want.Count != nil {
		least = *want.Count
	}
	if matches < least {
		return "", fmt.Errorf("%d matches, want %d", matches, least)
	}
	return text + b.String() + fmt.Sprintf("    alerts: %d\n", alerts), nil
}

// play runs a rule over the events of its test.
func play(r *rules.Rule) (matches, alerts int, err error) {
	batch, err := r.Tests[0].Batch(new(event.Builder))
	if err != nil {
		return 0, 0, err
	}
	r.Status = rules.Stable
	set, err := rules.NewSet(r)
	if err != nil {
		return 0, 0, err
	}
	e := rules.NewEngine(set, rules.Options{})
	for i := range batch.Events {
		e.Match(&batch.Events[i], func(*rules.Rule) { matches++ })
	}
	e.Evaluate(batch, func(event.Alert) { alerts++ })
	e.Flush(func(event.Alert) { alerts++ })
	return matches, alerts, nil
}
