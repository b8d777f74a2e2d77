package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mimamori/event"
)

// Failure is a test inside a rule file that did not give what it promises.
type Failure struct {
	Rule, File string
	Line       int // where the test begins
	Test       string
	Want, Got  int    // alerts
	Err        string // why the test could not run; "" when it ran
}

// String says it in one line: file:line: rule, test, what was expected.
func (f Failure) String() string {
	if f.Err != "" {
		return fmt.Sprintf("%s:%d: rule %s, test %q: %s", f.File, f.Line, f.Rule, f.Test, f.Err)
	}
	return fmt.Sprintf("%s:%d: rule %s, test %q: want %d alerts, got %d", f.File, f.Line, f.Rule, f.Test, f.Want, f.Got)
}

// Test runs the tests inside the rule files, each rule alone and whatever its
// status and whatever differs in single municipalities. Events without @timestamp come a second after the one before.
func Test(s *Set) []Failure {
	var out []Failure
	x := new(event.Builder)
	for _, r := range s.rules {
		for _, c := range r.Tests {
			f := Failure{Rule: r.ID, File: r.File, Line: c.Line, Test: c.Name, Want: c.Alerts}
			b, err := c.Batch(x)
			if err != nil {
				f.Err = err.Error()
				out = append(out, f)
				continue
			}
			running := *r
			running.Status, running.Towns = Stable, nil
			e := NewEngine(&Set{rules: []*Rule{&running}}, Options{Lists: c.Lists})
			e.shown = r.onAlerts() // the events of such a rule's tests are alerts
			count := func(event.Alert) { f.Got++ }
			e.Evaluate(b, count)
			e.Flush(count)
			if f.Got != f.Want || len(e.Stats().Suspended) > 0 {
				out = append(out, f)
			}
		}
	}
	return out
}

// members are named lists as a test gives them.
type members map[string][]string

// Contains tells whether a list has a value.
func (m members) Contains(list, value string) bool { return slices.Contains(m[list], value) }

// testStart is the time of a test's first event.
var testStart = time.Date(2026, 11, 2, 1, 0, 0, 0, time.UTC)

// Batch makes the events of the test, with the help of a builder.
func (c Case) Batch(x *event.Builder) (*event.Batch, error) {
	b := &event.Batch{}
	at := testStart
	for _, s := range c.Events {
		for n := 1; n <= s.Repeat; n++ {
			x.Reset()
			if err := x.SetMap(s.expand(n)); err != nil {
				return nil, fmt.Errorf("rules: %w", err)
			}
			if v, ok := x.Get(fieldTime); ok && s.Repeat == 1 {
				at = time.Unix(0, v.Int())
			} else {
				if ok && n == 1 {
					at = time.Unix(0, v.Int())
				}
				x.Set(fieldTime, event.Time(at.UnixNano()))
			}
			b.Append(x, event.Ref{Collector: "test", Source: "test", Epoch: 1, Seq: uint64(len(b.Events) + 1)})
			at = at.Add(s.Every)
		}
	}
	return b, nil
}

// expand replaces {n} in the sample's texts.
func (s Sample) expand(n int) map[string]any {
	return expand(s.Fields, strconv.Itoa(n)).(map[string]any)
}

func expand(v any, n string) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, "{n}", n)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = expand(x, n)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = expand(x, n)
		}
		return out
	}
	return v
}
