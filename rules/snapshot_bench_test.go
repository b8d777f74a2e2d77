package rules

import (
	"fmt"
	"testing"
	"time"

	"mimamori/event"
)

// BenchmarkSnapshot is of half a million keys that are watched for what is regular.
func BenchmarkSnapshot(b *testing.B) {
	s := setOf(b, ruleOf(b, "r", `event.action == "deny"`, "correlate: {regular: 0.25, count: 40, by: [municipality, source.ip], within: 12h}"))
	const keys, each = 500_000, 1000
	x, batch := new(event.Builder), new(event.Batch)
	e := NewEngine(s, Options{})
	for round := range 2 * keys / each {
		batch.Reset()
		for i := range each {
			n := round*each + i
			at := testStart.UnixNano() + int64(n)*int64(time.Millisecond)
			x.Set(fieldTime, event.Time(at))
			x.Set(fieldIngested, event.Time(at+int64(time.Second)))
			x.Set(event.MustLookup("event.action"), event.String("deny"))
			x.Set(fieldMunicipality, event.String("131016"))
			x.Set(event.MustLookup("source.ip"), event.Addr(fmt.Sprintf("10.%d.%d.%d", n%keys>>16, n%keys>>8&255, n&255)))
			batch.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(n)})
		}
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
	b.ReportMetric(float64(len(e.states[0].table.groups)), "keys")
}
