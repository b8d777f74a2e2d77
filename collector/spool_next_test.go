package collector

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"

	"mimamori/frame"
)

// TestNextIsWhatTheStreamHolds compares what the backlog lane reads ahead with
// the stream itself, while messages come, are shipped and are given up.
func TestNextIsWhatTheStreamHolds(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { nextIsWhatTheStreamHolds(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func nextIsWhatTheStreamHolds(t *testing.T, r *rand.Rand) {
	key := newKey(t).Private()
	sp, err := newSpool(t.Context(), Config{Data: t.TempDir(), Spool: Spool{MaxBytes: 64 << 20}}, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer sp.close()
	if _, err := sp.resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	held := map[uint64]string{} // sequence → source
	sources := []string{"a", "b", "c"}
	writers := map[string]*frame.Writer{}
	for _, name := range sources {
		if writers[name], err = frame.NewWriter(frame.Header{Collector: "test", Source: name, Epoch: 1}, key); err != nil {
			t.Fatal(err)
		}
	}
	noise := make([]byte, 60<<10)
	put := func() uint64 {
		name := sources[r.IntN(3)]
		for i := range noise {
			noise[i] = byte(r.Uint32())
		}
		writers[name].Add(&frame.Record{Line: string(noise[:r.IntN(len(noise))])})
		f, err := writers[name].Seal()
		if err != nil {
			t.Fatal(err)
		}
		entry, err := appendEntry(nil, state{}, f.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		seq, err := sp.put(t.Context(), name, entry, f.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		held[seq] = name
		return seq
	}
	newest, reads := uint64(0), 0
	lanes := []*ahead{{size: aheadBytes}, {size: 1}, {size: aheadBytes}}
	at := make([]uint64, len(lanes))
	for range 400 {
		switch n := r.IntN(10); {
		case n < 4:
			newest = put()
		case n == 4: // some are shipped
			sp.done(at[0], 1)
		case n == 5 && newest > 0: // or given up
			name, before := sources[r.IntN(3)], r.Uint64N(newest)+1
			o, err := sp.get()
			if err != nil {
				t.Fatal(err)
			}
			sp.given.Add(1)
			if err := o.frames.Purge(t.Context(), spoolSubject+name, before); err != nil {
				t.Fatal(err)
			}
			for seq, of := range held {
				if of == name && seq < before {
					delete(held, seq)
				}
			}
		default:
			i := r.IntN(len(lanes))
			if r.IntN(10) == 0 {
				at[i] = r.Uint64N(newest + 1) // the line was cut: once more
			}
			want := at[i] + 1
			for want <= newest && held[want] == "" {
				want++
			}
			m, err := sp.next(t.Context(), lanes[i], at[i]+1, newest)
			if err != nil {
				t.Fatal(err)
			}
			if m == nil {
				if want <= newest {
					t.Fatalf("after %d there is nothing; want %d", at[i], want)
				}
				continue
			}
			f := m.head()
			if f == nil || f.Source != m.source {
				t.Fatalf("message %d of %s is not its frame", m.seq, m.source)
			}
			if m.seq != want || m.source != held[want] {
				t.Fatalf("after %d comes %d of %s; want %d of %s", at[i], m.seq, m.source, want, held[want])
			}
			at[i], reads = m.seq, reads+1
		}
	}
	if reads < 50 {
		t.Errorf("only %d reads", reads)
	}
}
