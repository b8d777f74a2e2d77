package collector

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"mimamori/frame"
)

// relpRoom is how long a sender waits for room in the spool before it is asked
// to come again: rsyslog gives up by itself after 90 s, and we would not know.
const relpRoom = 60 * time.Second

// relpInput takes RELP, the acknowledged protocol of rsyslog. A message is
// answered when it is on disk. A connection that ends before leaves its sender
// in doubt: what was on disk without an answer comes again, which RELP cannot
// tell apart, since its transactions are numbered by connection.
type relpInput struct{ listener }

func (in *relpInput) run(ctx context.Context) { in.accept(ctx, in.serve) }

// relpConn is one connection.
type relpConn struct {
	*answerer
	in     *relpInput
	frames *relpFramer
	peer   string
	next   uint32 // transaction that comes next
	opened bool
}

// errDone ends a connection in order.
var errDone = errors.New("the session is closed")

func (in *relpInput) serve(ctx context.Context, conn net.Conn, peer string) {
	p := in.pace(conn, 0)
	stop := p.interrupt(ctx)
	defer stop()
	c := &relpConn{
		answerer: &answerer{conn: conn, out: in.out, count: in.count, put: putRELP},
		in:       in, frames: newRELPFramer(in.grow), peer: peer, next: 1,
	}
	defer c.frames.close()
	c.start()
	err := c.read(ctx, p)
	in.account(conn, err)
	c.finish()
	if errors.Is(err, errRELP) || errors.Is(err, errSlow) || errors.Is(err, errBusy) || ctx.Err() != nil {
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = conn.Write([]byte("0 serverclose 0\n")) // a hint
		linger(conn, lingerTime)
	}
}

// read takes frames until the connection ends, and says why it did.
func (c *relpConn) read(ctx context.Context, p *pace) error {
	for {
		f := c.frames
		buf := f.space()
		n, err := p.read(ctx, buf, f.idle())
		f.w += n
		if err == nil {
			f.w += p.gather(buf[n:])
			err = c.take(ctx, p)
		}
		if err == nil && ctx.Err() != nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// take hands over the messages that are complete and answers other commands.
func (c *relpConn) take(ctx context.Context, p *pace) error {
	r := frame.Record{Received: c.in.now().UnixMicro(), Peer: c.peer, Input: c.in.kind}
	var b *batch
	var x answer
	flush := func() {
		if b != nil {
			c.send(b, x)
			b = nil
		}
	}
	defer flush() // what came before an error is as good as any
	for {
		f, ok, err := c.frames.next()
		if !ok {
			return err
		}
		p.whole()
		if f.txnr == 0 { // a hint
			continue
		}
		if f.txnr != c.next {
			return fmt.Errorf("%w: transaction %d follows %d", errRELP, f.txnr, c.next-1)
		}
		if c.next++; c.next > relpLast {
			c.next = 1
		}
		if !c.opened || f.command != "syslog" {
			flush()
			if err := c.command(f); err != nil {
				return err
			}
			continue
		}
		if b == nil {
			if b = c.room(ctx); b == nil {
				return errBusy
			}
			x = answer{first: f.txnr}
		}
		x.n++
		if len(f.data.line) > 0 {
			r.Flags, r.Total = 0, 0
			if f.data.cut {
				r.Flags, r.Total = frame.Truncated, f.data.total
			}
			b.add(f.data.line, r)
		}
		if b.full() || x.n >= batchRecords {
			flush()
		}
	}
}

// room waits for an empty batch, but not for ever.
func (c *relpConn) room(ctx context.Context) *batch {
	ctx, cancel := context.WithTimeout(ctx, relpRoom)
	defer cancel()
	return c.batch(ctx)
}

// command answers what is no message.
func (c *relpConn) command(f relpFrame) error {
	x := answer{first: f.txnr, text: "200 OK"}
	switch {
	case !c.opened && f.command == "open":
		v, ok := relpVersion(f.data.line)
		if !ok {
			c.say(answer{first: f.txnr, text: "500 relp_version is missing"})
			return fmt.Errorf("%w: no version is offered", errRELP)
		}
		c.opened = true
		x.text += "\nrelp_version=" + v + "\nrelp_software=mimamori\ncommands=syslog"
	case !c.opened:
		return fmt.Errorf("%w: it does not begin with open", errRELP)
	case f.command == "close":
		c.say(x)
		return errDone
	default:
		x.text = "500 this command is not known here"
	}
	c.say(x)
	return nil
}

// putRELP writes a response for each message.
func putRELP(w *bufio.Writer, x answer) {
	if x.text != "" {
		fmt.Fprintf(w, "%d rsp %d %s\n", x.first, len(x.text), x.text)
		return
	}
	var buf [32]byte
	for txnr := x.first; x.n > 0; x.n-- {
		_, _ = w.Write(append(strconv.AppendUint(buf[:0], uint64(txnr), 10), " rsp 6 200 OK\n"...)) // Flush tells
		if txnr++; txnr > relpLast {
			txnr = 1
		}
	}
}
