package collector

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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
	s, err := bus.StartServer(bus.ServerConfig{
		Dir: t.TempDir(), Listen: "127.0.0.1:0",
		Users: []bus.User{{Public: key.Public(), Publish: bus.CollectorSubjects("312011", "test")}},
	})
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

// records reads the source's frames that have arrived, each once, and fails
// unless signature, chain and numbering are whole. again counts repeated frames.
func (p *prefecture) records(source string) (recs []frame.Record, again int) {
	p.t.Helper()
	state, err := p.frames.State(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	if state.Last == 0 {
		return nil, 0
	}
	u, err := frame.NewUnpacker()
	if err != nil {
		p.t.Fatal(err)
	}
	defer u.Close()
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	var last *frame.Frame
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
		if err := f.Verify(p.public); err != nil {
			return err
		}
		if last != nil && f.First <= last.First {
			again++
			return nil
		}
		if last == nil && (f.First != 1 || f.Prev != frame.Hash{}) || last != nil && (f.First != last.Last()+1 || f.Prev != last.Hash() || f.Epoch != last.Epoch) {
			p.t.Errorf("frame %d-%d of epoch %d does not follow", f.First, f.Last(), f.Epoch)
		}
		last = f
		recs, err = u.Unpack(f, recs)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return recs, again
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
			t.Fatalf("line %d of %d (want %d): %.60q, want %.60q", i, len(got), len(want), got[i], want[i])
		}
	}
}

// eventually polls until ok, and fails after a long while.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick, end := time.NewTicker(5*time.Millisecond), time.After(30*time.Second)
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
	c, err := New(cfg, Options{Key: key, Log: logger(t), Prefecture: func(context.Context) (Publisher, error) { return to, nil }})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.sources { // tests have no time for rotated files to linger
		if f, ok := r.input.(*fileInput); ok {
			f.poll, f.settle, f.linger = 10*time.Millisecond, 100*time.Millisecond, 300*time.Millisecond
		}
	}
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
