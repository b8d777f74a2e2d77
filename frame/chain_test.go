package frame

import (
	"testing"

	"pgregory.net/rapid"
)

// TestChainHoldsInEveryOrder takes whole chains in any order: no seam is broken,
// and one altered frame breaks exactly the seams it has.
func TestChainHoldsInEveryOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWriter(t)
		var frames []*Frame
		for range rapid.IntRange(1, 12).Draw(rt, "frames") {
			for range rapid.IntRange(1, 3).Draw(rt, "records") {
				w.Add(&Record{Line: "x"})
			}
			frames = append(frames, seal(t, w))
		}
		want := 0
		if bad := rapid.IntRange(-1, len(frames)-1).Draw(rt, "bad"); bad >= 0 {
			frames[bad] = sign(frames[bad].Header, frames[bad].payload, key(2)) // another signature: another hash
			if bad+1 < len(frames) {
				want = 1
			}
		}
		c, broken := Chain{}, 0
		for _, i := range rapid.Permutation(indexes(len(frames))).Draw(rt, "order") {
			broken += c.Add(frames[i])
		}
		last := frames[len(frames)-1]
		if broken != want || len(c.Runs) != 1 || c.Runs[0].First != 1 || c.Runs[0].Last != last.Last() || c.Runs[0].Hash != last.Hash() {
			rt.Fatalf("%d seams broken, want %d; runs %+v", broken, want, c.Runs)
		}
	})
}

func indexes(n int) (out []int) {
	for i := range n {
		out = append(out, i)
	}
	return out
}

func TestFirstFrameThatNamesAPredecessorIsABreak(t *testing.T) {
	w := newWriter(t)
	w.Add(&Record{Line: "x"})
	f := seal(t, w)
	f.Prev = Hash{1}
	if c := (Chain{}); c.Add(f) != 1 {
		t.Error("no break")
	}
}
