package s3

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"mimamori/archive"
)

// shaky is an object store half of whose calls fail, before or after they did
// their work.
type shaky struct {
	mu     sync.Mutex
	rnd    *rand.Rand
	next   http.Handler
	failed int
	locked map[string]string // object lock's header, by path
	parts  int
}

func (s *shaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	how := s.rnd.IntN(4)
	if r.Method == http.MethodPut || r.Method == http.MethodPost {
		if until := r.Header.Get("X-Amz-Object-Lock-Retain-Until-Date"); until != "" {
			s.locked[r.URL.Path] = r.Header.Get("X-Amz-Object-Lock-Mode") + " " + until
		}
	}
	if r.URL.Query().Get("partNumber") != "" {
		s.parts++
	}
	if how < 2 {
		s.failed++
	}
	s.mu.Unlock()
	switch how {
	case 0: // refused
		http.Error(w, "slow down", http.StatusServiceUnavailable)
	case 1: // done, but nobody hears of it
		s.next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		s.next.ServeHTTP(w, r)
	}
}

func TestAStoreThatFailsHalfOfItsCallsGetsEverything(t *testing.T) {
	backend := s3mem.New()
	if err := backend.CreateBucket("archive"); err != nil {
		t.Fatal(err)
	}
	shaky := &shaky{rnd: rand.New(rand.NewPCG(1, 2)), next: gofakes3.New(backend).Server(), locked: map[string]string{}}
	server := httptest.NewServer(shaky)
	defer server.Close()
	now := time.Date(2026, 11, 23, 0, 10, 0, 0, time.UTC)
	b, err := Open(Config{
		Endpoint: strings.TrimPrefix(server.URL, "http://"), Bucket: "archive", Prefix: "pref/", Region: "us-east-1", Access: "a", Secret: "s",
		Insecure: true, Lock: 400 * 24 * time.Hour, Retries: 3, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	want := map[string][]byte{"archive.pub": []byte("key\n"), "heads/2026-11-22.head": []byte("head\n")}
	for i := range 6 {
		base := fmt.Sprintf("312011/2026-11-2%d", i)
		want[base+".frames"] = bytes.Repeat([]byte{byte(i)}, 1000+i*100)
		want[base+".index"], want[base+".manifest"] = []byte("index"), []byte("manifest")
	}
	want["312011/2026-11-20.frames"] = bytes.Repeat([]byte("part"), partSize/4+1000) // two parts
	for name, text := range want {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	steps := 1
	for ; archive.Ship(t.Context(), dir, b) != nil; steps++ {
		if steps == 60 {
			t.Fatal("it never succeeds:", archive.Ship(t.Context(), dir, b))
		}
	}
	for name, text := range want {
		o, err := backend.GetObject("archive", "pref/"+name, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var have bytes.Buffer
		if _, err := have.ReadFrom(o.Contents); err != nil || !bytes.Equal(have.Bytes(), text) {
			t.Errorf("%s: %d bytes, %v", name, have.Len(), err)
		}
		if lock := shaky.locked["/archive/pref/"+name]; !strings.HasPrefix(lock, "COMPLIANCE 2027-12-28T00:10:00") {
			t.Errorf("%s: lock %q", name, lock)
		}
	}
	if shaky.failed < 10 || shaky.parts < 2 {
		t.Errorf("%d calls failed, %d parts: the test tests nothing", shaky.failed, shaky.parts)
	}
	t.Logf("%d steps, %d calls failed", steps, shaky.failed)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Put(ctx, "x", filepath.Join(dir, "archive.pub")); err == nil {
		t.Error("a call that was cancelled succeeded")
	}
}
