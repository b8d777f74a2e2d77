package archive

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"mimamori/frame"
	"mimamori/internal/pack"
)

const (
	recordMagic   = "MMAR\x01" // the last byte is the version
	recordPrefix  = len(recordMagic) + 2
	maxHeader     = recordPrefix + 1024 // four names of at most 255 bytes do not all fit, nor do they occur
	nonceSize     = 12
	gcmTag        = 16
	maxCiphertext = frame.MaxFrame + gcmTag
	maxRecord     = maxHeader + maxCiphertext
)

// Entry is what a record says of its frame without any key. The record's leaf
// covers all of it.
type Entry struct {
	Municipality string
	Day          string // 2026-11-22
	Collector    string
	Source       string
	Epoch        uint64
	First, Last  uint64
	Kind         frame.Kind
	Arrived      int64      // Unix microseconds
	Key          uint64     // number of the data key among those of municipality and month
	Frame        frame.Hash // of the frame, as frame.Frame.Hash
	Size         int        // bytes of the ciphertext
	Cipher       frame.Hash // SHA-256 of the ciphertext

	nonce  [nonceSize]byte
	header []byte // as it stands in the file
	bound  int    // bytes of header that the ciphertext is bound to
}

// Sequence names the sequence that the frame belongs to.
func (e *Entry) Sequence() frame.Key {
	return frame.Key{Collector: e.Collector, Source: e.Source, Epoch: e.Epoch}
}

// span is the entry's part of that sequence.
func (e *Entry) span() frame.Range { return frame.Range{First: e.First, Last: e.Last} }

// Month is that of the arrival, by which the data key is chosen: what an erasure
// takes from every place. The day may be one of the next month.
func (e *Entry) Month() string { return dayOf(time.UnixMicro(e.Arrived))[:monthLen] }

func (e *Entry) leaf() frame.Hash { return leafHash(e.header) }

// name is the entry for people.
func (e *Entry) name() string {
	return fmt.Sprintf("%s/%s/%d seq %d-%d", e.Collector, e.Source, e.Epoch, e.First, e.Last)
}

// appendRecord seals a frame behind the header that it makes of e.
func appendRecord(b []byte, e *Entry, plain []byte, aead cipher.AEAD) ([]byte, error) {
	if _, err := rand.Read(e.nonce[:]); err != nil {
		return b, fmt.Errorf("archive: %w", err)
	}
	w := pack.Writer{B: append([]byte(recordMagic), 0, 0)}
	for _, s := range []string{e.Municipality, e.Day, e.Collector, e.Source} {
		w.Text(s)
	}
	for _, n := range []uint64{e.Epoch, e.First, e.Last, uint64(e.Kind), uint64(e.Arrived), e.Key} {
		w.Uint(n)
	}
	w.B = append(append(w.B, e.Frame[:]...), e.nonce[:]...)
	e.bound = len(w.B)
	start := len(b)
	sealed := aead.Seal(nil, e.nonce[:], plain, w.B)
	e.Size, e.Cipher = len(sealed), sha256.Sum256(sealed)
	w.Uint(uint64(e.Size))
	w.B = append(w.B, e.Cipher[:]...)
	size := len(w.B) + crc32.Size
	if size > maxHeader || e.Size > maxCiphertext {
		return b, fmt.Errorf("archive: %s: a record of %d and %d bytes is too large", e.name(), size, e.Size)
	}
	// The bound part was sealed with its length still empty, as open reads it.
	binary.BigEndian.PutUint16(w.B[len(recordMagic):], uint16(size-recordPrefix))
	w.B = binary.BigEndian.AppendUint32(w.B, crc32.ChecksumIEEE(w.B))
	b = append(append(b, w.B...), sealed...)
	e.header = b[start : start+size]
	return b, nil
}

// open decrypts the ciphertext. The error wraps ErrMalformed.
func (e *Entry) open(sealed []byte, aead cipher.AEAD) ([]byte, error) {
	bound := append([]byte(nil), e.header[:e.bound]...)
	bound[len(recordMagic)], bound[len(recordMagic)+1] = 0, 0
	plain, err := aead.Open(nil, e.nonce[:], sealed, bound)
	if err != nil {
		return nil, fmt.Errorf("%w: %s does not open with its data key: %w", ErrMalformed, e.name(), err)
	}
	return plain, nil
}

// parseHeader reads the header at the beginning of b, which the entry keeps a
// view of; false when there is none.
func parseHeader(b []byte) (Entry, bool) {
	var e Entry
	if len(b) < recordPrefix || string(b[:len(recordMagic)]) != recordMagic {
		return e, false
	}
	size := recordPrefix + int(binary.BigEndian.Uint16(b[len(recordMagic):]))
	if size > maxHeader || size > len(b) || size < recordPrefix+crc32.Size {
		return e, false
	}
	e.header = b[:size:size]
	body := b[:size-crc32.Size]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(b[len(body):]) {
		return e, false
	}
	r := pack.Reader{B: body[recordPrefix:]}
	raw := func(dst []byte) {
		if len(r.B) < len(dst) {
			r.Bad = true
			return
		}
		r.B = r.B[copy(dst, r.B):]
	}
	e.Municipality, e.Day, e.Collector, e.Source = r.Text(), r.Text(), r.Text(), r.Text()
	e.Epoch, e.First, e.Last = r.Uint(), r.Uint(), r.Uint()
	kind := r.Uint()
	e.Arrived, e.Key = int64(r.Uint()), r.Uint()
	raw(e.Frame[:])
	raw(e.nonce[:])
	e.bound = len(body) - len(r.B)
	n := r.Uint()
	raw(e.Cipher[:])
	e.Kind, e.Size = frame.Kind(kind), int(min(n, uint64(maxRecord)))
	sane := isCode(e.Municipality) && isDay(e.Day) && e.Collector != "" && e.Source != "" &&
		e.First > 0 && e.Last >= e.First && e.Last-e.First < 1<<32 && kind <= uint64(frame.Gap)
	return e, sane && !r.Bad && len(r.B) == 0 && n >= gcmTag && n <= uint64(maxCiphertext)
}
