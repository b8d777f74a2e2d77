package inbox_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/frame"
	"mimamori/ingest"
	"mimamori/ingest/inbox"
	"mimamori/internal/bus"
	"mimamori/internal/carry"
)

type rig struct {
	t      *testing.T
	dir    string
	id     *carry.Identity
	key    ed25519.PrivateKey
	conn   *bus.Conn
	stream *bus.Stream
	w      *frame.Writer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	s, err := bus.StartServer(bus.ServerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	r := &rig{t: t, dir: t.TempDir(), key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))}
	if r.conn, err = s.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.stream, err = r.conn.Stream(t.Context(), bus.StreamConfig{Name: bus.Frames, Subjects: []string{bus.FramesSubjects}}); err != nil {
		t.Fatal(err)
	}
	if r.id, err = carry.LoadOrMakeIdentity(filepath.Join(t.TempDir(), "carry.key")); err != nil {
		t.Fatal(err)
	}
	if r.w, err = frame.NewWriter(frame.Header{Collector: "mn", Municipality: "312011", Zone: "mynumber", Source: "fw", Epoch: 1}, r.key); err != nil {
		t.Fatal(err)
	}
	return r
}

// file makes a carried file with so many frames of three records.
func (r *rig) file(number uint64, frames int) string {
	r.t.Helper()
	h := carry.Header{Collector: "mn", Municipality: "312011", Number: number, Created: time.Now()}
	path := filepath.Join(r.t.TempDir(), h.Name())
	out, err := os.Create(path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer out.Close()
	w, err := carry.NewWriter(out, r.id.Recipient(), h)
	if err != nil {
		r.t.Fatal(err)
	}
	for range frames {
		for range 3 {
			r.w.Add(&frame.Record{Line: "line"})
		}
		f, err := r.w.Seal()
		if err != nil {
			r.t.Fatal(err)
		}
		if err := w.Add(f.Bytes); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := w.Close(r.key); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// take runs an inbox until it has dealt with so many files.
func (r *rig) take(n int, known ...string) []inbox.Taken {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	public := r.key.Public().(ed25519.PublicKey)
	b := &inbox.Inbox{
		Dir: r.dir, Identity: r.id, Frames: r.conn, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now,
		Collectors: func(id string) (ingest.Collector, bool) {
			return ingest.Collector{ID: id, Municipality: "312011", Public: public}, len(known) > 0 && id == known[0]
		},
	}
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		list, err := inbox.Read(r.dir)
		if err != nil {
			r.t.Fatal(err)
		}
		if len(list) >= n {
			cancel()
			if err := <-ended; err != nil {
				r.t.Fatal(err)
			}
			return list
		}
		select {
		case <-ctx.Done():
			r.t.Fatalf("%d files after 20 s", len(list))
		case <-tick.C:
		}
	}
}

func (r *rig) put(paths ...string) {
	r.t.Helper()
	for _, p := range paths {
		if err := inbox.Put(r.dir, p); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) published() uint64 {
	r.t.Helper()
	s, err := r.stream.State(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return s.Messages
}

func TestFilesAreTakenInAnyOrderAndASecondCopyIsNamed(t *testing.T) {
	r := newRig(t)
	one, two := r.file(1, 2), r.file(2, 5)
	r.put(two)
	r.take(1, "mn")
	r.put(one, two)
	list := r.take(3, "mn")
	if list[0].Number != 2 || list[0].Frames != 5 || list[0].Records != 15 || list[0].Again || list[1].Number != 1 || list[1].Again || !list[2].Again {
		t.Errorf("%+v", list)
	}
	if n := r.published(); n != 12 {
		t.Errorf("%d frames published", n)
	}
	if left, _ := filepath.Glob(filepath.Join(r.dir, "*"+carry.Suffix)); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestFileThatCannotBeTrustedIsKeptAsideAndNothingOfItIsPublished(t *testing.T) {
	r := newRig(t)
	cut := r.file(1, 3)
	b, err := os.ReadFile(cut)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, b[:len(b)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	r.put(cut)
	if list := r.take(1, "mn"); !strings.Contains(list[0].Refused, "carried file") {
		t.Errorf("%+v", list)
	}
	r.put(r.file(2, 3))
	if list := r.take(2, "somebody-else"); !strings.Contains(list[1].Refused, "not registered") {
		t.Errorf("%+v", list)
	}
	if n := r.published(); n != 0 {
		t.Errorf("%d frames published", n)
	}
	if kept, _ := filepath.Glob(filepath.Join(r.dir, "refused", "*"+carry.Suffix)); len(kept) != 2 {
		t.Errorf("kept aside: %v", kept)
	}
}
