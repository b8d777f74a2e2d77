package store

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"mimamori/event"
)

// BenchmarkOpen opens a store of many files; of each the footer is read.
func BenchmarkOpen(b *testing.B) {
	const files = 2000
	dir := b.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	s.enc.bare = 0
	made := newMix(1).batch(2000)
	made.Events = slices.DeleteFunc(made.Events, func(e event.Event) bool { return e.Str(s.enc.ids.tenant) != towns[0] })
	var frames []FrameRange
	for _, source := range []string{"fortigate", "squid", "sysmon"} {
		frames = append(frames, FrameRange{Collector: made.Events[0].Collector, Source: source, Municipality: towns[0], Epoch: made.Events[0].Epoch, First: 1, Last: 2000})
	}
	if err := s.Commit(b.Context(), Commit{Batches: []*event.Batch{made}, Frames: frames}); err != nil {
		b.Fatal(err)
	}
	first := s.segments[0].path
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for i := range files - 1 {
		if err := os.Link(first, filepath.Join(dir, fmt.Sprintf("seg-9%018d-1.parquet", i))); err != nil {
			b.Fatal(err)
		}
	}
	cpu := cpuTime(b)
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s, err := Open(dir, Options{ReadOnly: true})
		if err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/files, "heap-B/file")
		if n := s.Stats().Segments; n != files {
			b.Fatal(n)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N)/files, "cpu-ns/file")
}
