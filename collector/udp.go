package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"mimamori/frame"
)

const (
	udpBuffer   = 8 << 20 // asked of the kernel, which may give less
	udpDatagram = 64 << 10
	udpFlush    = 20 * time.Millisecond // how long a datagram waits for others
	udpDrain    = 300 * time.Millisecond
	udpLook     = 500 * time.Millisecond // how often to ask for the kernel's drops
)

// udpInput takes syslog datagrams, one message each. When its batches are all
// in use it reads on, counts what it throws away, and writes a record for each
// once there is room. On Linux it does the same for what the kernel threw away
// because its buffer was full; other systems do not tell.
type udpInput struct {
	*inputEnv
	conn    *net.UDPConn
	peers   map[netip.Addr]string
	scratch []byte
	buffer  int    // asked of the kernel; 0: udpBuffer
	dropped drops  // whose records are not yet written
	kernel  uint32 // drops that the kernel had counted when asked last
	looked  time.Time
}

// drops are lost datagrams by reason.
type drops struct{ noRoom, byKernel uint64 }

func (d drops) sum() uint64 { return d.noRoom + d.byKernel }

func (in *udpInput) open(ctx context.Context, _ state) (net.Addr, error) {
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(ctx, "udp", in.cfg.hostport())
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", in.cfg.Source, err)
	}
	in.conn = conn.(*net.UDPConn)
	in.widen()
	in.peers, in.scratch = map[netip.Addr]string{}, make([]byte, udpDatagram)
	return conn.LocalAddr(), nil
}

// widen asks the kernel for a large buffer and tells what it gave.
func (in *udpInput) widen() {
	if in.buffer == 0 {
		in.buffer = udpBuffer
	}
	if err := in.conn.SetReadBuffer(in.buffer); err != nil {
		in.log.Warn("the kernel's buffer for UDP stays small", "err", err)
	}
	switch given, ok := udpWiden(in.conn, in.buffer); {
	case ok && given < in.buffer:
		in.log.Warn("the kernel's buffer for UDP is smaller than asked for: raise net.core.rmem_max", "bytes", given, "asked", in.buffer)
	case ok:
		in.log.Info("the kernel's buffer for UDP", "bytes", given)
	}
}

// look counts what the kernel has dropped since it was asked last.
func (in *udpInput) look(always bool) {
	now := time.Now()
	if !always && now.Sub(in.looked) < udpLook {
		return
	}
	in.looked = now
	if n, ok := udpDrops(in.conn); ok && n != in.kernel {
		in.dropped.byKernel += uint64(n - in.kernel) // it wraps
		in.kernel = n
		in.count.unwritten.Store(in.dropped.sum())
	}
}

func (in *udpInput) run(ctx context.Context) {
	defer func() { _ = in.conn.Close() }() // nothing is left in it that could be lost
	stop := context.AfterFunc(ctx, func() { _ = in.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var b *batch
	var end time.Time // of draining, once ctx has ended
	for {
		in.look(false)
		b = in.room(b)
		in.deadline(b)
		if ctx.Err() != nil {
			if end.IsZero() {
				end = time.Now().Add(udpDrain)
			}
			_ = in.conn.SetReadDeadline(time.Now().Add(udpFlush))
		}
		err := in.read(b)
		done := !end.IsZero() && (err != nil || time.Now().After(end))
		if b != nil && len(b.recs) > 0 && (done || err != nil || b.full() || cap(b.buf)-len(b.buf) < udpDatagram) {
			in.out.send(b)
			b = nil
		}
		if done || errors.Is(err, net.ErrClosed) {
			in.settle()
			return
		}
	}
}

// settle writes the records of dropped datagrams as far as there is room.
func (in *udpInput) settle() {
	in.look(true)
	for in.dropped.sum() > 0 {
		b := in.room(nil)
		if b == nil {
			in.log.Error("lines were dropped, and there is no room to write that down", "lines", in.dropped.sum())
			return
		}
		in.out.send(b)
	}
}

// room returns a batch to read into, nil when there is none.
func (in *udpInput) room(b *batch) *batch {
	for b == nil || in.dropped.sum() > 0 && b.full() {
		if b != nil {
			in.out.send(b)
		}
		if b = in.out.tryGet(); b == nil {
			return nil
		}
		in.confess(b)
	}
	if len(b.recs) == 0 {
		in.confess(b)
	}
	return b
}

// confess writes records for dropped datagrams, as many as fit the batch.
func (in *udpInput) confess(b *batch) {
	r := frame.Record{Received: in.now().UnixMicro(), Input: in.kind, Flags: frame.Dropped}
	write := func(n *uint64, line string) {
		for r.Line = line; *n > 0 && len(b.recs) < batchRecords; *n-- {
			b.recs = append(b.recs, r)
		}
	}
	write(&in.dropped.byKernel, droppedByKernel)
	write(&in.dropped.noRoom, droppedNoRoom)
	in.count.unwritten.Store(in.dropped.sum())
}

// deadline lets the first datagram of a batch wait for others, and looks for
// room now and then where there is none.
func (in *udpInput) deadline(b *batch) {
	switch {
	case b == nil || in.dropped.sum() > 0 || len(b.recs) > 0:
		_ = in.conn.SetReadDeadline(time.Now().Add(udpFlush))
	default:
		_ = in.conn.SetReadDeadline(time.Now().Add(udpLook))
	}
}

// read takes a first datagram for the batch, or further ones until it is full;
// without a batch it takes one and drops it. The error is a deadline or the end.
func (in *udpInput) read(b *batch) error {
	dst := in.scratch
	for {
		if b != nil {
			dst = b.buf[len(b.buf) : len(b.buf)+udpDatagram]
		}
		n, from, err := in.conn.ReadFromUDPAddrPort(dst)
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil && n == 0 { // Windows tells of ICMP answers here
			in.log.Debug("udp", "err", err)
			return nil
		}
		line := bytes.TrimRight(dst[:n], "\r\n\x00")
		if len(line) == 0 {
			continue
		}
		if b == nil {
			in.dropped.noRoom++
			in.count.unwritten.Store(in.dropped.sum())
			return nil
		}
		b.buf = b.buf[:len(b.buf)+n]
		b.size += n
		b.recs = append(b.recs, frame.Record{Line: text(line), Received: in.now().UnixMicro(), Peer: in.peer(from.Addr()), Input: in.kind})
		if len(b.recs) == 1 || b.full() || cap(b.buf)-len(b.buf) < udpDatagram {
			return nil
		}
	}
}

// peer returns the address as text, made once for each sender.
func (in *udpInput) peer(a netip.Addr) string {
	s, ok := in.peers[a]
	if !ok {
		if len(in.peers) >= 4096 {
			clear(in.peers)
		}
		s = a.Unmap().String()
		in.peers[a] = s
	}
	return s
}
