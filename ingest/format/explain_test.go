package format

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"mimamori/event"
)

var explained = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// Explain's event is Parse's, and its steps account for every field of it.
func TestExplainEndsAsParseDoes(t *testing.T) {
	s := builtinSet(t)
	now := func() time.Time { return explained }
	for n, f := range s.formats {
		if testing.Short() && n%8 != 0 { // the race detector makes it long
			continue
		}
		for i := range f.tests {
			c := &f.tests[i]
			in := Input{Line: c.line, Header: c.header, Received: c.received, Format: c.format}
			opts := Options{Now: now, Location: c.zone}
			x := &event.Builder{}
			res := s.Parser(opts).Parse(in, x)
			size := x.Len()
			want := jsonOf(x)
			got := s.Explain(in, opts)
			if string(got.Event) != want || got.Format != res.Format || got.Reason != res.Reason || got.Dropped != res.Dropped {
				t.Fatalf("%s: %s: explained\n%s\nparsed\n%s", f.name, c.name, got.Event, want)
			}
			told := map[string]bool{}
			for _, st := range got.Steps {
				for _, ch := range st.Changes {
					told[ch.Field] = ch.After != "" || ch.Before == ""
				}
				for _, cand := range st.Candidates {
					if cand.Taken && f.unwrap.key == "" && cand.Format != f.name {
						t.Errorf("%s: %s: taken is %s", f.name, c.name, cand.Format)
					}
				}
				if st.Stage == "rest" {
					t.Errorf("%s: %s: no step says what changed %v", f.name, c.name, st.Changes)
				}
			}
			fields := 0
			for _, is := range told {
				if is {
					fields++
				}
			}
			if fields != size {
				t.Errorf("%s: %s: %d fields are explained, the event has %d", f.name, c.name, fields, size)
			}
		}
	}
}

// What recognition finds by its index is what a check of each condition finds.
func TestWhatIsFoundFulfilsItsConditions(t *testing.T) {
	s := builtinSet(t)
	tests, _ := allTests(s)
	for _, c := range tests {
		p := s.Parser(Options{})
		p.header = c.header
		h := p.lineHeader(Input{Line: c.line, Header: c.header})
		p.recognise(&h)
		found, best := map[*alternative]bool{}, math.MinInt
		for _, a := range p.found {
			if found[a] = true; a.last {
				found = nil
				break
			}
			best = max(best, a.spec)
			if _, _, failed := a.conditions(p, &h); failed != "" {
				t.Errorf("%s: %s is found although %s", c.name, a.format.name, failed)
			}
		}
		for _, f := range s.formats {
			for i := range f.alts {
				a := &f.alts[i]
				if found == nil || found[a] || a.last || a.byName || a.spec <= best { // what cannot win need not be looked for
					continue
				}
				if _, of, failed := a.conditions(p, &h); failed == "" && of > 0 {
					t.Errorf("%s: %s is not found although all conditions hold", c.name, f.name)
				}
			}
		}
	}
}

func TestExplainTellsWhy(t *testing.T) {
	s, err := loadText(strings.NewReplacer("fields:\n", "absent: ['-']\nignore: [junk]\ntime: [at]\nfields:\n  proto: {to: network.transport, as: lower, table: {6: tcp}}\n  port: destination.port\n",
		"tests:", "then:\n  - when: source.ip == \"10.0.0.1\"\n    set: {event.action: seen}\n  - when: source.ip == \"10.0.0.2\"\n    set: {event.action: other}\ntests:").Replace(smallFormat))
	if err != nil {
		t.Fatal(err)
	}
	line := "<13>Nov  1 09:15:02 fw acme=1 src=10.0.0.1 proto=6 port=x junk=1 user=- odd=2 at=2026-11-01T10:00:00"
	got, err := json.Marshal(s.Explain(Input{Line: line, Received: explained}, Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`taken off: `, `"format":"small"`, `"taken":true`, `table: \"6\" → \"tcp\"`, `"field":"quarantine","after":"[bad type for field destination.port]"`, "ignored, as the format says",
		"no mapping: kept under", `"field":"acme.small.odd"`, "without a zone: as JST", `"result":"holds"`, `"result":"does not hold"`, `"at":"small.yaml:`, "the claimed time",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	got, _ = json.Marshal(s.Explain(Input{Line: "acme=1 dst=10.0.0.1", Received: explained}, Options{}))
	if !strings.Contains(string(got), `no key \"src\"`) || !strings.Contains(string(got), `"reason":"no format"`) {
		t.Errorf("a line that nearly matches: %s", got)
	}
}
