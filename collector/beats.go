package collector

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	beatsUnpacked = 256 << 20 // of one window: what is more is a bomb
	beatsAlive    = 5 * time.Second
	beatsDecoder  = 48 << 10        // memory of a zlib decoder
	beatsWait     = 5 * time.Second // for that memory
	beatsDrain    = time.Second     // for the rest of a window when we stop
	beatsHold     = time.Second     // how long an event waits for others of its window
)

// Reasons to close a connection.
var (
	errBeats = errors.New("this is not the Beats protocol (lumberjack 2)")
	errV1    = fmt.Errorf("%w: version 1, that of logstash-forwarder, is not taken", errBeats)
	errBomb  = fmt.Errorf("%w: a window unpacks to more than %d MiB", errBeats, beatsUnpacked>>20)
)

// beatsInput takes events of Filebeat, Winlogbeat and others that speak
// lumberjack version 2. A record is the event's JSON as it came. Events are
// acknowledged when they are on disk, large windows in parts; while the spool
// makes them wait, the sender is told so every few seconds. A Beat whose
// connection breaks within a window sends all of the window again, whatever was
// acknowledged of it: what is on disk by then comes twice, and is counted.
type beatsInput struct {
	listener
	decoders sync.Pool     // of zlib
	every    time.Duration // to tell a waiting sender that we are alive; 0: beatsAlive
}

func (in *beatsInput) run(ctx context.Context) { in.accept(ctx, in.serve) }

// beatsConn is one connection.
type beatsConn struct {
	*answerer
	in   *beatsInput
	peer string
	src  *beatsStream
	r    *bufio.Reader
	pile pile

	left   uint32 // events of the window that are to come
	budget int64  // bytes of them, unpacked
	seq    uint32 // of the last event
	handed int    // lines of the window that are handed over
	head   [8]byte
}

// beatsStream reads the connection for the bufio.Reader.
type beatsStream struct {
	*pace
	ctx     context.Context
	between bool // no window has begun
}

func (s *beatsStream) Read(b []byte) (int, error) { return s.read(s.ctx, b, s.between) }

func (in *beatsInput) serve(ctx context.Context, conn net.Conn, peer string) {
	p := in.pace(conn, beatsDrain)
	p.begun = true
	stop := p.interrupt(ctx)
	defer stop()
	c := &beatsConn{
		answerer: &answerer{
			conn: conn, out: in.out, count: in.count, put: putBeats,
			alive: []byte{'2', 'A', 0, 0, 0, 0}, every: beatsAlive,
		},
		in: in, peer: peer, src: &beatsStream{pace: p, ctx: ctx}, pile: pile{grow: in.grow},
	}
	if in.every > 0 {
		c.every = in.every
	}
	c.r = bufio.NewReaderSize(c.src, smallBuffer)
	defer c.pile.clear()
	c.start()
	var err error
	for err == nil {
		err = c.window()
	}
	in.account(conn, err)
	c.finish()
	if ctx.Err() != nil {
		linger(conn, lingerTime)
	}
}

// window reads a window to its end. What was not handed over when it fails is
// not acknowledged, and so comes again.
func (c *beatsConn) window() error {
	c.src.between = true
	_, err := c.r.Peek(1)
	if c.src.between = false; err != nil {
		return err
	}
	c.src.whole()
	if _, err := io.ReadFull(c.r, c.head[:6]); err != nil {
		return err
	}
	switch {
	case c.head[0] == '1':
		return errV1
	case c.head[0] != '2' || c.head[1] != 'W':
		return fmt.Errorf("%w: it does not begin with a window", errBeats)
	}
	c.left, c.budget, c.handed = binary.BigEndian.Uint32(c.head[2:]), beatsUnpacked, 0
	for c.left > 0 {
		if err := c.frame(c.r, true); err != nil {
			return c.midway(err)
		}
	}
	return c.flush()
}

// midway makes of a stream that ends inside a window what it is.
func (c *beatsConn) midway(err error) error {
	c.count.unanswered.Add(uint64(c.handed))
	if errors.Is(err, errSlow) || errors.Is(err, errBeats) || c.src.ctx.Err() != nil {
		return err
	}
	return io.ErrUnexpectedEOF // the connection broke off
}

// frame reads one frame of a window; outer allows compression, which cannot be
// nested. io.EOF means that there is none.
func (c *beatsConn) frame(r io.Reader, outer bool) error {
	if _, err := io.ReadFull(r, c.head[:2]); err != nil {
		return err
	}
	switch {
	case c.head[0] == '1':
		return errV1
	case c.head[0] == '2' && c.head[1] == 'J' && c.left > 0:
		return c.event(r)
	case c.head[0] == '2' && c.head[1] == 'C' && outer:
		return c.compressed()
	}
	return fmt.Errorf("%w: frame %q has no place here", errBeats, c.head[:2])
}

// event reads an event; of one that is longer than a record may be, or than
// there is memory for, the beginning.
func (c *beatsConn) event(r io.Reader) error {
	if _, err := io.ReadFull(r, c.head[:]); err != nil {
		return unexpected(err)
	}
	seq, size := binary.BigEndian.Uint32(c.head[:]), int64(binary.BigEndian.Uint32(c.head[4:]))
	if c.budget -= size + 10; c.budget < 0 {
		return errBomb
	}
	dst := c.pile.space(size)
	if int64(len(dst)) < size && len(c.pile.items) > 0 {
		if err := c.flush(); err != nil {
			return err
		}
		dst = c.pile.space(size)
	}
	if _, err := io.ReadFull(r, dst); err != nil {
		return unexpected(err)
	}
	if rest := size - int64(len(dst)); rest > 0 {
		if _, err := io.CopyN(io.Discard, r, rest); err != nil {
			return unexpected(err)
		}
	}
	now := c.in.now().UnixMicro()
	c.pile.add(len(dst), item{total: uint32(size), seq: seq, at: now})
	c.seq = seq
	c.left--
	c.src.whole()
	if c.pile.full() || now-c.pile.items[0].at > beatsHold.Microseconds() {
		return c.flush()
	}
	return nil
}

// compressed reads the frames in a compressed frame.
func (c *beatsConn) compressed() error {
	if _, err := io.ReadFull(c.r, c.head[:4]); err != nil {
		return unexpected(err)
	}
	packed := &section{r: c.r, left: int64(binary.BigEndian.Uint32(c.head[:4]))}
	if packed.left > c.budget {
		return errBomb
	}
	for began := time.Now(); !c.in.grow(beatsDecoder); {
		if time.Since(began) > beatsWait || !wait(c.src.ctx, 20*time.Millisecond) {
			return io.ErrUnexpectedEOF // others use it all; the sender comes again
		}
	}
	defer c.in.grow(-beatsDecoder)
	z, err := c.in.decoder(packed)
	if err != nil {
		return packed.verdict(err)
	}
	defer c.in.decoders.Put(z)
	for {
		err := c.frame(z, false)
		switch {
		case errors.Is(err, io.EOF):
			_, err = io.Copy(io.Discard, packed)
			return err
		case err != nil:
			return packed.verdict(err)
		}
	}
}

// flush hands over the events that have gathered. Nothing is acknowledged
// twice: a sender would take that for its next window.
func (c *beatsConn) flush() error {
	if len(c.pile.items) == 0 {
		return nil
	}
	defer c.pile.clear()
	for rest := c.pile.items; ; {
		b := c.batch(context.WithoutCancel(c.src.ctx)) // with a word to the sender now and then
		if b == nil {
			return errBusy
		}
		n := c.pile.into(b, rest, c.in.kind, c.peer)
		x := answer{first: c.seq, n: 1, lead: c.handed}
		c.handed += len(b.recs)
		if rest = rest[n:]; len(rest) > 0 {
			x.first = c.pile.items[len(c.pile.items)-len(rest)-1].seq
		}
		c.send(b, x)
		if len(rest) == 0 {
			return nil
		}
	}
}

// putBeats writes an acknowledgement.
func putBeats(w *bufio.Writer, x answer) {
	_, _ = w.Write(binary.BigEndian.AppendUint32([]byte{'2', 'A'}, x.first)) // Flush tells
}

// unexpected is for an end where there must be more.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
