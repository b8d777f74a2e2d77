package store

import (
	"context"
	"io"
	"syscall"
	"testing"
	"time"

	"mimamori/event"
)

// BenchmarkEncode is the CPU of a commit without the disk.
func BenchmarkEncode(b *testing.B) {
	batch := newMix(1).batch(100_000)
	x, err := newEncoder()
	if err != nil {
		b.Fatal(err)
	}
	n := counter(0)
	b.ReportAllocs()
	cpu := cpuTime(b)
	for b.Loop() {
		n = 0
		m := &manifest{Format: formatVersion, Tenants: map[string]int64{}}
		if err := x.write(&n, pointers(batch), m, func(string) bool { return true }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N)/100_000, "cpu-ns/event")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/event")
	b.ReportMetric(float64(n)/100_000, "B/event")
}

// cpuTime is the process's CPU time: wall time means little on a busy machine.
func cpuTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

var _ io.Writer = (*counter)(nil)

// BenchmarkCommit is a whole commit of 100,000 events, fsync included.
func BenchmarkCommit(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	batch := newMix(1).batch(100_000)
	b.ReportAllocs()
	cpu := cpuTime(b)
	for b.Loop() {
		if err := s.Commit(context.Background(), Commit{Batches: []*event.Batch{batch}}); err != nil {
			b.Fatal(err)
		}
	}
	st := s.Stats()
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N)/100_000, "cpu-ns/event")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/event")
	b.ReportMetric(float64(st.Bytes)/float64(st.Events), "B/event")
}

// BenchmarkQueries asks a compacted store of half a million events.
func BenchmarkQueries(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	m := newMix(1)
	for range 8 {
		if err := s.Commit(context.Background(), Commit{Batches: []*event.Batch{m.batch(65_536)}}); err != nil {
			b.Fatal(err)
		}
	}
	began := time.Now()
	if err := s.Compact(context.Background()); err != nil {
		b.Fatal(err)
	}
	st := s.Stats()
	b.Logf("compaction: %d ns/event, %d segments, %d B/event", time.Since(began).Nanoseconds()/st.Events, st.Segments, st.Bytes/st.Events)
	ctx := context.Background()
	for name, q := range map[string]event.Query{
		"newest": {}, "needle": {Text: "sessionid=123456789"}, "words": {Text: "powershell"}, "equal": {Text: `source.ip == "10.21.3.77"`},
		"town": {Tenants: []string{"313025"}}, "cidr": {Text: `inCIDR(source.ip, "10.21.0.0/20") && event.action == "deny"`},
	} {
		b.Run("search/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Search(ctx, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("top", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Top(ctx, event.Query{}, "source.ip", 10); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("histogram", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Histogram(ctx, event.Query{}, 50); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRewrite rewrites a segment of 200,000 events in which few or all
// change, without what the rewriter does.
func BenchmarkRewrite(b *testing.B) {
	const events = 200_000
	f := event.MustLookup("rule.name")
	for name, every := range map[string]int{"one in 100": 100, "all": 1} {
		b.Run(name, func(b *testing.B) {
			s := open(b, b.TempDir(), Options{})
			if err := s.Commit(context.Background(), Commit{Batches: []*event.Batch{newMix(1).batch(events)}}); err != nil {
				b.Fatal(err)
			}
			n := 0
			w := &edit{f: func(e *event.Event, x *event.Builder) bool {
				if n++; n%every > 0 {
					return false
				}
				x.Load(e)
				x.Set(f, event.String("rewritten"))
				return true
			}}
			b.ReportAllocs()
			cpu := cpuTime(b)
			for b.Loop() {
				if err := s.Rewrite(context.Background(), event.Query{}, w); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N)/events, "cpu-ns/event")
		})
	}
}

// BenchmarkMerge divides by municipality what an outage left: 100 segments of 12,000
// events of all of them.
func BenchmarkMerge(b *testing.B) {
	const commits, events = 100, 12_000
	m := newMix(1)
	var batches []*event.Batch
	for range commits {
		batches = append(batches, m.batch(events))
	}
	var cpu, bytes int64
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		s := open(b, b.TempDir(), Options{})
		for _, batch := range batches {
			if err := s.Commit(context.Background(), Commit{Batches: []*event.Batch{batch}}); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		before := cpuTime(b)
		if err := s.Compact(context.Background()); err != nil {
			b.Fatal(err)
		}
		cpu += cpuTime(b) - before
		bytes = s.Stats().Bytes
		b.StopTimer()
		_ = s.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(cpu)/float64(b.N)/(commits*events), "cpu-ns/event")
	b.ReportMetric(float64(bytes)/(commits*events), "B/event")
}
