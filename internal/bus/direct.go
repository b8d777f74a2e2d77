package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// directGet is a question for messages of a stream, as JetStream defines it.
type directGet struct {
	From  uint64 `json:"seq,omitempty"`
	Next  string `json:"next_by_subj,omitempty"`
	Last  string `json:"last_by_subj,omitempty"`
	Batch int    `json:"batch,omitempty"`
	Bytes int    `json:"max_bytes,omitempty"`
}

func (q directGet) String() string {
	if q.Last != "" {
		return "last message of " + q.Last
	}
	return "message of " + q.Next + " from " + strconv.FormatUint(q.From, 10)
}

// get asks for one message.
func (st *Stream) get(ctx context.Context, q directGet) (*Msg, error) {
	ask, err := json.Marshal(q)
	if err != nil {
		return nil, explain(q.String(), err)
	}
	ctx, cancel := context.WithTimeout(ctx, directTimeout)
	defer cancel()
	m, err := st.conn.nc.RequestWithContext(ctx, st.directSubject(), ask)
	if err == nil {
		var out *Msg
		if out, err = direct(m); err == nil {
			return out, nil
		}
	}
	return nil, explain(q.String(), err)
}

const directTimeout = 10 * time.Second

func (st *Stream) directSubject() string { return jetstream.DefaultAPIPrefix + "DIRECT.GET." + st.name }

// errEnd is the answer behind the last message.
var errEnd = errors.New("no more messages")

// direct reads an answer. The server puts its headers behind those of the message:
// where these are damaged, all of them are lost.
func direct(m *nats.Msg) (*Msg, error) {
	switch status := m.Header.Get("Status"); status {
	case "":
	case "204":
		return nil, errEnd
	case "404":
		return nil, ErrNoMessage
	default:
		return nil, fmt.Errorf("the server answers %s %s", status, m.Header.Get("Description"))
	}
	seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return nil, ErrDamaged
	}
	at, err := time.Parse(time.RFC3339Nano, m.Header.Get(jetstream.TimeStampHeaer))
	if err != nil {
		return nil, ErrDamaged
	}
	return &Msg{m.Header.Get(jetstream.SubjectHeader), seq, m.Data, flatten(m.Header), at}, nil
}

// someMessages bounds what NextSome returns.
const someMessages = 256

// NextSome returns the messages from a sequence on, so many bytes of them, but
// one at least; ErrNoMessage where there is none, and that or ErrDamaged where the
// first is damaged. The stream must be one for direct reads.
func (st *Stream) NextSome(ctx context.Context, from uint64, size int) ([]Msg, error) {
	q := directGet{From: max(from, 1), Batch: someMessages, Bytes: size}
	out, err := st.some(ctx, q)
	if err != nil {
		return nil, explain(fmt.Sprintf("messages of %s from %d", st.name, from), err)
	}
	return out, nil
}

func (st *Stream) some(ctx context.Context, q directGet) (out []Msg, err error) {
	ctx, cancel := context.WithTimeout(ctx, directTimeout)
	defer cancel()
	ask, err := json.Marshal(q)
	if err != nil {
		return nil, err //nolint:wrapcheck // NextSome explains all
	}
	nc := st.conn.nc
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err //nolint:wrapcheck // so
	}
	defer func() { _ = sub.Unsubscribe() }() // a line that is gone has none
	if err := nc.PublishRequest(st.directSubject(), inbox, ask); err != nil {
		return nil, err //nolint:wrapcheck // so
	}
	for {
		raw, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil, err //nolint:wrapcheck // so
		}
		m, err := direct(raw)
		switch {
		case errors.Is(err, errEnd), errors.Is(err, ErrDamaged) && len(out) > 0: // it is the first next time
			return out, nil
		case err != nil:
			return nil, err
		}
		out = append(out, *m)
	}
}
