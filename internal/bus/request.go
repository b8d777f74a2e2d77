package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// What may wait for a handler; beyond it the client drops the oldest.
const (
	pendingMessages = 4096
	pendingBytes    = 32 << 20
)

// Request sends data and returns the first answer. Nobody listening is
// ErrNobody at once, no answer an error when ctx ends.
func (c *Conn) Request(ctx context.Context, subject string, data []byte) ([]byte, error) {
	m, err := c.nc.RequestWithContext(ctx, subject, data)
	if errors.Is(err, nats.ErrNoResponders) {
		err = ErrNobody
	}
	if err != nil {
		return nil, explain("request to "+subject, err)
	}
	return m.Data, nil
}

// Send hands data to whoever listens now. Nothing is kept and nothing comes back.
func (c *Conn) Send(subject string, data []byte) error {
	if err := c.nc.Publish(subject, data); err != nil {
		return explain("send to "+subject, err)
	}
	return nil
}

// Serve calls fn with each request to the subject, one after the other, and
// sends back what it returns; nil sends nothing. An answer goes to inboxes
// only: the asker chooses where to, and this connection may have more rights
// than the asker.
func (c *Conn) Serve(subject string, fn func(subject string, data []byte) []byte) error {
	return c.Listen(subject, func(subject string, data []byte, answer func([]byte)) {
		if b := fn(subject, data); b != nil {
			answer(b)
		}
	})
}

// Listen is Serve for requests that are answered when it is time.
func (c *Conn) Listen(subject string, fn func(subject string, data []byte, answer func([]byte))) error {
	return c.listen(subject, func(m *nats.Msg) {
		fn(m.Subject, m.Data, func(b []byte) {
			if strings.HasPrefix(m.Reply, inboxes) {
				_ = m.Respond(b) // the asker asks again
			}
		})
	})
}

// Subscribe calls fn with each message to the subject, one after the other,
// until the connection is closed. Messages sent while the line was away are lost.
func (c *Conn) Subscribe(subject string, fn func(data []byte)) error {
	return c.listen(subject, func(m *nats.Msg) { fn(m.Data) })
}

func (c *Conn) listen(subject string, fn nats.MsgHandler) error {
	sub, err := c.nc.Subscribe(subject, func(m *nats.Msg) {
		c.handling.RLock()
		defer c.handling.RUnlock()
		if !c.nc.IsClosed() {
			fn(m)
		}
	})
	if err == nil {
		err = sub.SetPendingLimits(pendingMessages, pendingBytes)
	}
	if err != nil {
		return fmt.Errorf("bus: listen to %s: %w", subject, err)
	}
	return nil
}

// Flush returns when the server has seen what was sent before.
func (c *Conn) Flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := c.nc.FlushWithContext(ctx); err != nil {
		return explain("flush", err)
	}
	return nil
}
