package archive

import (
	"crypto/sha256"

	"mimamori/frame"
)

// tree is the Merkle tree of RFC 9162, section 2.1, over leaves that come one
// after the other. It keeps the roots of its full subtrees only, largest first.
type tree struct {
	Size  uint64
	Roots []frame.Hash
}

// leafHash is a leaf over some bytes.
func leafHash(b []byte) frame.Hash {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(b)
	return frame.Hash(h.Sum(nil))
}

// nodeHash is the hash over two subtrees.
func nodeHash(left, right frame.Hash) frame.Hash {
	var b [65]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[33:], right[:])
	return sha256.Sum256(b[:])
}

// add appends a leaf.
func (t *tree) add(leaf frame.Hash) {
	for n := t.Size; n&1 == 1; n >>= 1 {
		last := len(t.Roots) - 1
		leaf = nodeHash(t.Roots[last], leaf)
		t.Roots = t.Roots[:last]
	}
	t.Roots = append(t.Roots, leaf)
	t.Size++
}

// root is the hash over all leaves.
func (t *tree) root() frame.Hash {
	if len(t.Roots) == 0 {
		return sha256.Sum256(nil)
	}
	root := t.Roots[len(t.Roots)-1]
	for i := len(t.Roots) - 2; i >= 0; i-- {
		root = nodeHash(t.Roots[i], root)
	}
	return root
}

// rootOf is the root of a list of leaves.
func rootOf(leaves []frame.Hash) frame.Hash {
	var t tree
	for _, l := range leaves {
		t.add(l)
	}
	return t.root()
}

// inclusion is the proof that leaf i is in the tree over leaves: the roots of
// the subtrees beside its way up.
func inclusion(leaves []frame.Hash, i int) []frame.Hash {
	if len(leaves) < 2 {
		return nil
	}
	half := 1
	for half*2 < len(leaves) {
		half *= 2
	}
	if i < half {
		return append(inclusion(leaves[:half], i), rootOf(leaves[half:]))
	}
	return append(inclusion(leaves[half:], i-half), rootOf(leaves[:half]))
}

// climb is the root to which a proof leads from leaf i of size; false when the
// proof has not the length that it must have.
func climb(leaf frame.Hash, i, size uint64, proof []frame.Hash) (frame.Hash, bool) {
	if i >= size {
		return frame.Hash{}, false
	}
	last := size - 1
	for _, p := range proof {
		if last == 0 {
			return frame.Hash{}, false
		}
		if i&1 == 1 || i == last {
			leaf = nodeHash(p, leaf)
			for i&1 == 0 && i != 0 {
				i, last = i>>1, last>>1
			}
		} else {
			leaf = nodeHash(leaf, p)
		}
		i, last = i>>1, last>>1
	}
	return leaf, last == 0
}
