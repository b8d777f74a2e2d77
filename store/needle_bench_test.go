package store

import (
	"context"
	"testing"

	"mimamori/event"
)

// BenchmarkNeedle looks for an address that stands in 100 of half a million events.
func BenchmarkNeedle(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	m := newMix(1)
	for range 8 {
		batch, x := m.batch(65_536), new(event.Builder)
		for i := range 13 {
			x.Set(event.MustLookup("@timestamp"), event.Time(m.now-int64(i)*1e8))
			x.Set(event.MustLookup("municipality"), event.String(towns[i%8]))
			x.Set(event.MustLookup("event.dataset"), event.String("fortinet.fortigate.traffic"))
			x.Set(event.MustLookup("event.original"), event.String("a line with 100.64.7.99 in it"))
			x.Set(event.MustLookup("source.ip"), event.Addr("100.64.7.99"))
			batch.Append(x, event.Ref{Collector: "c", Source: "s", Seq: m.seq*100 + uint64(i)})
		}
		if err := s.Commit(context.Background(), Commit{Batches: []*event.Batch{batch}}); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Compact(context.Background()); err != nil {
		b.Fatal(err)
	}
	for _, q := range []string{`"100.64.7.99"`, `source.ip == "100.64.7.99"`, `"nobody-at-all"`} {
		b.Run(q, func(b *testing.B) {
			cpu := cpuTime(b)
			for b.Loop() {
				if _, err := s.Search(context.Background(), event.Query{Text: q}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N)/1e6, "cpu-ms/op")
		})
	}
}
