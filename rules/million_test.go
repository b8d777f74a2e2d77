package rules

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"mimamori/event"
)

const denied = 1000 // events of a round

// denies fills a batch with the round's events, of as many sources by turns.
func denies(batch *event.Batch, round, sources int) {
	x := new(event.Builder)
	batch.Reset()
	for i := range denied {
		n := round*denied + i
		at, source := testStart.UnixNano()+int64(n)*int64(time.Millisecond), n%sources
		x.Set(fieldTime, event.Time(at))
		x.Set(fieldIngested, event.Time(at+int64(time.Second)))
		x.Set(event.MustLookup("event.action"), event.String("deny"))
		x.Set(fieldMunicipality, event.String("131016"))
		x.Set(event.MustLookup("source.ip"), event.Addr(fmt.Sprintf("10.%d.%d.%d", source>>16, source>>8&255, source&255)))
		batch.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(n)})
	}
}

// BenchmarkAMillionKeys is a threshold over a million live keys: the time of an
// event, and the memory of all keys.
func BenchmarkAMillionKeys(b *testing.B) {
	s := setOf(b, ruleOf(b, "r", `event.action == "deny"`, "correlate: {count: 20, by: [municipality, source.ip], within: 1h}"))
	const keys = 1_000_000
	batch, e := new(event.Batch), NewEngine(s, Options{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	round := 0
	for ; round < keys/denied; round++ {
		denies(batch, round, keys)
		e.Evaluate(batch, func(event.Alert) {})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		round++
		denies(batch, round, keys)
		b.StartTimer()
		e.Evaluate(batch, func(event.Alert) {})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*denied), "ns/event")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
	if n := len(e.states[0].table.groups); n < keys*95/100 {
		b.Fatalf("%d keys are live", n)
	}
}

// BenchmarkSnapshot is of half a million keys that are watched for what is regular.
func BenchmarkSnapshot(b *testing.B) {
	s := setOf(b, ruleOf(b, "r", `event.action == "deny"`, "correlate: {regular: 0.25, count: 40, by: [municipality, source.ip], within: 12h}"))
	const keys = 500_000
	batch, e := new(event.Batch), NewEngine(s, Options{})
	for round := range 2 * keys / denied {
		denies(batch, round, keys)
		e.Evaluate(batch, func(event.Alert) {})
	}
	b.ReportAllocs()
	for b.Loop() {
		snap, err := e.Snapshot()
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(snap)))
	}
	if n := len(e.states[0].table.groups); n != keys {
		b.Fatalf("%d keys are live", n)
	}
}
