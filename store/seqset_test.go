package store

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSeqSetIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s seqSet
		const most = 40
		base := rapid.SampledFrom([]uint64{0, 1<<64 - 1 - most}).Draw(t, "base")
		naive := map[uint64]bool{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			first := rapid.Uint64Range(0, most).Draw(t, "first")
			r := seqRange{base + first, base + rapid.Uint64Range(first, most).Draw(t, "last")}
			add := rapid.Bool().Draw(t, "add")
			lacks := uint64(0)
			for n := r.first; n >= r.first && n <= r.last; n++ {
				if !naive[n] {
					lacks++
				}
				naive[n] = add
			}
			if got := s.missing(r); got != lacks {
				t.Fatalf("%v lacks %d of %v, want %d", s, got, r, lacks)
			}
			if s = slices.Clone(s).remove(r); add {
				s = s.add(r)
			}
			for i := range uint64(most + 1) {
				if s.has(base+i) != naive[base+i] {
					t.Fatalf("%v: has %d: %v", s, base+i, !naive[base+i])
				}
			}
			for i := 1; i < len(s); i++ {
				if s[i].first <= s[i-1].last+1 {
					t.Fatalf("not joined: %v", s)
				}
			}
		}
	})
}
