// Package ingest carries sealed frames from the bus to the stores: verify →
// parse → enrich → detect → write.
//
// Frames are parsed in parallel and taken on in the order of the stream. The
// order of a batch is fixed: clocks are judged and times repaired (package
// clocks), what has changed in a device's log is noticed (package drift), rules run and their alerts are inserted, the
// frames are archived as they came, the segment is committed, the checkpoint (position, ledger, state of clocks, drift and rules) is
// written, and only then are the frames let go. After a crash the frames since
// the checkpoint run again; what is stored already is not stored twice, and
// the same alerts come out, since an alert's identity is what fired.
//
// Under pressure it stops reading: the stream on disk is the queue. A frame
// that can't be trusted is kept in quarantine with its reason and counted; it
// never stops the others. A store or database that fails is tried again for
// ever, with back-off, and its error is shown in Status.
package ingest

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"time"

	"mimamori/event"
	"mimamori/frame"
	"mimamori/ingest/enrich"
	"mimamori/ingest/format"
	"mimamori/internal/bus"
)

// Collector is a collector that the prefecture knows.
type Collector struct {
	ID           string
	Municipality string // 6-digit code
	Public       ed25519.PublicKey
	Until        uint64 // of one that was revoked: the last message of the stream that is taken from it; 0 is no end
}

// Stream is where frames come from. *bus.Stream is one.
type Stream interface {
	Read(ctx context.Context, from uint64, fn func(bus.Msg) error) error
	Purge(ctx context.Context, subject string, before uint64) error
	State(ctx context.Context) (bus.StreamState, error)
}

// Detector evaluates rules over events in arrival order. Advance tells that it
// is now, while nothing arrives.
type Detector interface {
	Evaluate(b *event.Batch, emit func(event.Alert))
	Advance(now time.Time, emit func(event.Alert))
}

// Memory is what a detector knows between two batches.
type Memory interface {
	Snapshot() ([]byte, error)
	Restore(state []byte) error
}

// Alerts keeps alerts; inserting one twice is harmless. Settle notes that what
// one is about is over; one that is not there is no error.
type Alerts interface {
	Insert(ctx context.Context, alerts []event.Alert) (int, error)
	Settle(ctx context.Context, id string, note event.Localized) error
}

// Stored is a range of records and what became of them: one frame, or the frame
// that stands for some.
type Stored struct {
	Collector, Source, Municipality string
	Epoch, First, Last              uint64
	frame.Counts
}

// Store keeps events. Write is all or nothing and returns when it is durable;
// Stored lists what it holds.
type Store interface {
	Write(ctx context.Context, batches []*event.Batch, ranges []Stored) error
	Stored() []Stored
}

// Arrival is a frame that was accepted: it is archived as it came.
type Arrival struct {
	Frame  *frame.Frame
	At     time.Time         // when the stream took it
	Public ed25519.PublicKey // its collector's key, as it was checked
}

// Archive keeps frames as they came. Append returns when all of them are
// durable, each once, however often it comes; on an error it is called again
// with the same.
type Archive interface {
	Append(ctx context.Context, frames []Arrival) error
}

// Config wires a pipeline.
type Config struct {
	Stream     Stream
	Formats    *format.Set
	Detector   Detector
	Memory     Memory // the detector's
	Alerts     Alerts
	Store      Store
	Archive    Archive // nil for none
	Collectors func(id string) (Collector, bool)
	Enricher   *enrich.Enricher
	Dir        string           // for the checkpoint and the quarantine
	Location   *time.Location   // of device times without a zone
	Now        func() time.Time // the clock
	Log        *slog.Logger
	Interval   time.Duration                         // longest wait before a commit; 0 is 1 s
	Workers    int                                   // parsers side by side; 0 is 2
	Forget     func(gone func(json []byte) bool) int // takes events out of the detector's memory, and says how many; nil: it has none
	Keep       uint64                                // frames kept in the stream behind the checkpoint
}

// idle is how long nothing has arrived before the rules are told the time: what
// is on its way then is counted in its order still.
const idle = 2 * time.Second

// maxUnchecked is the longest time without a checkpoint.
const maxUnchecked = 30 * time.Second

// maxPending bounds the events of one commit, and so the memory of the pipeline.
const maxPending = 12_000

// frameJob is a frame on its way through a worker.
type frameJob struct {
	msg  bus.Msg
	done chan struct{}

	frame  *frame.Frame
	public ed25519.PublicKey // that its signature was checked with
	batch  *event.Batch
	claims []format.Claim // what each event's line says of its time
	counts frame.Counts
	parts  []part // counts by day
	err    error  // why the frame is not trusted
	probe  bool   // no frame at all
}
