package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"mimamori/event"
)

// ecsTypes are the event types that ECS 8.17 expects of a category
// (https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-category).
// The type device belongs to no category there; we use it with host.
var ecsTypes = map[string][]string{
	"api":                 {"access", "admin", "allowed", "change", "creation", "deletion", "denied", "end", "info", "start", "user"},
	"authentication":      {"start", "end", "info"},
	"configuration":       {"access", "change", "creation", "deletion", "info"},
	"database":            {"access", "change", "info", "error"},
	"driver":              {"change", "end", "info", "start"},
	"email":               {"info"},
	"file":                {"access", "change", "creation", "deletion", "info"},
	"host":                {"access", "change", "end", "info", "start", "device"},
	"iam":                 {"admin", "change", "creation", "deletion", "group", "info", "user"},
	"intrusion_detection": {"allowed", "denied", "info"},
	"library":             {"start"},
	"malware":             {"info"},
	"network":             {"access", "allowed", "connection", "denied", "end", "info", "protocol", "start"},
	"package":             {"access", "change", "deletion", "info", "installation", "start"},
	"process":             {"access", "change", "end", "info", "start"},
	"registry":            {"access", "change", "creation", "deletion"},
	"session":             {"start", "end", "info"},
	"threat":              {"indicator"},
	"vulnerability":       {"info"},
	"web":                 {"access", "error", "info"},
}

// actionless are the formats whose source names no action: all they tell of is
// a request, or a text.
var actionless = words("apache-access", "gelf", "iis", "iis-lines", "squid-cache", "web-access-named")

// categorised reports what ECS does not allow of an event's categorisation.
func categorised(values func(field string) []string) (out []string) {
	for field, allowed := range ecsAllowed {
		list := values(field)
		if len(list) == 0 && field != "event.outcome" {
			out = append(out, field+" is empty")
		}
		for _, v := range list {
			if !allowed[v] {
				out = append(out, field+": "+v)
			}
		}
	}
	var fit []string
	for _, c := range values("event.category") {
		fit = append(fit, ecsTypes[c]...)
	}
	for _, t := range values("event.type") {
		if !slices.Contains(fit, t) {
			out = append(out, "event.type "+t+" fits no category of the event")
		}
	}
	return out
}

// of returns how categorised reads the event.
func of(x *event.Builder) func(field string) []string {
	return func(field string) []string {
		v, ok := x.Get(event.MustLookup(field))
		switch {
		case !ok:
			return nil
		case v.Kind() == event.List:
			return v.List()
		}
		return []string{v.Str()}
	}
}

// What comes in ECS is categorised by its sender.
func TestEveryFormatsEventsAreCategorisedByECS(t *testing.T) {
	s, x := builtinSet(t), &event.Builder{}
	for _, f := range s.formats {
		acted := false
		for i := range f.tests {
			c := &f.tests[i]
			received := c.received
			if received.IsZero() {
				received = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
			}
			x.Reset()
			s.Parser(Options{Location: c.zone}).Parse(Input{Line: c.line, Header: c.header, Received: received, Format: c.format}, x)
			for _, bad := range categorised(of(x)) {
				if f.name != "ecs-json" {
					t.Errorf("%s: %s: %s", f.name, c.name, bad)
				}
			}
			acted = acted || x.Str(event.MustLookup("event.action")) != ""
		}
		if acted == actionless[f.name] {
			t.Errorf("%s: tests have event.action: %v; it is among those that name no action: %v", f.name, acted, actionless[f.name])
		}
	}
}

// The lines are read by another process: so many products fill the table of
// fields, which other tests need.
func TestEveryEventOfTheParserCorpusIsCategorisedByECS(t *testing.T) {
	var cases []string
	var in bytes.Buffer
	corpus(t, "parsers/sekoia-intake.jsonl.gz", func(b []byte) {
		var c struct{ Case string }
		if err := json.Unmarshal(b, &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c.Case)
		in.Write(append(b, '\n'))
	})
	t.Setenv(playing, "1")
	run := exec.Command(os.Args[0])
	run.Stdin, run.Stderr = &in, os.Stderr
	out, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(out))
	for _, name := range cases {
		var x struct{ Event map[string]any }
		if err := dec.Decode(&x); err != nil {
			t.Fatal(err)
		}
		if x.Event["dataset"] == "unknown" || x.Event["module"] == "ecs" {
			continue
		}
		for _, bad := range categorised(func(field string) (list []string) {
			switch v := x.Event[strings.TrimPrefix(field, "event.")].(type) {
			case string:
				list = append(list, v)
			case []any:
				for _, s := range v {
					list = append(list, fmt.Sprint(s))
				}
			}
			return list
		}) {
			t.Errorf("%s: %s", name, bad)
		}
	}
}
