package collector

import (
	"context"
	"net"
	"time"

	"mimamori/frame"
)

const tcpDrain = 200 * time.Millisecond // for what the kernel holds when we stop

// tcpInput takes syslog over TCP or TLS. A connection that finds no free batch
// waits, and so does its sender.
type tcpInput struct{ listener }

func (in *tcpInput) run(ctx context.Context) { in.accept(ctx, in.serve) }

// serve reads one connection to its end.
func (in *tcpInput) serve(ctx context.Context, conn net.Conn, peer string) {
	p := in.pace(conn, tcpDrain)
	stop := p.interrupt(ctx)
	defer stop()
	s := &splitter{limit: frame.MaxLine, grow: in.grow}
	defer s.close()
	for {
		n, err := p.read(ctx, s.space(), s.idle())
		s.w += n
		if in.take(s, peer, err != nil) {
			p.whole()
		}
		if err != nil {
			in.account(conn, err)
			return
		}
	}
}

// take hands over the messages that are complete, and at the end the rest. It
// tells whether there were any.
func (in *tcpInput) take(s *splitter, peer string, end bool) (some bool) {
	r := frame.Record{Received: in.now().UnixMicro(), Peer: peer, Input: in.kind}
	var b *batch
	for {
		m, ok := s.next()
		if !ok && end {
			m, ok = s.rest()
		}
		if !ok {
			break
		}
		some = true
		if len(m.line) == 0 {
			continue
		}
		if b == nil {
			b = in.out.get(context.Background()) // the sealer goes on until the inputs are done
		}
		r.Flags, r.Total = 0, 0
		if m.cut {
			r.Flags, r.Total = frame.Truncated, m.total
		}
		if b.add(m.line, r); b.full() {
			in.out.send(b)
			b = nil
		}
	}
	if b != nil {
		in.out.send(b)
	}
	if s.bad > 0 {
		in.count.badFraming.Add(uint64(s.bad))
		s.bad = 0
	}
	return some
}
