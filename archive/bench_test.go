package archive

import (
	"crypto/ed25519"
	"io"
	"log/slog"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"mimamori/frame"
	"mimamori/internal/sample"
)

// mix writes lines of the usual mix into an archive, in frames of so many lines,
// and returns the bytes of the lines and those on disk.
func mix(b testing.TB, lines, each int) (k *kit, raw, disk int64) {
	k = newKit(b, 31)
	k.a.cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	m := sample.New(sample.Town{Code: "312011", Host: "t201"}, 1, k.now)
	w, err := frame.NewWriter(frame.Header{Collector: "c", Municipality: "312011", Source: "s", Epoch: 1}, collectorKey("c"))
	if err != nil {
		b.Fatal(err)
	}
	var line []byte
	for n := 1; n <= lines; n++ {
		line, _ = m.Append(line[:0])
		raw += int64(len(line)) + 1
		w.Add(&frame.Record{Line: string(line), Received: k.now.UnixMicro(), Input: "syslog-tcp", Peer: "192.0.2.1"})
		if n%each == 0 {
			f, err := w.Seal()
			if err != nil {
				b.Fatal(err)
			}
			if err := k.a.Append(b.Context(), []Arrival{{Frame: f, Public: collectorKey("c").Public().(ed25519.PublicKey)}}); err != nil {
				b.Fatal(err)
			}
		}
	}
	k.now = k.now.AddDate(0, 0, 1)
	k.step()
	names, _ := filepath.Glob(filepath.Join(k.folder(), "312011", "*"))
	for _, name := range names {
		disk += size(name)
	}
	return k, raw, disk
}

// cpu is the CPU time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkVerify reads an archive without keys; MB/s-cpu is by CPU time.
func BenchmarkVerify(b *testing.B) {
	k, raw, disk := mix(b, 400_000, 400)
	b.SetBytes(disk)
	b.ResetTimer()
	began := cpu()
	for b.Loop() {
		if r := k.verify(Check{}); !r.Whole() {
			b.Fatalf("%+v", r.Findings[0])
		}
	}
	spent := cpu() - began
	b.ReportMetric(float64(disk)*float64(b.N)/1e6/spent.Seconds(), "MB/s-cpu")
	b.ReportMetric(float64(raw)*float64(b.N)/1e6/spent.Seconds(), "raw-MB/s-cpu")
}

// BenchmarkAppend is one commit a frame, with its sync.
func BenchmarkAppend(b *testing.B) {
	k := newKit(b, 32)
	var frames []Arrival
	for range b.N {
		frames = append(frames, k.frame("312011", "fw"))
	}
	b.ResetTimer()
	for i := range b.N {
		k.append(frames[i])
	}
}

// TestSizeOfTheArchive is at most a tenth of the lines on the usual mix.
func TestSizeOfTheArchive(t *testing.T) {
	for _, each := range []int{100, 400} {
		_, raw, disk := mix(t, 20_000, each)
		t.Logf("%d lines a frame: %d bytes of lines, %d on disk, 1/%.1f", each, raw, disk, float64(raw)/float64(disk))
		if each == 400 && disk*10 > raw {
			t.Errorf("%d bytes for %d of lines", disk, raw)
		}
	}
}
