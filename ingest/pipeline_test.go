package ingest_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/frame"
	"mimamori/ingest"
	"mimamori/ingest/enrich"
	"mimamori/ingest/format"
	"mimamori/internal/bus"
)

// memory is a store that can be told to fail.
type memory struct {
	mu     sync.Mutex
	refs   map[event.Ref]string
	ranges []ingest.Stored
	fail   error
	alerts map[string]bool
	told   []event.Alert
	over   []string
}

func (m *memory) Write(_ context.Context, batches []*event.Batch, ranges []ingest.Stored) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	for _, b := range batches {
		for i := range b.Events {
			e := &b.Events[i]
			if _, twice := m.refs[e.Ref]; twice {
				panic(fmt.Sprintf("stored twice: %+v", e.Ref))
			}
			m.refs[e.Ref] = string(e.AppendJSON(nil))
		}
	}
	m.ranges = append(m.ranges, ranges...)
	return nil
}

func (m *memory) Stored() []ingest.Stored { return m.ranges }

func (m *memory) Insert(_ context.Context, alerts []event.Alert) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range alerts {
		if !m.alerts[a.ID] && a.Rule != "" {
			m.told = append(m.told, a)
		}
		m.alerts[a.ID] = true
	}
	return len(alerts), nil
}

func (m *memory) Settle(_ context.Context, id string, _ event.Localized) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.over, id) {
		m.over = append(m.over, id)
	}
	return nil
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.refs)
}

func (m *memory) setFail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// everyTenth fires on each tenth event that it sees; its state is the count.
type everyTenth struct{ n byte }

func (d *everyTenth) Evaluate(b *event.Batch, emit func(event.Alert)) {
	for i := range b.Events {
		if d.n++; d.n%10 == 0 {
			emit(event.Alert{ID: fmt.Sprint(b.Events[i].Ref)})
		}
	}
}
func (d *everyTenth) Advance(time.Time, func(event.Alert)) {}

func (d *everyTenth) Snapshot() ([]byte, error) { return []byte{d.n}, nil }
func (d *everyTenth) Restore(b []byte) error    { d.n = b[0]; return nil }

// rig is a pipeline over a real stream.
type rig struct {
	t      *testing.T
	dir    string
	stream *bus.Stream
	live   bool // frames come to the stream when they are sealed, by their own account
	store  *memory
	kept   ingest.Archive
	key    ed25519.PrivateKey
	w      *frame.Writer
	seq    int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	s, err := bus.StartServer(bus.ServerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	c, err := s.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	st, err := c.Stream(t.Context(), bus.StreamConfig{Name: bus.Frames, Subjects: []string{bus.FramesSubjects}})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, dir: t.TempDir(), stream: st, store: &memory{refs: map[event.Ref]string{}, alerts: map[string]bool{}}}
	r.key = ed25519.NewKeyFromSeed(slices.Repeat([]byte{7}, ed25519.SeedSize))
	r.w = r.writer(r.key)
	return r
}

func (r *rig) writer(key ed25519.PrivateKey) *frame.Writer {
	w, err := frame.NewWriter(frame.Header{Collector: "col", Municipality: "312011", Zone: "internet", Source: "fw", Epoch: 5}, key)
	if err != nil {
		r.t.Fatal(err)
	}
	return w
}

func (r *rig) seal(w *frame.Writer, lines ...string) *frame.Frame {
	r.t.Helper()
	for _, l := range lines {
		w.Add(&frame.Record{Line: l, Received: 1795309200000000, Peer: "192.0.2.9", Input: "syslog-tcp"})
	}
	f, err := w.Seal()
	if err != nil {
		r.t.Fatal(err)
	}
	return f
}

func (r *rig) publish(b []byte) {
	r.t.Helper()
	if _, err := r.stream.Publish(r.t.Context(), bus.FrameSubject("312011", "col", "fw"), b, nil); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) send(lines ...string) {
	r.t.Helper()
	r.publish(r.seal(r.w, lines...).Bytes)
}

func (r *rig) lines(n int) []string {
	out := make([]string, n)
	for i := range out {
		r.seq++
		out[i] = fmt.Sprintf("<189>date=2026-11-22 time=10:00:00 devname=\"fw\" devid=\"FGT60F1\" logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" level=\"notice\" vd=\"root\" srcip=192.168.10.%d n=%d", r.seq%250, r.seq)
	}
	return out
}

func (r *rig) pipeline() *ingest.Pipeline {
	r.t.Helper()
	formats, err := format.Builtin()
	if err != nil {
		r.t.Fatal(err)
	}
	enricher, err := enrich.New(enrich.Config{Zones: map[string][]enrich.Network{"312011": {{CIDR: "192.168.10.0/24", Zone: "mynumber"}}}})
	if err != nil {
		r.t.Fatal(err)
	}
	public := r.key.Public().(ed25519.PublicKey)
	tenth := &everyTenth{}
	p, err := ingest.New(ingest.Config{
		Stream: asLive{r.stream, r.live}, Formats: formats, Detector: tenth, Memory: tenth, Alerts: r.store, Store: r.store, Archive: r.kept, Enricher: enricher, Dir: r.dir,
		Collectors: func(id string) (ingest.Collector, bool) {
			return ingest.Collector{ID: id, Municipality: "312011", Public: public}, id == "col"
		},
		Location: time.UTC, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Interval: 20 * time.Millisecond, Keep: 100,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// until runs a pipeline until ok, then stops it.
func (r *rig) until(ok func(ingest.Status) bool) ingest.Status {
	r.t.Helper()
	p := r.pipeline()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok(p.Status()) {
		select {
		case <-ctx.Done():
			r.t.Fatalf("not reached: %+v", p.Status())
		case <-tick.C:
		}
	}
	cancel()
	if err := <-ended; err != nil {
		r.t.Fatal(err)
	}
	return p.Status()
}

func committed(n uint64) func(ingest.Status) bool {
	return func(s ingest.Status) bool { return s.Committed >= n }
}

func TestFramesBecomeEventsWithTheirPlaceAndZone(t *testing.T) {
	r := newRig(t)
	r.send(r.lines(25)...)
	s := r.until(committed(1))
	if r.store.count() != 25 || len(r.store.alerts) != 2 || s.Entries[0].Received() != 25 {
		t.Fatalf("%d events, %d alerts, %+v", r.store.count(), len(r.store.alerts), s.Entries[0])
	}
	js := r.store.refs[event.Ref{Collector: "col", Source: "fw", Epoch: 5, Seq: 3}]
	for _, want := range []string{`"municipality":"312011"`, `"zone":"internet"`, `"collector":"col"`, `"input":"syslog-tcp"`, `"zone":"mynumber"`, `"ip":"192.168.10.3"`} {
		if !strings.Contains(js, want) {
			t.Errorf("no %s in %s", want, js)
		}
	}
}

func TestWhatCannotBeTrustedIsKeptAsideAndTheRestGoesOn(t *testing.T) {
	r := newRig(t)
	r.send(r.lines(3)...)
	other := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	r.publish(r.seal(r.writer(other), "forged").Bytes)
	r.publish([]byte("no frame at all"))
	torn := r.seal(r.writer(r.key), "torn").Bytes
	r.publish(torn[:len(torn)-1])
	r.send(r.lines(3)...)
	s := r.until(committed(5))
	if r.store.count() != 6 || s.Rejected != 3 || len(s.Recent) != 3 {
		t.Fatalf("%d events, %+v", r.store.count(), s)
	}
	for i, want := range []string{"digest", "begin with", "signature"} {
		if !strings.Contains(s.Recent[i].Reason, want) {
			t.Errorf("reason %d: %s, want %s", i, s.Recent[i].Reason, want)
		}
	}
}

func TestFrameThatComesTwiceIsTakenOnceAndAGapIsNamed(t *testing.T) {
	r := newRig(t)
	a, b, c := r.seal(r.w, r.lines(4)...), r.seal(r.w, r.lines(4)...), r.seal(r.w, r.lines(4)...)
	for _, f := range []*frame.Frame{a, a, c, a} {
		r.publish(f.Bytes)
	}
	s := r.until(committed(4))
	e := s.Entries[0]
	if e.Received() != 8 || e.Duplicates != 8 || e.Lost() != 4 || e.Missing()[0] != (frame.Range{First: 5, Last: 8}) {
		t.Fatalf("%+v", e)
	}
	r.publish(b.Bytes)
	s = r.until(committed(5))
	if e := s.Entries[0]; e.Lost() != 0 || r.store.count() != 12 || s.Broken != 0 {
		t.Errorf("%+v, broken %d", e, s.Broken)
	}
}

func TestGapIsAnAccountOfWhatNeverCame(t *testing.T) {
	r := newRig(t)
	var fs []*frame.Frame
	for range 6 {
		fs = append(fs, r.seal(r.w, r.lines(4)...))
	}
	gap, err := frame.SealGap(fs[1], fs[4], "spool full", r.key)
	if err != nil {
		t.Fatal(err)
	}
	r.publish(fs[0].Bytes)
	r.publish(fs[2].Bytes) // was under way when it was given up
	r.publish(gap.Bytes)
	r.publish(fs[3].Bytes) // comes too late
	r.publish(gap.Bytes)
	r.publish(fs[5].Bytes)
	s := r.until(committed(6))
	if e := s.Entries[0]; e.Received() != 24 || e.Lost() != 0 || e.Stored != 12 || e.Dropped != 12 || r.store.count() != 12 || s.Broken != 0 || s.Rejected != 0 {
		t.Fatalf("%+v, %d stored, %d broken, %d rejected", e, r.store.count(), s.Broken, s.Rejected)
	}
	if err := os.Remove(r.dir + "/checkpoint"); err != nil {
		t.Fatal(err)
	}
	if s := r.until(committed(6)); s.Entries[0].Dropped != 12 || s.Entries[0].Stored != 12 {
		t.Errorf("the store does not know of the gap: %+v", s.Entries[0])
	}
}

func TestBrokenChainIsCountedAndItsEventsAreKept(t *testing.T) {
	r := newRig(t)
	r.send(r.lines(2)...)
	w, err := frame.NewWriter(frame.Header{Collector: "col", Municipality: "312011", Source: "fw", Epoch: 5, First: 3, Prev: frame.Hash{1}}, r.key)
	if err != nil {
		t.Fatal(err)
	}
	r.publish(r.seal(w, r.lines(2)...).Bytes)
	s := r.until(committed(2))
	if s.Broken != 1 || r.store.count() != 4 || !strings.Contains(s.Recent[0].Reason, "seq 3") {
		t.Errorf("%d events, %+v", r.store.count(), s)
	}
}

func TestStoreThatFailsIsTriedAgainAndSaidSo(t *testing.T) {
	r := newRig(t)
	r.store.setFail(errors.New("disk full"))
	r.send(r.lines(5)...)
	s := r.until(func(s ingest.Status) bool {
		if strings.Contains(s.Err, "disk full") {
			r.store.setFail(nil)
		}
		return s.Committed == 1
	})
	if r.store.count() != 5 || s.Err != "" {
		t.Errorf("%d events, error %q", r.store.count(), s.Err)
	}
}

// TestCrashBetweenStoreAndCheckpoint stops the pipeline where a power cut
// hurts most: the events are stored, the checkpoint is not written.
func TestCrashBetweenStoreAndCheckpoint(t *testing.T) {
	r := newRig(t)
	r.send(r.lines(7)...)
	r.until(committed(1))
	first := len(r.store.alerts)
	r.send(r.lines(7)...)
	r.send(r.lines(7)...)
	keep := t.TempDir()
	if err := os.CopyFS(keep, os.DirFS(r.dir)); err != nil {
		t.Fatal(err)
	}
	r.until(committed(3))
	want := len(r.store.alerts)
	r.dir = keep // the checkpoint of the first run, the store of the second
	s := r.until(func(s ingest.Status) bool { return s.Position >= 3 && s.Committed >= 3 })
	if first != 0 || want != 2 || len(r.store.alerts) != want || r.store.count() != 21 {
		t.Errorf("%d, %d, %d alerts, %d events", first, want, len(r.store.alerts), r.store.count())
	}
	if e := s.Entries[0]; e.Received() != 21 || e.Stored != 21 || e.Lost() != 0 || e.Duplicates != 0 {
		t.Errorf("%+v", e)
	}
}
