package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrOffline means that there is no line at this moment; nothing was sent.
var ErrOffline = errors.New("there is no line to the server")

// Flight is a message on its way to a stream. One of the two channels tells
// what became of it, unless the acknowledgement is lost: whoever waits also
// needs a limit, and sends again after it.
type Flight struct {
	Stored <-chan *jetstream.PubAck
	Failed <-chan error
}

// Start sends data like Publish, but returns before it is acknowledged.
// Messages are sent in the order of the calls.
func (c *Conn) Start(_ context.Context, subject string, data []byte) (Flight, error) {
	if !c.nc.IsConnected() {
		return Flight{}, fmt.Errorf("bus: publish to %s: %w", subject, ErrOffline)
	}
	m := &nats.Msg{Subject: subject, Data: data}
	f, err := c.js.PublishMsgAsync(m, jetstream.WithRetryAttempts(0))
	m.Data = nil // sent; the library's timer, also a stopped one, would keep it in memory
	if err != nil {
		return Flight{}, explain("publish to "+subject, err)
	}
	return Flight{f.Ok(), f.Err()}, nil
}

// Landed is a flight that is over already.
func Landed(err error) Flight {
	stored, failed := make(chan *jetstream.PubAck, 1), make(chan error, 1)
	if err != nil {
		failed <- err
	} else {
		stored <- nil
	}
	return Flight{stored, failed}
}
