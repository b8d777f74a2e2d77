package frame

import (
	"fmt"
	"unsafe"

	"github.com/klauspost/compress/zstd"
)

// Unpacker decompresses payloads. It is used by one goroutine.
type Unpacker struct{ dec *zstd.Decoder }

// NewUnpacker makes an unpacker whose memory is bounded by MaxUnpacked.
func NewUnpacker() (*Unpacker, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxUnpacked), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("frame: zstd: %w", err)
	}
	return &Unpacker{dec}, nil
}

// Close frees the unpacker.
func (u *Unpacker) Close() { u.dec.Close() }

// Unpack appends the frame's records to dst. Their strings are views into one
// block of memory that lives as long as any of them; a gap has none. The error
// wraps ErrMalformed.
func (u *Unpacker) Unpack(f *Frame, dst []Record) ([]Record, error) {
	if f.Kind == Gap {
		return dst, nil
	}
	body, err := u.dec.DecodeAll(f.payload, make([]byte, 0, f.Unpacked))
	if err != nil {
		return dst, fmt.Errorf("%w: %s/%s seq %d: %w", ErrMalformed, f.Collector, f.Source, f.First, err)
	}
	if len(body) != int(f.Unpacked) {
		return dst, fmt.Errorf("%w: %s/%s seq %d: %d bytes unpacked, the header says %d", ErrMalformed, f.Collector, f.Source, f.First, len(body), f.Unpacked)
	}
	out, ok := unpack(body, f, dst)
	if !ok {
		return dst, fmt.Errorf("%w: %s/%s seq %d: the records do not fill the payload", ErrMalformed, f.Collector, f.Source, f.First)
	}
	return out, nil
}

func unpack(body []byte, f *Frame, dst []Record) ([]Record, bool) {
	text := func(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) } // body never changes
	r := &reader{b: body}
	lines := &reader{b: r.take(int(r.u32()))}
	n := r.uvarint()
	if n > uint64(len(body)) {
		return dst, false
	}
	names := make([]string, 1, min(n+1, 1024))
	for range n {
		size := r.uvarint()
		if size > MaxLine {
			return dst, false
		}
		names = append(names, text(r.take(int(size))))
		if r.bad {
			return dst, false
		}
	}
	start, received, offset := len(dst), f.From, int64(0)
	sizes := make([]uint32, f.Count)
	for i := range f.Count {
		var rec Record
		rec.Flags = Flags(r.take(1)[0])
		received += r.varint()
		peer, input, file := r.uvarint(), r.uvarint(), r.uvarint()
		charset, header := uint64(0), uint64(0)
		if rec.Flags&hasCharset != 0 {
			charset = r.uvarint()
		}
		if rec.Flags&hasMasked != 0 {
			rec.Masked = uint32(r.uvarint())
		}
		if rec.Flags&hasHeader != 0 {
			header = r.uvarint()
		}
		rec.Flags &^= hasCharset | hasMasked | hasHeader
		offset += r.varint()
		if rec.Flags&Truncated != 0 {
			rec.Total = int64(r.uvarint())
		}
		size := r.uvarint()
		if r.bad || max(peer, input, file, charset, header) >= uint64(len(names)) || size > MaxLine {
			return dst[:start], false
		}
		rec.Received, rec.Offset = received, offset
		rec.Peer, rec.Input, rec.File = names[peer], names[input], names[file]
		rec.Charset, rec.Header = names[charset], names[header]
		offset += int64(size) + 1
		sizes[i] = uint32(size)
		dst = append(dst, rec)
	}
	for i, size := range sizes {
		dst[start+i].Line = text(lines.take(int(size)))
	}
	return dst, !r.bad && !lines.bad && len(r.b)+len(lines.b) == 0
}
