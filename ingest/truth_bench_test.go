package ingest

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/frame"
	"mimamori/ingest/drift"
	"mimamori/ingest/format"
	"mimamori/internal/bus"
)

// BenchmarkTruth is what judging times and watching formats costs an event, in
// the one part of the pipeline that does one frame after the other: lines of 64
// firewalls, whose times are right or all nine hours behind.
func BenchmarkTruth(b *testing.B) {
	formats, err := format.Builtin()
	if err != nil {
		b.Fatal(err)
	}
	for name, off := range map[string]time.Duration{"right": 0, "repaired": 9 * time.Hour} {
		b.Run(name, func(b *testing.B) {
			p := &Pipeline{times: newTimes(slog.New(slog.DiscardHandler)), drift: drift.New(""), group: &group{}, cfg: Config{Log: slog.New(slog.DiscardHandler)}}
			parser, x := formats.Parser(format.Options{}), &event.Builder{}
			start := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
			const lines = 1000
			var batch, again event.Batch
			var claims []format.Claim
			for i := range lines {
				at := start.Add(-off).In(time.FixedZone("", 9*3600))
				line := fmt.Sprintf("<189>date=%s time=%s devname=\"fw%d\" devid=\"FGT60F1\" logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" level=\"notice\" vd=\"root\" srcip=10.0.0.1 srcport=1 srcintf=\"internal\" dstip=203.0.113.5 dstport=443 dstintf=\"wan1\" sessionid=8127 proto=6 action=\"close\" policyid=12 policyname=\"out\" service=\"HTTPS\" duration=61 sentbyte=2310 rcvdbyte=90211 sentpkt=18 rcvdpkt=74",
					at.Format("2006-01-02"), at.Format("15:04:05"), i%64)
				claims = append(claims, parser.Parse(format.Input{Line: line, Received: start}, x).Claim)
				x.Set(fReceived, event.Time(start.UnixNano()))
				batch.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(i + 1)})
			}
			j := &frameJob{batch: &again, claims: claims, frame: &frame.Frame{Header: frame.Header{Municipality: "312011"}}, msg: bus.Msg{}}
			b.ReportAllocs()
			n, best := 0, time.Hour
			for b.Loop() {
				b.StopTimer()
				n++
				now := start.Add(time.Duration(n) * 2 * time.Second) // 500 a second
				again.Reset()
				for i := range batch.Events {
					x.Load(&batch.Events[i])
					x.Set(fReceived, event.Time(now.UnixNano()))
					claims[i].At = now.Add(-off).UnixNano()
					again.Append(x, batch.Events[i].Ref)
				}
				j.msg.Time = now
				b.StartTimer()
				began := time.Now()
				p.truth(j)
				best = min(best, time.Since(began))
			}
			b.ReportMetric(float64(best)/lines, "ns/event")
		})
	}
}
