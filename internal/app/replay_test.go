package app_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"testing/fstest"
	"time"

	"mimamori/event"
	"mimamori/ingest/format"
	"mimamori/internal/testkit"
	"mimamori/rules"
)

// TestAReplayThatIsKilledGivesTheSameAlerts: an attack's recorded events, the
// engine killed at 200 random moments and begun again from its last checkpoint.
func TestAReplayThatIsKilledGivesTheSameAlerts(t *testing.T) {
	batches := attackEvents(t, 40_000, 100)
	set, err := rules.Load(rules.Library(), busyRules())
	if err != nil {
		t.Fatal(err)
	}
	whole := map[string]bool{}
	found := func(into map[string]bool) func(event.Alert) { return func(a event.Alert) { into[a.ID] = true } }
	e := rules.NewEngine(set, rules.Options{})
	for _, b := range batches {
		e.Evaluate(b, found(whole))
	}
	e.Flush(found(whole))
	if len(whole) < 100 {
		t.Fatalf("only %d alerts: this shows nothing", len(whole))
	}
	const seed = 20261122
	rnd, got := rand.New(rand.NewPCG(seed, seed)), map[string]bool{}
	var state []byte
	kills := 0
	for at := 0; at < len(batches); {
		e := rules.NewEngine(set, rules.Options{})
		if err := e.Restore(state); err != nil {
			t.Fatal(err)
		}
		kept := at
		for until := at + 1 + rnd.IntN(len(batches)/80); at < len(batches) && at < until; at++ {
			e.Evaluate(batches[at], found(got))
			if rnd.IntN(3) == 0 {
				if state, err = e.Snapshot(); err != nil {
					t.Fatal(err)
				}
				kept = at + 1
			}
		}
		if at == len(batches) {
			e.Flush(found(got))
			break
		}
		at = kept
		kills++
	}
	for id := range whole {
		if !got[id] {
			t.Errorf("alert %s is lost", id)
		}
	}
	for id := range got {
		if !whole[id] {
			t.Errorf("alert %s came from a restart", id)
		}
	}
	t.Logf("%d alerts, the same after %d kills", len(whole), kills)
}

// busyRules are rules that often fire on anything that Windows does.
func busyRules() fstest.MapFS {
	dir := fstest.MapFS{}
	for id, text := range map[string]string{
		"busy-count":    "when: has(host.name)\ncorrelate: {count: 50, by: [host.name], within: 1m}",
		"busy-programs": "when: has(process.name)\ncorrelate: {distinct: process.name, count: 5, by: [host.name], within: 10m}",
		"busy-new":      "when: has(process.executable)\ncorrelate: {new: [process.executable], by: [host.name], learn: 1m, within: 30d}",
		"busy-steps":    "correlate: {by: [host.name], within: 5m, steps: [{when: 'event.code == \"1\"', count: 2}, {when: 'event.code == \"3\"'}]}",
		"busy-silence":  "when: has(host.name)\ncorrelate: {type: absence, count: 20, by: [host.name], within: 2m}",
		"busy-span":     "when: has(user.name)\nsuppress: {by: [host.name, user.name], for: 1m}",
	} {
		dir[id+".yaml"] = &fstest.MapFile{Data: []byte("id: " + id + "\ntitle: {en: " + id + "}\n" + text + "\n")}
	}
	return dir
}

// attackEvents parses recordings of the corpora, so many to a batch.
func attackEvents(t *testing.T, most, each int) (out []*event.Batch) {
	t.Helper()
	formats, err := format.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	parser := formats.Parser(format.Options{Location: time.UTC, Now: time.Now, Format: "windows-json"})
	x, b, n := new(event.Builder), &event.Batch{}, uint64(0)
	for line := range testkit.Lines(t, "otrf/windows.jsonl.gz") {
		var c struct {
			Event json.RawMessage `json:"event"`
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		n++
		parser.Parse(format.Input{Line: string(c.Event)}, x)
		b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: n})
		if len(b.Events) == each {
			out, b = append(out, b), &event.Batch{}
		}
		if int(n) == most {
			break
		}
	}
	return append(out, b)
}
