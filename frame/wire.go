package frame

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

const (
	magic   = "MMFR"
	version = 1
	context = "mimamori frame v1\x00"
)

// Frame is a sealed frame as it travels.
type Frame struct {
	Header
	// Bytes is the whole frame in wire form.
	Bytes   []byte
	signed  []byte // magic to the end of the header
	sealed  []byte // signed and the signature: what Hash covers
	payload []byte
}

// appendHeader writes magic, version and header.
func appendHeader(b []byte, h *Header) []byte {
	b = append(b, magic...)
	b = append(b, version)
	for _, s := range []string{h.Collector, h.Municipality, h.Zone, h.Source} {
		b = append(b, byte(len(s)))
		b = append(b, s...)
	}
	b = binary.BigEndian.AppendUint64(b, h.Epoch)
	b = binary.BigEndian.AppendUint64(b, h.First)
	b = binary.BigEndian.AppendUint32(b, h.Count)
	b = append(b, byte(h.Kind), h.codec())
	b = binary.BigEndian.AppendUint64(b, uint64(h.From))
	b = binary.BigEndian.AppendUint64(b, uint64(h.To))
	b = binary.BigEndian.AppendUint32(b, h.Unpacked)
	b = append(b, h.Digest[:]...)
	return append(b, h.Prev[:]...)
}

// codec is how the payload is packed: 1 zstd, 0 not at all.
func (h *Header) codec() byte {
	if h.Kind == Gap {
		return 0
	}
	return 1
}

// reader takes fields off the front of a buffer; it is spent once bad.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || len(r.b) < n {
		r.bad = true
		return make([]byte, min(max(n, 0), 64))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) name() string { return string(r.take(int(r.take(1)[0]))) }
func (r *reader) u32() uint32  { return binary.BigEndian.Uint32(r.take(4)) }
func (r *reader) u64() uint64  { return binary.BigEndian.Uint64(r.take(8)) }

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if r.bad || n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if r.bad || n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

// Parse reads a frame's wire form and checks its structure, its bounds and its
// payload's digest, but not its signature (see Verify). The frame keeps b. The
// error wraps ErrMalformed or ErrDigest.
func Parse(b []byte) (*Frame, error) {
	f, err := Peek(b)
	if err == nil && sha256.Sum256(f.payload) != f.Digest {
		return nil, fmt.Errorf("%w: frame %s/%s seq %d", ErrDigest, f.Collector, f.Source, f.First)
	}
	return f, err
}

// Peek is Parse without the digest, for whoever only wants to know what a frame
// says of itself.
func Peek(b []byte) (*Frame, error) {
	if len(b) > MaxFrame {
		return nil, fmt.Errorf("%w: %d bytes, more than %d", ErrMalformed, len(b), MaxFrame)
	}
	if len(b) < len(magic)+1 || string(b[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: it does not begin with %s", ErrMalformed, magic)
	}
	if b[len(magic)] != version {
		return nil, fmt.Errorf("%w: version %d, this program reads %d", ErrMalformed, b[len(magic)], version)
	}
	f := &Frame{Bytes: b}
	r := &reader{b: b[len(magic)+1:]}
	h := &f.Header
	h.Collector, h.Municipality, h.Zone, h.Source = r.name(), r.name(), r.name(), r.name()
	h.Epoch, h.First, h.Count = r.u64(), r.u64(), r.u32()
	kind := r.take(2)
	h.Kind = Kind(kind[0])
	h.From, h.To = int64(r.u64()), int64(r.u64())
	h.Unpacked = r.u32()
	copy(h.Digest[:], r.take(32))
	copy(h.Prev[:], r.take(32))
	f.signed = b[:len(b)-len(r.b)]
	r.take(ed25519.SignatureSize)
	f.sealed = b[:len(b)-len(r.b)]
	f.payload = r.b
	switch {
	case r.bad:
		return nil, fmt.Errorf("%w: it ends inside the header", ErrMalformed)
	case h.Collector == "" || h.Source == "":
		return nil, fmt.Errorf("%w: no collector or source", ErrMalformed)
	case h.First == 0 || h.Count == 0 || h.Kind == Lines && h.Count > MaxRecords || h.First+uint64(h.Count) < h.First:
		return nil, fmt.Errorf("%w: sequence %d, %d records", ErrMalformed, h.First, h.Count)
	case h.Unpacked > MaxUnpacked:
		return nil, fmt.Errorf("%w: it unpacks to %d bytes, more than %d", ErrMalformed, h.Unpacked, MaxUnpacked)
	case h.Kind > Gap || kind[1] != h.codec():
		return nil, fmt.Errorf("%w: kind %d, codec %d", ErrMalformed, kind[0], kind[1])
	case h.Kind == Gap && (len(f.payload) < len(Hash{}) || len(f.payload) > len(Hash{})+maxReason):
		return nil, fmt.Errorf("%w: a gap's payload of %d bytes", ErrMalformed, len(f.payload))
	}
	return f, nil
}

// Verify checks the signature against the collector's public key. The error
// wraps ErrSignature.
func (f *Frame) Verify(pub ed25519.PublicKey) error {
	if len(pub) != ed25519.PublicKeySize || !ed25519.Verify(pub, append([]byte(context), f.signed...), f.sealed[len(f.signed):]) {
		return fmt.Errorf("frame %s/%s seq %d-%d: %w", f.Collector, f.Source, f.First, f.Last(), ErrSignature)
	}
	return nil
}

// Hash is the frame's identity in the chain: SHA-256 of header and signature.
func (f *Frame) Hash() Hash { return sha256.Sum256(f.sealed) }
