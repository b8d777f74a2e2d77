package collector

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"mimamori/frame"
)

const (
	bodySmall = 1 << 20 // an unpacked body up to this size is unpacked once
	zstdMax   = 8 << 20 // window that a sender may ask for (RFC 9659)
)

// body is a request's body: plain where it is small or sent so, else packed.
type body struct {
	plain    []byte
	packed   []byte
	encoding string
	m        *lease
}

// newBody unpacks what is small.
func newBody(packed []byte, encoding string, m *lease) (*body, error) {
	b := &body{packed: packed, encoding: strings.ToLower(strings.TrimSpace(encoding)), m: m}
	switch b.encoding {
	case "", "identity":
		b.plain = packed
		return b, nil
	case "gzip", "x-gzip", "deflate", "zstd":
	default:
		return nil, errEncoding
	}
	if _, err := b.whole(bodySmall); err != nil && !errors.Is(err, errTooLarge) {
		return nil, err
	}
	return b, nil
}

// whole is the body unpacked, at most limit bytes.
func (b *body) whole(limit int) ([]byte, error) {
	if b.plain != nil || len(b.packed) == 0 {
		return b.plain, nil
	}
	r, end, err := b.unpacker()
	if err != nil {
		return nil, err
	}
	defer end()
	plain, err := b.m.fill(r, -1, limit)
	if err != nil {
		return nil, unpackError(err)
	}
	b.plain = plain
	return plain, nil
}

// chunks calls f with the unpacked body, part by part.
func (b *body) chunks(f func(part []byte, last bool) error) error {
	if b.plain != nil || len(b.packed) == 0 {
		return f(b.plain, true)
	}
	r, end, err := b.unpacker()
	if err != nil {
		return err
	}
	defer end()
	const own = bodyChunk + frame.MaxLine // the rest is what f keeps of a line
	if err := b.m.add(own); err != nil {
		return err
	}
	defer func() { _ = b.m.add(-own) }()
	buf, total := make([]byte, bodyChunk), 0
	for {
		n, err := readFull(r, buf)
		if err != nil && !errors.Is(err, io.EOF) {
			return unpackError(err)
		}
		if total += n; total > httpUnpacked {
			return errTooLarge
		}
		last := err != nil
		if err := f(buf[:n], last); err != nil || last {
			return err
		}
	}
}

// readFull fills buf unless the end comes first. io.ReadFull would not do: its
// error for that is the one of a stream that is cut.
func readFull(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var k int
		k, err = r.Read(buf[n:])
		n += k
	}
	return n, err // io.EOF is the end
}

// unpackError tells a body that cannot be unpacked from one that may not be.
func unpackError(err error) error {
	if r, ok := errors.AsType[refusal](err); ok {
		return r
	}
	return errUnpack
}

// unpacker begins to unpack; end gives its memory back.
func (b *body) unpacker() (r io.Reader, end func(), err error) {
	packed, window := bytes.NewReader(b.packed), 64<<10
	if b.encoding == "zstd" {
		var h zstd.Header
		if err := h.Decode(b.packed); err != nil || h.WindowSize > zstdMax {
			return nil, nil, errUnpack
		}
		window = max(window, int(h.WindowSize))
	}
	if err := b.m.add(window); err != nil {
		return nil, nil, err
	}
	giveBack := func() { _ = b.m.add(-window) }
	switch b.encoding {
	case "zstd":
		var d *zstd.Decoder
		d, err = zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(uint64(window)))
		if err == nil {
			return d, func() { d.Close(); giveBack() }, nil
		}
	case "deflate": // RFC 9110: with zlib's header; some senders leave it out
		if len(b.packed) >= 2 && b.packed[0]&15 == 8 && (int(b.packed[0])<<8|int(b.packed[1]))%31 == 0 {
			r, err = zlib.NewReader(packed)
		} else {
			r = flate.NewReader(packed)
		}
	default:
		r, err = gzip.NewReader(packed)
	}
	if err != nil {
		giveBack()
		return nil, nil, errUnpack
	}
	return r, giveBack, nil
}
