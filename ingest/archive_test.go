package ingest_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync"
	"testing"

	"mimamori/frame"
	"mimamori/ingest"
)

// shelf is an archive that can be told to fail.
type shelf struct {
	mu    sync.Mutex
	fail  error
	tries int
	got   []ingest.Arrival
}

func (s *shelf) Append(_ context.Context, list []ingest.Arrival) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tries++; s.fail != nil {
		return s.fail
	}
	s.got = append(s.got, list...)
	return nil
}

func (s *shelf) tried() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

func (s *shelf) mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = nil
}

func TestWhatIsAcceptedIsArchivedAsItCame(t *testing.T) {
	r, s := newRig(t), &shelf{}
	r.kept = s
	a, b, c, d := r.seal(r.w, r.lines(4)...), r.seal(r.w, r.lines(4)...), r.seal(r.w, r.lines(4)...), r.seal(r.w, r.lines(4)...)
	gap, err := frame.SealGap(b, c, "spool full", r.key)
	if err != nil {
		t.Fatal(err)
	}
	forged := r.seal(r.writer(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))), "forged")
	for _, f := range []*frame.Frame{a, a, forged, gap, b, gap, d} {
		r.publish(f.Bytes)
	}
	r.until(committed(7))
	want := []*frame.Frame{a, gap, d}
	if len(s.got) != len(want) {
		t.Fatalf("%d frames archived, %d accepted", len(s.got), len(want))
	}
	for i, f := range want {
		x := s.got[i]
		if string(x.Frame.Bytes) != string(f.Bytes) || x.At.IsZero() || x.Frame.Verify(x.Public) != nil {
			t.Errorf("frame %d: %+v", i, x.Frame.Header)
		}
	}
}

func TestNothingIsStoredBeforeItIsArchived(t *testing.T) {
	r, s := newRig(t), &shelf{fail: errors.New("disk full")}
	r.kept = s
	r.send(r.lines(4)...)
	mended := false
	r.until(func(st ingest.Status) bool {
		if !mended && (st.Committed != 0 || r.store.count() != 0) {
			t.Fatalf("%d events stored, committed %d", r.store.count(), st.Committed)
		}
		if !mended && s.tried() >= 2 {
			mended = true
			s.mend()
		}
		return st.Committed == 1
	})
	if len(s.got) != 1 || r.store.count() != 4 {
		t.Fatalf("%d frames, %d events", len(s.got), r.store.count())
	}
}
