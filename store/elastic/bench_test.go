package elastic

import (
	"context"
	"testing"

	"mimamori/event"
	"mimamori/internal/testkit"
	"mimamori/store"
	"mimamori/store/storetest"
)

// BenchmarkTake writes the same events to Elasticsearch and to the embedded
// store. The CPU of the engine is its own: ns/event is wall time.
func BenchmarkTake(b *testing.B) {
	const events = 100_000
	batches := storetest.Traffic(events)
	b.Run("elasticsearch", func(b *testing.B) {
		es := testkit.NewElastic(b)
		for b.Loop() {
			s := opened(b, es, es.URL, Options{})
			b.ResetTimer()
			for _, x := range batches {
				if err := s.Take(context.Background(), x); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/events, "ns/event")
			b.ReportMetric(float64(size(b, s, false))/events, "B/event")
			b.ReportMetric(float64(size(b, s, true))/events, "merged-B/event")
			b.StartTimer()
		}
	})
	b.Run("embedded", func(b *testing.B) {
		for b.Loop() {
			s, err := store.Open(b.TempDir(), store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			if err := s.Commit(context.Background(), store.Commit{Batches: batches}); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/events, "ns/event")
			b.ReportMetric(float64(s.Stats().Bytes)/events, "B/event")
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	})
}

// BenchmarkDocument is the CPU of making a document.
func BenchmarkDocument(b *testing.B) {
	events := storetest.Traffic(2_000)[0].Events
	s := &Store{cfg: Config{Prefix: "logs"}}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		d, err := s.document(&events[n%len(events)])
		if err != nil {
			b.Fatal(err)
		}
		n++
		b.SetBytes(int64(len(d.text)))
	}
}

// BenchmarkDecode is the CPU of reading one back.
func BenchmarkDecode(b *testing.B) {
	x := new(event.Builder)
	text := appendSource(nil, &storetest.Traffic(1)[0].Events[0])
	b.ReportAllocs()
	for b.Loop() {
		if err := decode(text, x, &event.Batch{}); err != nil {
			b.Fatal(err)
		}
	}
}
