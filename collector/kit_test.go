package collector

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mimamori/frame"
	"mimamori/internal/bus"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("MIMAMORI_TEST_CHILD"); dir != "" {
		child(dir)
		return
	}
	if dir := os.Getenv("MIMAMORI_TEST_VICTIM"); dir != "" {
		victimProcess(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// prefecture is a real server with a stream of frames, listening for collectors.
type prefecture struct {
	t      *testing.T
	server *bus.Server
	conn   *bus.Conn
	frames *bus.Stream
	public ed25519.PublicKey
}

func newPrefecture(t *testing.T, key *bus.Key) *prefecture {
	t.Helper()
	return newPrefectureWith(t, key, bus.ServerConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
}

func newPrefectureWith(t *testing.T, key *bus.Key, cfg bus.ServerConfig) *prefecture {
	t.Helper()
	cfg.Users = []bus.User{{Public: key.Public(), Publish: bus.CollectorSubjects("312011", "test")}}
	s, err := bus.StartServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	p := &prefecture{t: t, server: s, public: key.Private().Public().(ed25519.PublicKey)}
	if p.conn, err = s.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.frames, err = p.conn.Stream(t.Context(), bus.StreamConfig{Name: bus.Frames, Subjects: []string{bus.FramesSubjects}}); err != nil {
		t.Fatal(err)
	}
	return p
}

// arrived reads the source's frames in the order of their arrival.
func (p *prefecture) arrived(source string) (out []*frame.Frame) {
	p.t.Helper()
	state, err := p.frames.State(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	if state.Last == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	err = p.frames.Read(ctx, 1, func(m bus.Msg) error {
		if m.Seq >= state.Last {
			cancel()
		}
		f, err := frame.Parse(m.Data)
		if err != nil {
			return err
		}
		if f.Source != source {
			return nil
		}
		out = append(out, f)
		return f.Verify(p.public)
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// records reads the source's frames that have arrived, each once, in the order
// of their numbers, and fails unless signature, chain and numbering are whole.
// again counts repeated frames.
func (p *prefecture) records(source string) (recs []frame.Record, again int) {
	p.t.Helper()
	recs, gaps, again := p.account(source)
	if len(gaps) > 0 {
		p.t.Errorf("%d gaps, the first is %d-%d", len(gaps), gaps[0].First, gaps[0].Last())
	}
	return recs, again
}

// account is records where some may have been given up.
func (p *prefecture) account(source string) (recs []frame.Record, gaps []*frame.Frame, again int) {
	p.t.Helper()
	frames := p.arrived(source)
	slices.SortStableFunc(frames, func(a, b *frame.Frame) int {
		return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.First, b.First), cmp.Compare(b.Count, a.Count))
	})
	u, err := frame.NewUnpacker()
	if err != nil {
		p.t.Fatal(err)
	}
	defer u.Close()
	var last *frame.Frame
	for _, f := range frames {
		if last != nil && f.Epoch == last.Epoch && f.Last() <= last.Last() {
			again++
			continue
		}
		if last == nil && (f.First != 1 || f.Prev != frame.Hash{}) || last != nil && (f.First != last.Last()+1 || f.Prev != last.Chained() || f.Epoch != last.Epoch) {
			p.t.Errorf("frame %d-%d of epoch %d does not follow", f.First, f.Last(), f.Epoch)
		}
		last = f
		if f.Kind == frame.Gap {
			gaps = append(gaps, f)
		}
		if recs, err = u.Unpack(f, recs); err != nil {
			p.t.Fatal(err)
		}
	}
	return recs, gaps, again
}

// lines are the records' lines.
func lines(recs []frame.Record) (out []string) {
	for _, r := range recs {
		out = append(out, r.Line)
	}
	return out
}

// sameLines fails with the first difference.
func sameLines(t *testing.T, want, got []string) {
	t.Helper()
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			t.Fatalf("%d lines, want %d; the first missing is %.60q", len(got), len(want), want[i])
		case i >= len(want):
			t.Fatalf("%d lines, want %d; the first too many is %.60q", len(got), len(want), got[i])
		case want[i] != got[i]:
			at := 0 // the first byte that differs
			for at < min(len(got[i]), len(want[i])) && got[i][at] == want[i][at] {
				at++
			}
			from := max(0, at-40)
			t.Fatalf("line %d of %d (want %d), from byte %d: %.80q, want %.80q", i, len(got), len(want), from, got[i][from:], want[i][from:])
		}
	}
}

// eventually polls until ok, and fails after a long while.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick, end := time.NewTicker(5*time.Millisecond), time.After(60*time.Second)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("still not: %s", what)
		}
	}
}

// under is a collector under test.
type under struct {
	*Collector
	t    *testing.T
	stop func()
}

func newKey(t *testing.T) *bus.Key {
	t.Helper()
	k, err := bus.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func config(t *testing.T, inputs ...Input) Config {
	return Config{
		Collector: "test", Municipality: "312011", Zone: "internet", Data: t.TempDir(), Inputs: inputs,
		Seal: Seal{Interval: 20 * time.Millisecond},
	}
}

// start runs a collector until the test ends or stop is called.
func start(t *testing.T, cfg Config, key *bus.Key, to Publisher) *under {
	t.Helper()
	return startAt(t, cfg, key, to, nil)
}

// startWith is start, with a change before the collector runs.
func startWith(t *testing.T, cfg Config, key *bus.Key, to Publisher, change func(*Collector)) *under {
	t.Helper()
	c, err := New(cfg, Options{Key: key, Log: logger(t), Prefecture: lineTo(to)})
	if err != nil {
		t.Fatal(err)
	}
	return run(t, c, change)
}

// startAt is start with a clock. Without a publisher the collector connects as
// its configuration says.
func startAt(t *testing.T, cfg Config, key *bus.Key, to Publisher, now func() time.Time) *under {
	t.Helper()
	opts := Options{Key: key, Log: logger(t), Now: now}
	if to != nil {
		opts.Prefecture = lineTo(to)
	}
	c, err := New(cfg, opts)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, c, func(*Collector) {})
}

// lineTo is a line that is always there.
func lineTo(to Publisher) func(context.Context) (Publisher, error) {
	return func(context.Context) (Publisher, error) { return to, nil }
}

// run runs a collector until the test ends or stop is called.
func run(t *testing.T, c *Collector, change func(*Collector)) *under {
	t.Helper()
	for _, r := range c.sources { // tests have no time for rotated files to linger
		if f, ok := r.input.(*fileInput); ok {
			f.poll, f.settle, f.linger, f.globs.pause = 10*time.Millisecond, 100*time.Millisecond, 300*time.Millisecond, 10*time.Millisecond
		}
	}
	change(c)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	u := &under{c, t, sync.OnceFunc(func() { cancel(); wg.Wait() })}
	t.Cleanup(u.stop)
	select {
	case <-c.Ready():
	case <-time.After(20 * time.Second):
		t.Fatal("the collector is not ready")
	}
	return u
}

// shipped waits until so many lines of the source are kept and all is shipped.
func (u *under) shipped(source string, n int) {
	u.t.Helper()
	eventually(u.t, source+" is shipped", func() bool {
		s := u.Stats()
		i := slices.IndexFunc(s.Sources, func(x SourceStats) bool { return x.Source == source })
		return s.Sources[i].Lines >= uint64(n) && s.Queue == 0
	})
}

// logger writes to the test's log, lines that are whole.
func logger(t *testing.T) *slog.Logger {
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(&testLog{t: t}, nil))
}

type testLog struct{ t *testing.T }

func (l *testLog) Write(b []byte) (int, error) {
	l.t.Log(string(bytes.TrimSpace(b)))
	return len(b), nil
}

// write appends to a file.
func write(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
		err = cmpErr(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// fileIn is an input of one file in its own folder, and the file's path.
func fileIn(t *testing.T, globs ...string) (in Input, path string) {
	dir := t.TempDir()
	in = Input{Source: "files", Type: "file"}
	for _, g := range globs {
		in.Paths = append(in.Paths, filepath.Join(dir, g))
	}
	return in, filepath.Join(dir, strings.ReplaceAll(globs[0], "*", ""))
}

// clock is one that is set by hand; it goes on by itself.
type clock struct{ offset atomic.Int64 }

func newClock() *clock { return &clock{} }

func (c *clock) now() time.Time      { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) add(d time.Duration) { c.offset.Add(int64(d)) }

// serverConfig is for a server with a certificate in files.
func serverConfig(f *bus.TLSFiles) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: f.Certificate}
}
