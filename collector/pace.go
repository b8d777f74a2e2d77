package collector

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// messageTime is how long a sender may take over one message. What waits for
// room in our spool is not counted.
const messageTime = time.Minute

// errSlow means that a message did not end in its time.
var errSlow = errors.New("a message did not end in time")

// pace reads a connection and bounds the silence between messages and the time
// that one message takes, so that nobody can hold memory with a message that
// never ends.
type pace struct {
	conn    net.Conn
	idle    time.Duration // silence between messages
	message time.Duration // time for one message
	drain   time.Duration // how long to read on when ctx has ended
	begun   bool          // draining reads only what has begun
	spent   time.Duration // waiting for the rest of the message that is coming in
	end     time.Time     // of draining
}

// pace makes the reader of a connection.
func (l *listener) pace(conn net.Conn, drain time.Duration) *pace {
	p := &pace{conn: conn, idle: l.cfg.Idle, message: messageTime, drain: drain}
	if l.patience > 0 {
		p.message = l.patience
	}
	return p
}

// read reads what is there; between says that no message has begun. The error
// is errSlow when the message took too long, io.EOF at the end of the stream
// and also when silence or ctx has ended it.
func (p *pace) read(ctx context.Context, buf []byte, between bool) (int, error) {
	for {
		began, limit := time.Now(), p.idle
		if !between {
			limit = p.message - p.spent
		}
		_ = p.conn.SetReadDeadline(began.Add(limit))
		if ctx.Err() != nil { // after the deadline is set: another may end ctx meanwhile
			if p.end.IsZero() {
				p.end = began.Add(p.drain)
			}
			if !began.Before(p.end) || between && p.begun {
				return 0, io.EOF
			}
			_ = p.conn.SetReadDeadline(p.end)
		}
		n, err := p.conn.Read(buf)
		late := errors.Is(err, os.ErrDeadlineExceeded)
		if late && n == 0 && ctx.Err() != nil && p.end.IsZero() {
			continue // interrupted, to drain
		}
		if between {
			p.spent = 0
		} else {
			p.spent += time.Since(began)
		}
		switch {
		case late && !between && ctx.Err() == nil:
			err = errSlow
		case late:
			err = io.EOF
		}
		return n, err
	}
}

// gatherTime is how long is waited for more of what a sender has under way.
const gatherTime = 2 * time.Millisecond

// gather reads on for a moment where TLS gives a record at a time: rsyslog puts
// each message into one of its own, and to take them one by one means to wait for
// the disk with a few of them. It counts as waiting for the message, where one has
// begun. Whatever ends it the next read will tell.
func (p *pace) gather(buf []byte) (n int) {
	if _, ok := p.conn.(*tls.Conn); !ok {
		return 0
	}
	began := time.Now()
	_ = p.conn.SetReadDeadline(began.Add(gatherTime))
	for n < len(buf) {
		m, err := p.conn.Read(buf[n:])
		if n += m; err != nil {
			break
		}
	}
	p.spent += time.Since(began)
	return n
}

// whole tells that a message has ended: the next one has all its time.
func (p *pace) whole() { p.spent = 0 }

// interrupt wakes a read when ctx ends; the caller must call stop.
func (p *pace) interrupt(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = p.conn.SetReadDeadline(time.Unix(1, 0)) })
}

// linger closes our direction and waits a moment for the other end to close
// its own: closing with bytes unread could take from it what we sent last.
func linger(conn net.Conn, limit time.Duration) {
	if half, ok := conn.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(limit))
	_, _ = io.Copy(io.Discard, io.LimitReader(conn, 16<<20)) // what comes is not acknowledged
}
