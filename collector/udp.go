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
)

// droppedNoRoom is the line of a record that stands for a lost one.
const droppedNoRoom = "mimamori: dropped: no room in the collector's spool"

// udpInput takes syslog datagrams, one message each. When its batches are all
// in use it reads on, counts what it throws away, and writes a record for each
// once there is room.
type udpInput struct {
	*inputEnv
	conn    *net.UDPConn
	peers   map[netip.Addr]string
	scratch []byte
	dropped uint64 // whose records are not yet written
}

func (in *udpInput) open(ctx context.Context, _ state) (net.Addr, error) {
	_, hostport, err := in.cfg.endpoint()
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(ctx, "udp", hostport)
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", in.cfg.Source, err)
	}
	in.conn = conn.(*net.UDPConn)
	if err := in.conn.SetReadBuffer(udpBuffer); err != nil {
		in.log.Warn("the kernel's buffer for UDP stays small", "err", err)
	}
	in.peers, in.scratch = map[netip.Addr]string{}, make([]byte, udpDatagram)
	return conn.LocalAddr(), nil
}

func (in *udpInput) run(ctx context.Context) {
	defer func() { _ = in.conn.Close() }() // nothing is left in it that could be lost
	stop := context.AfterFunc(ctx, func() { _ = in.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var b *batch
	var end time.Time // of draining, once ctx has ended
	for {
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
	for in.dropped > 0 {
		b := in.room(nil)
		if b == nil {
			in.log.Error("lines were dropped, and there is no room to write that down", "lines", in.dropped)
			return
		}
		in.out.send(b)
	}
}

// room returns a batch to read into, nil when there is none.
func (in *udpInput) room(b *batch) *batch {
	for b == nil || in.dropped > 0 && b.full() {
		if b != nil {
			in.out.send(b)
		}
		if b = in.out.tryGet(); b == nil {
			return nil
		}
		in.confess(b)
	}
	return b
}

// confess writes records for dropped datagrams, as many as fit the batch.
func (in *udpInput) confess(b *batch) {
	r := frame.Record{Line: droppedNoRoom, Received: in.now().UnixMicro(), Input: "syslog-udp", Flags: frame.Dropped}
	for ; in.dropped > 0 && len(b.recs) < batchRecords; in.dropped-- {
		b.recs = append(b.recs, r)
	}
	in.count.unwritten.Store(in.dropped)
}

// deadline lets the first datagram of a batch wait for others, and looks for
// room now and then where there is none.
func (in *udpInput) deadline(b *batch) {
	switch {
	case b == nil || in.dropped > 0 || len(b.recs) == 1:
		_ = in.conn.SetReadDeadline(time.Now().Add(udpFlush))
	case len(b.recs) == 0:
		_ = in.conn.SetReadDeadline(time.Time{})
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
			in.dropped++
			in.count.unwritten.Store(in.dropped)
			return nil
		}
		b.buf = b.buf[:len(b.buf)+n]
		b.size += n
		b.recs = append(b.recs, frame.Record{Line: text(line), Received: in.now().UnixMicro(), Peer: in.peer(from.Addr()), Input: "syslog-udp"})
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
