package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// StreamConfig describes a durable stream.
type StreamConfig struct {
	Name     string
	Subjects []string
	MaxBytes int64         // 0 is no limit; a full stream refuses
	MaxAge   time.Duration // 0 keeps until purged

	// SmallBlocks keeps messages in files of 4 MiB, not 8: half the memory where
	// old ones are read while new ones come. Not together with MaxBytes.
	SmallBlocks bool

	// Direct lets messages be read past the queue of the API. Not for a
	// server whose users change: nats-server reads its options there unguarded.
	Direct bool
}

// Stream is a durable, ordered list of messages on disk.
type Stream struct {
	conn *Conn
	name string
	s    jetstream.Stream

	direct bool // messages are read past the queue of the API
}

// Msg is one message of a stream.
type Msg struct {
	Subject string
	Seq     uint64
	Data    []byte
	Header  map[string]string
	Time    time.Time // when the stream took it
}

// StreamState is what a stream holds.
type StreamState struct {
	Messages, Bytes uint64
	First, Last     uint64 // sequences
}

// Stream opens a stream, making it when it is new.
func (c *Conn) Stream(ctx context.Context, cfg StreamConfig) (*Stream, error) {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = -1
	}
	perSubject := int64(-1)
	if cfg.SmallBlocks {
		perSubject = 1 << 40 // nobody has so many; nats-server takes such a stream for a key-value store
	}
	s, err := c.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: cfg.Name, Subjects: cfg.Subjects, Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy,
		Discard: jetstream.DiscardNew, MaxBytes: cfg.MaxBytes, MaxAge: cfg.MaxAge, MaxMsgSize: MaxMessage,
		MaxMsgsPerSubject: perSubject, Duplicates: time.Second, AllowDirect: cfg.Direct,
	})
	if err != nil {
		return nil, explain("stream "+cfg.Name, err)
	}
	return &Stream{c, cfg.Name, s, cfg.Direct}, nil
}

// Overhead is what a message takes beside its data and its subject.
const Overhead = blockHead + 8

// Publish adds a message and returns its sequence once it is on disk.
func (st *Stream) Publish(ctx context.Context, subject string, data []byte, header map[string]string) (uint64, error) {
	m := &nats.Msg{Subject: subject, Data: data}
	if len(header) > 0 {
		m.Header = nats.Header{}
		for k, v := range header {
			m.Header.Set(k, v)
		}
	}
	return st.conn.publish(ctx, m)
}

// Last returns the newest message of a subject; ErrNoMessage where there is none.
// Of a stream for direct reads it and Next tell by ErrDamaged that the message is
// there and can't be read.
func (st *Stream) Last(ctx context.Context, subject string) (*Msg, error) {
	if st.direct {
		return st.get(ctx, directGet{Last: subject})
	}
	m, err := st.s.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, fmt.Errorf("bus: %s: %w", subject, ErrNoMessage)
	}
	if err != nil {
		return nil, explain("last message of "+subject, err)
	}
	return &Msg{m.Subject, m.Sequence, m.Data, flatten(m.Header), m.Time}, nil
}

// Next returns the first message of a subject, which may hold wildcards, from a
// sequence on; ErrNoMessage where there is none.
func (st *Stream) Next(ctx context.Context, subject string, from uint64) (*Msg, error) {
	if st.direct {
		return st.get(ctx, directGet{From: max(from, 1), Next: subject})
	}
	m, err := st.s.GetMsg(ctx, max(from, 1), jetstream.WithGetMsgSubject(subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, fmt.Errorf("bus: %s from %d: %w", subject, from, ErrNoMessage)
	}
	if err != nil {
		return nil, explain("next message of "+subject, err)
	}
	return &Msg{m.Subject, m.Sequence, m.Data, flatten(m.Header), m.Time}, nil
}

// Delete removes one message; one that is gone already is no error.
func (st *Stream) Delete(ctx context.Context, seq uint64) error {
	if err := st.s.DeleteMsg(ctx, seq); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) && !errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
		return explain("delete from "+st.name, err)
	}
	return nil
}

func flatten(h nats.Header) map[string]string {
	out := make(map[string]string, len(h))
	for k := range h {
		out[k] = h.Get(k)
	}
	return out
}

// Purge removes the subject's messages with a sequence below before; an empty
// subject means all.
func (st *Stream) Purge(ctx context.Context, subject string, before uint64) error {
	opts := []jetstream.StreamPurgeOpt{jetstream.WithPurgeSequence(before)}
	if subject != "" {
		opts = append(opts, jetstream.WithPurgeSubject(subject))
	}
	if err := st.s.Purge(ctx, opts...); err != nil {
		return explain("purge "+st.name, err)
	}
	return nil
}

// State tells what the stream holds.
func (st *Stream) State(ctx context.Context) (StreamState, error) {
	info, err := st.s.Info(ctx)
	if err != nil {
		return StreamState{}, explain("state of "+st.name, err)
	}
	return StreamState{info.State.Msgs, info.State.Bytes, info.State.FirstSeq, info.State.LastSeq}, nil
}

// Read calls fn with each message from the sequence on, in order and without
// end, until ctx ends (nil) or fn returns an error, which it passes on. It
// survives lost lines. A message's data is fn's to keep.
func (st *Stream) Read(ctx context.Context, from uint64, fn func(Msg) error) error {
	cons, err := st.conn.js.OrderedConsumer(ctx, st.name, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(from, 1),
	})
	if err != nil {
		return st.ended(ctx, err)
	}
	defer func() { // else the server keeps it for minutes
		if info := cons.CachedInfo(); info != nil {
			bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = st.s.DeleteConsumer(bye, info.Name) // it ends by itself later
		}
	}()
	it, err := cons.Messages(jetstream.PullMaxMessagesWithBytesLimit(500, 16<<20))
	if err != nil {
		return st.ended(ctx, err)
	}
	stop := context.AfterFunc(ctx, it.Stop)
	defer stop()
	defer it.Stop()
	for {
		m, err := it.Next()
		if err != nil {
			return st.ended(ctx, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return st.ended(ctx, err)
		}
		if err := fn(Msg{m.Subject(), meta.Sequence.Stream, m.Data(), flatten(m.Headers()), meta.Timestamp}); err != nil {
			return err
		}
	}
}

func (st *Stream) ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the caller asked for the end
	}
	return explain("read "+st.name, err)
}
