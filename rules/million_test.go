package rules

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"mimamori/event"
)

// BenchmarkAMillionKeys is a threshold over a million live keys: the time of an
// event, and the memory of all keys.
func BenchmarkAMillionKeys(b *testing.B) {
	s := setOf(b, ruleOf(b, "r", `event.action == "deny"`, "correlate: {count: 20, by: [municipality, source.ip], within: 1h}"))
	const keys, each = 1_000_000, 1000
	x, batch := new(event.Builder), new(event.Batch)
	e := NewEngine(s, Options{})
	fill := func(round int) {
		batch.Reset()
		for i := range each {
			n := round*each + i
			at := testStart.UnixNano() + int64(n)*int64(time.Millisecond)
			x.Set(fieldTime, event.Time(at))
			x.Set(fieldIngested, event.Time(at+int64(time.Second)))
			x.Set(event.MustLookup("event.action"), event.String("deny"))
			x.Set(fieldMunicipality, event.String("131016"))
			x.Set(event.MustLookup("source.ip"), event.Addr(fmt.Sprintf("10.%d.%d.%d", n%keys>>16, n>>8&255, n&255)))
			batch.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(n)})
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	round := 0
	for ; round < keys/each; round++ {
		fill(round)
		e.Evaluate(batch, func(event.Alert) {})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		round++
		fill(round)
		b.StartTimer()
		e.Evaluate(batch, func(event.Alert) {})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*each), "ns/event")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
	if n := len(e.states[0].table.groups); n < keys*95/100 {
		b.Fatalf("%d keys are live", n)
	}
}
