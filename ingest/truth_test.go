package ingest_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/frame"
	"mimamori/ingest"
	"mimamori/internal/bus"
)

// asLive is a stream whose messages came one second after the newest line in them.
type asLive struct {
	*bus.Stream
	live bool
}

func (s asLive) Read(ctx context.Context, from uint64, fn func(bus.Msg) error) error {
	return s.Stream.Read(ctx, from, func(m bus.Msg) error {
		if f, err := frame.Peek(m.Data); s.live && err == nil {
			m.Time = time.UnixMicro(f.To).Add(time.Second)
		}
		return fn(m)
	})
}

// fortigate writes a line of a device whose clock is set as given; no zone and
// no eventtime is in it.
func fortigate(at time.Time, n int, key string) string {
	return fmt.Sprintf("<189>date=%s time=%s devname=\"fw\" devid=\"FGT60F1\" logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" level=\"notice\" vd=\"root\" %s=192.168.10.%d srcport=%d dstip=203.0.113.5 dstport=443 proto=6 action=\"close\"",
		at.Format("2006-01-02"), at.Format("15:04:05"), key, n%250, 1024+n%60000)
}

// sendAt sends one frame of lines that were received at their moments.
func (r *rig) sendAt(at []time.Time, line func(time.Time) string) {
	r.t.Helper()
	for _, t := range at {
		r.w.Add(&frame.Record{Line: line(t), Received: t.UnixMicro(), Peer: "192.0.2.9", Input: "syslog-udp"})
	}
	r.publish(r.seal(r.w).Bytes)
}

// moments are so many, by a step.
func moments(from time.Time, n int, step time.Duration) []time.Time {
	out := make([]time.Time, n)
	for i := range out {
		out[i] = from.Add(time.Duration(i) * step)
	}
	return out
}

func (r *rig) event(seq uint64) string {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	return r.store.refs[event.Ref{Collector: "col", Source: "fw", Epoch: 5, Seq: seq}]
}

// TestADeviceInUTCIsRepaired runs a device whose times are UTC's without saying
// so, where the prefecture's zone is Japan's (the rig's is UTC: the device is
// nine hours behind it), with a crash on the way.
func TestADeviceInUTCIsRepaired(t *testing.T) {
	r := newRig(t)
	r.live = true
	day := time.Date(2026, 11, 20, 1, 0, 0, 0, time.UTC)
	line := func(at time.Time) string { return fortigate(at.Add(-9*time.Hour), at.Second(), "srcip") }
	send := func(from, to int) {
		for i := from; i < to; i++ {
			r.sendAt(moments(day.Add(time.Duration(i)*5*time.Minute), 10, 20*time.Second), line)
		}
	}
	keep := t.TempDir()
	send(0, 10)
	r.until(committed(10))
	if err := os.CopyFS(keep, os.DirFS(r.dir)); err != nil {
		t.Fatal(err)
	}
	send(10, 30) // two and a half hours in all
	s := r.until(committed(30))
	first := r.event(1)
	if strings.Contains(first, "time-repaired") || !strings.Contains(first, `"@timestamp":"2026-11-19T16:00:00Z"`) || !strings.Contains(first, `"ingested"`) {
		t.Errorf("before anything is proved: %s", first)
	}
	last := r.event(291)
	for _, want := range []string{`"@timestamp":"2026-11-20T03:25:00Z"`, `"claimed":"2026-11-19T18:25:00Z"`, `"time-repaired"`, "+9:00", `"received":"2026-11-20T03:25:00Z"`} {
		if !strings.Contains(last, want) {
			t.Errorf("no %s in %s", want, last)
		}
	}
	if len(s.Clocks) != 1 || s.Clocks[0].Repair != 9*time.Hour || s.Clocks[0].Device != "fw" || s.Clocks[0].Municipality != "312011" {
		t.Errorf("%+v", s.Clocks)
	}
	if a, err := ingest.ReadAccount(r.dir); err != nil || len(a.Clocks) != 1 || a.Clocks[0].Repair != 9*time.Hour {
		t.Errorf("%+v, %v", a.Clocks, err)
	}
	want := r.store.refs
	r.dir, r.store = keep, &memory{refs: map[event.Ref]string{}, alerts: map[string]bool{}}
	r.until(func(s ingest.Status) bool { return s.Committed >= 30 })
	for ref, js := range r.store.refs {
		if want[ref] != js {
			t.Fatalf("after a crash %s\nbefore it %s", js, want[ref])
		}
	}
	if len(r.store.refs) != 200 {
		t.Errorf("%d events ran again", len(r.store.refs))
	}
}

// TestAnUpdateThatRenamesAKeyIsAnAlert is a firewall that is known for nine
// days when it begins to write another key.
func TestAnUpdateThatRenamesAKeyIsAnAlert(t *testing.T) {
	r := newRig(t)
	r.live = true
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	key, n := "srcip", 0
	line := func(at time.Time) string { n++; return fortigate(at, n, key) }
	frames := uint64(0)
	day := func(from time.Time, n int, step time.Duration) {
		frames++
		r.sendAt(moments(from, n, step), line)
	}
	for d := range 9 {
		day(from.AddDate(0, 0, d), 24*20, 3*time.Minute)
	}
	update := from.AddDate(0, 0, 9)
	r.until(committed(frames))
	if len(r.store.told) != 0 {
		t.Fatalf("%+v", r.store.told)
	}
	key = "srcaddress"
	day(update, 120, 5*time.Second)
	s := r.until(committed(frames))
	if len(r.store.told) != 1 || len(s.Drifts) != 1 {
		t.Fatalf("%d alerts, %+v", len(r.store.told), s.Drifts)
	}
	a := r.store.told[0]
	if a.End.Sub(update) > 10*time.Minute || a.Municipality != "312011" || a.Zone != "internet" || len(a.Events) != 1 || !strings.Contains(string(a.Events[0].JSON), "srcaddress=") {
		t.Errorf("%s after: %+v", a.End.Sub(update), a)
	}
	if !strings.Contains(a.Explain.EN, "source.ip") || !strings.Contains(a.Explain.EN, "srcaddress") || !strings.Contains(a.Explain.JA, "空になった項目") {
		t.Errorf("%s", a.Explain.EN)
	}
	key = "srcip"
	day(update.Add(20*time.Minute), 200, 30*time.Second)
	if r.until(committed(frames)); len(r.store.over) != 1 || r.store.over[0] != a.ID || len(r.store.told) != 1 {
		t.Errorf("%v over, %d told", r.store.over, len(r.store.told))
	}
}
