package frame

import (
	"crypto/ed25519"
	"fmt"
	"slices"
)

// maxReason bounds the text of a gap, in bytes.
const maxReason = 1024

// SealGap makes the frame that stands for frames which the collector gave up
// before they were shipped, such as when its spool was full: first to last of
// one source and epoch, without a gap between them. Its range and its place in
// the chain are theirs, so that the account stays whole and the frame after
// them still names its predecessor. reason is for people, at most 1,024 bytes.
func SealGap(first, last *Frame, reason string, key ed25519.PrivateKey) (*Frame, error) {
	if first.Key() != last.Key() || last.Last() < first.First || last.Last()-first.First >= 1<<32-1 {
		return nil, fmt.Errorf("frame: %s/%s seq %d to %s/%s seq %d is no range of one source", first.Collector, first.Source, first.First, last.Collector, last.Source, last.Last())
	}
	h, final := first.Header, last.Hash()
	if last.Kind == Gap {
		final, _ = last.Gap()
	}
	h.Count, h.To = uint32(last.Last()-first.First+1), last.To
	return SealLoss(h, final, reason, key), nil
}

// SealLoss is SealGap where the frames can no longer be read: h says which they
// were (of its fields Kind, Unpacked and Digest are ignored), and final is the
// chain hash of the last of them.
func SealLoss(h Header, final Hash, reason string, key ed25519.PrivateKey) *Frame {
	payload := slices.Concat(final[:], []byte(reason[:min(len(reason), maxReason)]))
	h.Kind, h.Unpacked = Gap, uint32(len(payload))
	return sign(h, payload, key)
}

// Gap returns, of a frame of kind Gap, the chain hash of the last frame that it
// stands for, and why it was given up.
func (f *Frame) Gap() (last Hash, reason string) {
	copy(last[:], f.payload)
	return last, string(f.payload[len(last):])
}

// Chained is the hash that the frame after this one names as its predecessor.
func (f *Frame) Chained() Hash {
	if f.Kind == Gap {
		last, _ := f.Gap()
		return last
	}
	return f.Hash()
}
