package archive

import (
	"crypto/sha256"
	"testing"

	"pgregory.net/rapid"

	"mimamori/frame"
)

// naive is MTH of RFC 9162, section 2.1.1, as it is written there.
func naive(leaves []frame.Hash) frame.Hash {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	default:
		k := 1
		for k*2 < n {
			k *= 2
		}
		return nodeHash(naive(leaves[:k]), naive(leaves[k:]))
	}
}

func TestTreeIsThatOfTheRFC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 80).Draw(t, "leaves")
		leaves := make([]frame.Hash, n)
		var tr tree
		for i := range leaves {
			leaves[i] = leafHash([]byte{byte(i), byte(i >> 8)})
			tr.add(leaves[i])
		}
		root := naive(leaves)
		if tr.root() != root || rootOf(leaves) != root {
			t.Fatalf("root of %d leaves", n)
		}
		if n == 0 {
			return
		}
		i := rapid.IntRange(0, n-1).Draw(t, "leaf")
		proof := inclusion(leaves, i)
		if got, ok := climb(leaves[i], uint64(i), uint64(n), proof); !ok || got != root {
			t.Fatalf("proof of leaf %d of %d", i, n)
		}
		j := rapid.IntRange(0, n-1).Draw(t, "other leaf")
		if got, ok := climb(leaves[i], uint64(j), uint64(n), proof); ok && got == root && i != j {
			t.Fatalf("the proof of leaf %d holds for %d of %d", i, j, n)
		}
		if len(proof) > 0 {
			proof[rapid.IntRange(0, len(proof)-1).Draw(t, "step")][3] ^= 1
			if got, ok := climb(leaves[i], uint64(i), uint64(n), proof); ok && got == root {
				t.Fatal("a changed proof holds")
			}
			if _, ok := climb(leaves[i], uint64(i), uint64(n), proof[1:]); ok {
				t.Fatal("a short proof holds")
			}
		}
	})
}

func TestTreeKnowsTheVectorsOfCertificateTransparency(t *testing.T) {
	// The empty tree and the single empty leaf, as every implementation tests them.
	var tr tree
	if got := tr.root(); got != sha256.Sum256(nil) {
		t.Fatalf("%x", got)
	}
	tr.add(leafHash(nil))
	if got := tr.root(); got != sha256.Sum256([]byte{0}) {
		t.Fatalf("%x", got)
	}
}
