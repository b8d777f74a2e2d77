package store

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// A filter tells of some thousand rows which keys they may have: a Bloom filter
// whose every key stands in one block of 32 bytes, so that asking for a key
// reads one block. It is Parquet's split-block filter but for two things: the
// last word of a block is a checksum of the others, so that a damaged block is
// known and never hides an event; and there is one filter for all columns.
const (
	blockBytes = 32
	blockWords = blockBytes/4 - 1 // the last is the checksum

	// mostBlocks is what a filter has while it is filled. Afterwards it is folded
	// by the largest divisor of this number that leaves it emptier than maxFill.
	mostBlocks = 1 << 9 * 3 * 5
	maxFill    = 0.4
)

type block [blockWords]uint32

// Parquet's: they choose a bit in each word.
const (
	salt0 = 0x47b6137b
	salt1 = 0x44974d91
	salt2 = 0x8824ad5b
	salt3 = 0xa2b7289d
	salt4 = 0x705495c7
	salt5 = 0x2df1424b
	salt6 = 0x9efc4947
)

// scatter spreads what a key is made of over its bits.
func scatter(x uint64) uint64 {
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	return x ^ x>>32
}

// place is the block of a key among n.
func place(key uint64, n int) int { return int((key >> 32) * uint64(n) >> 32) }

// filter is one that is being filled.
type filter struct{ blocks [mostBlocks]block }

func (f *filter) add(key uint64) {
	b := &f.blocks[place(key, mostBlocks)]
	low := uint32(key)
	b[0] |= 1 << (low * salt0 >> 27) // a loop takes twice as long
	b[1] |= 1 << (low * salt1 >> 27)
	b[2] |= 1 << (low * salt2 >> 27)
	b[3] |= 1 << (low * salt3 >> 27)
	b[4] |= 1 << (low * salt4 >> 27)
	b[5] |= 1 << (low * salt5 >> 27)
	b[6] |= 1 << (low * salt6 >> 27)
}

// fill is the part of the bits that are set when a number of blocks are one.
func (f *filter) fill(fold int) float64 {
	set := 0
	for i := 0; i < mostBlocks; i += fold {
		one := f.blocks[i]
		for _, b := range f.blocks[i+1 : i+fold] {
			for w := range one {
				one[w] |= b[w]
			}
		}
		for _, w := range one {
			set += bits.OnesCount32(w)
		}
	}
	return float64(set*fold) / (mostBlocks * blockWords * 32)
}

// appendTo appends the filter, folded, and empties it. It returns its blocks.
func (f *filter) appendTo(dst []byte) ([]byte, int) {
	// The fill of one fold tells about that of others: few sizes are tried.
	whole := f.fill(1)
	fold := mostBlocks
	for fold > 1 && (mostBlocks%fold != 0 || folded(whole, fold) > maxFill) {
		fold--
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	for i := 0; i < mostBlocks; i += fold {
		var one block
		for _, b := range f.blocks[i : i+fold] {
			for w := range one {
				one[w] |= b[w]
			}
		}
		at := len(dst)
		for _, w := range one {
			dst = binary.LittleEndian.AppendUint32(dst, w)
		}
		dst = binary.LittleEndian.AppendUint32(dst, crc32.Update(uint32(i/fold), table, dst[at:]))
	}
	clear(f.blocks[:])
	return dst, mostBlocks / fold
}

// folded is how full a filter is to be expected when blocks are put on each other.
func folded(fill float64, fold int) float64 {
	empty := 1.0
	for range fold {
		if empty *= 1 - fill; empty < 1-maxFill {
			break
		}
	}
	return 1 - empty
}

// holds tells whether the block at number i may have the key; sound is false for
// a block that is not what was written.
func holds(raw []byte, i int, key uint64) (may, sound bool) {
	sum := crc32.Update(uint32(i), crc32.MakeTable(crc32.Castagnoli), raw[:blockWords*4])
	if binary.LittleEndian.Uint32(raw[blockWords*4:]) != sum {
		return true, false
	}
	low := uint32(key)
	for w, salt := range [blockWords]uint32{salt0, salt1, salt2, salt3, salt4, salt5, salt6} {
		if binary.LittleEndian.Uint32(raw[4*w:])>>(low*salt>>27)&1 == 0 {
			return false, true
		}
	}
	return true, true
}
