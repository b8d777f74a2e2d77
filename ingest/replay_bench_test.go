package ingest

import (
	"bytes"
	"crypto/ed25519"
	"log/slog"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/frame"
	"mimamori/ingest/drift"
	"mimamori/internal/bus"
	"mimamori/internal/sample"
)

// BenchmarkReplay is what a frame's events cost until rules and store get them,
// when they come and when they are replayed: the least of all frames, since the
// machine has other work, too.
func BenchmarkReplay(b *testing.B) {
	const lines = 400
	k, formats := newKit(b), set(b)
	w, err := frame.NewWriter(frame.Header{Collector: "col", Municipality: "312011", Zone: "internet", Source: "fw", Epoch: 5}, k.key)
	if err != nil {
		b.Fatal(err)
	}
	m := sample.New(sample.Towns(1)[0], 7, time.UnixMicro(atReceipt))
	for range lines {
		line, _ := m.Append(nil)
		w.Add(&frame.Record{Line: string(line), Received: atReceipt, Peer: "192.0.2.9", Input: "syslog-tcp"})
	}
	f, err := w.Seal()
	if err != nil {
		b.Fatal(err)
	}
	sealed, at := bytes.Clone(f.Bytes), time.UnixMicro(atReceipt).Add(time.Second)
	b.Run("live", func(b *testing.B) {
		pool := new(batchPool)
		w, err := newWorker(&Config{
			Formats: formats, Enricher: k.enricher, Now: time.Now, Location: time.UTC,
			Collectors: func(string) (Collector, bool) {
				return Collector{ID: "col", Municipality: "312011", Public: k.key.Public().(ed25519.PublicKey)}, true
			},
		}, pool)
		if err != nil {
			b.Fatal(err)
		}
		p := &Pipeline{times: newTimes(slog.New(slog.DiscardHandler)), drift: drift.New(""), group: &group{}, cfg: Config{Log: slog.New(slog.DiscardHandler)}}
		best := time.Hour
		for b.Loop() {
			began := time.Now()
			j := &frameJob{msg: bus.Msg{Data: sealed, Time: at}, done: make(chan struct{})}
			if w.do(j); j.err != nil {
				b.Fatal(j.err)
			}
			p.truth(j)
			pool.put(j.batch)
			best = min(best, time.Since(began))
		}
		b.ReportMetric(float64(best)/lines, "ns/event")
	})
	b.Run("replay", func(b *testing.B) {
		r, err := NewReplayer(ReplayConfig{Formats: formats, Enricher: k.enricher, Location: time.UTC, Now: time.Now, Log: slog.New(slog.DiscardHandler), Store: &ledgerStore{rows: map[event.Ref]string{}, fail: func() bool { return false }}})
		if err != nil {
			b.Fatal(err)
		}
		defer r.Close()
		best := time.Hour
		for b.Loop() {
			began := time.Now()
			f, err := frame.Parse(sealed)
			if err != nil {
				b.Fatal(err)
			}
			if err := r.Frame(b.Context(), f, at, false); err != nil {
				b.Fatal(err)
			}
			best = min(best, time.Since(began))
		}
		b.ReportMetric(float64(best)/lines, "ns/event")
	})
}
