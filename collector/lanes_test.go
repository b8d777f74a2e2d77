package collector

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// TestLanesForgetNoMessage drives the two lanes at random and compares them
// with a set of what was shipped.
func TestLanesForgetNoMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &lanes{lanesState: lanesState{Live: 1}}
		shipped := map[uint64]bool{}
		newest := uint64(0)
		next := func(from, to uint64) uint64 { // what a lane sends at once, in order
			return min(from+rapid.Uint64Range(0, 3).Draw(t, "ships"), to)
		}
		t.Repeat(map[string]func(*rapid.T){
			"a frame comes": func(t *rapid.T) { newest += rapid.Uint64Range(1, 5).Draw(t, "n") },
			"live ships": func(t *rapid.T) {
				if l.Live > newest {
					return
				}
				to := next(l.Live, newest)
				for s := l.Live; s <= to; s++ {
					shipped[s] = true
				}
				l.sent(to)
			},
			"an outage": func(*rapid.T) { l.leave(newest) },
			"the backlog ships": func(t *rapid.T) {
				b, ok := l.first()
				if !ok {
					return
				}
				to := next(b.From, b.To)
				for s := b.From; s <= to; s++ {
					shipped[s] = true
				}
				l.drained(to)
			},
			"a restart": func(t *rapid.T) {
				js, err := json.Marshal(l.state())
				if err != nil {
					t.Fatal(err)
				}
				l = &lanes{}
				if err := json.Unmarshal(js, &l.lanesState); err != nil {
					t.Fatal(err)
				}
			},
			"": func(t *rapid.T) {
				waiting := uint64(0)
				for s := uint64(1); s <= newest; s++ {
					if l.waits(s) {
						waiting++
					} else if !shipped[s] {
						t.Fatalf("%d is forgotten: %+v", s, l.lanesState)
					}
					if s < l.low() && !shipped[s] {
						t.Fatalf("%d would be purged: %+v", s, l.lanesState)
					}
				}
				if n, ranges := l.queue(newest); n != waiting || ranges > maxSpans {
					t.Fatalf("%d wait, it says %d in %d ranges", waiting, n, ranges)
				}
				if !l.lanesState.valid(newest) {
					t.Fatalf("not valid: %+v", l.lanesState)
				}
			},
		})
		for b, ok := l.first(); ok; b, ok = l.first() {
			l.drained(b.To)
		}
		if l.low() != l.Live {
			t.Fatalf("an empty backlog holds the mark at %d", l.low())
		}
	})
}

func TestManyOutagesKeepFewRanges(t *testing.T) {
	l := &lanes{lanesState: lanesState{Live: 1}}
	for i := range uint64(1000) {
		l.leave(10*i + 5) // five wait
		l.sent(10*i + 10) // five are shipped
	}
	if n, ranges := l.queue(10_000); ranges > maxSpans || n < 5000 {
		t.Errorf("%d in %d ranges", n, ranges)
	}
	for i := range uint64(1000) {
		if !l.waits(10*i + 3) {
			t.Fatalf("%d is forgotten", 10*i+3)
		}
	}
}

// TestWhatIsDrainedAfterARestartIsNoted: what a spool was opened with must not
// change with what has been shipped since.
func TestWhatIsDrainedAfterARestartIsNoted(t *testing.T) {
	cfg := Config{Data: t.TempDir(), Spool: Spool{MaxBytes: 16 << 20}}
	key := newKey(t).Private()
	spooled := func(work func(*spool)) {
		t.Helper()
		sp, err := newSpool(t.Context(), cfg, key, logger(t))
		if err != nil {
			t.Fatal(err)
		}
		defer sp.close()
		if _, err := sp.resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		work(sp)
		if err := sp.note(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	spooled(func(sp *spool) {
		for range 10 {
			if _, err := sp.put(t.Context(), "in", []byte("entry"), nil); err != nil {
				t.Fatal(err)
			}
		}
		sp.leave(10)
	})
	spooled(func(sp *spool) { sp.lanes.drained(4) })
	spooled(func(sp *spool) {
		if b, _ := sp.lanes.first(); b != (span{5, 10}) {
			t.Errorf("%v waits after a restart, 4 of 10 were shipped", b)
		}
	})
}
