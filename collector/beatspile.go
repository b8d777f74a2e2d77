package collector

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zlib"

	"mimamori/frame"
)

// pileItems bounds the events of a pile.
const pileItems = 256

// item is an event in a pile.
type item struct {
	end   uint32 // in the pile's bytes
	total uint32 // bytes it had
	seq   uint32
	at    int64 // Unix microseconds
}

// pile gathers events of a connection until they are worth a batch, so that no
// batch is held while the network is waited for.
type pile struct {
	buf   []byte
	items []item
	grow  func(int) bool
}

// space is where to read the next event of so many bytes to: fewer bytes where
// a record or the memory holds no more.
func (p *pile) space(size int64) []byte {
	n := int(min(size, frame.MaxLine))
	if need := len(p.buf) + n; need > cap(p.buf) {
		want := max(freeBuffer, min(2*cap(p.buf), batchBytes), need)
		if want > freeBuffer && !p.grow(want-max(cap(p.buf), freeBuffer)) {
			want = max(cap(p.buf), freeBuffer)
		}
		if want > cap(p.buf) {
			p.buf = append(make([]byte, 0, want), p.buf...)
		}
	}
	return p.buf[len(p.buf):min(len(p.buf)+n, cap(p.buf))]
}

// add takes the event that was read to space.
func (p *pile) add(n int, x item) {
	p.buf = p.buf[:len(p.buf)+n]
	x.end = uint32(len(p.buf))
	p.items = append(p.items, x)
}

// full tells that the pile is worth a batch.
func (p *pile) full() bool { return len(p.buf) >= batchBytes/2 || len(p.items) >= pileItems }

// into copies events to a batch until it is full and returns their number.
func (p *pile) into(b *batch, items []item, kind, peer string) int {
	begin := uint32(0)
	if n := len(p.items) - len(items); n > 0 {
		begin = p.items[n-1].end
	}
	for i, x := range items {
		if b.full() {
			return i
		}
		line := p.buf[begin:x.end]
		begin = x.end
		r := frame.Record{Received: x.at, Peer: peer, Input: kind}
		if len(line) < int(x.total) {
			r.Flags, r.Total = frame.Truncated, int64(x.total)
		}
		if len(line) > 0 {
			b.add(line, r)
		}
	}
	return len(items)
}

// clear empties the pile and gives its memory back.
func (p *pile) clear() {
	if cap(p.buf) > freeBuffer {
		p.grow(freeBuffer - cap(p.buf))
		p.buf = nil
	}
	p.buf, p.items = p.buf[:0], p.items[:0]
}

// section is the part of a stream that a compressed frame takes.
type section struct {
	r    *bufio.Reader
	left int64
	err  error // that the stream, not the section, ended with
}

func (s *section) Read(b []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n, err := s.r.Read(b[:min(int64(len(b)), s.left)])
	s.left -= int64(n)
	if err != nil {
		s.err = unexpected(err)
	}
	return n, s.err
}

// ReadByte keeps zlib from reading ahead by a buffer of its own.
func (s *section) ReadByte() (byte, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	b, err := s.r.ReadByte()
	if err != nil {
		s.err = unexpected(err)
		return 0, s.err
	}
	s.left--
	return b, nil
}

// verdict tells bytes that cannot be unpacked from a connection that ended.
func (s *section) verdict(err error) error {
	switch {
	case s.err != nil:
		return s.err
	case errors.Is(err, errBeats), errors.Is(err, errBusy):
		return err
	}
	return fmt.Errorf("%w: compressed frame: %w", errBeats, err)
}

// decoder is a zlib reader, used before or new.
func (in *beatsInput) decoder(r io.Reader) (io.ReadCloser, error) {
	if z, ok := in.decoders.Get().(io.ReadCloser); ok {
		if err := z.(zlib.Resetter).Reset(r, nil); err != nil {
			return nil, fmt.Errorf("zlib: %w", err)
		}
		return z, nil
	}
	z, err := zlib.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("zlib: %w", err)
	}
	return z, nil
}
