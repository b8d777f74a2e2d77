package console

import (
	"context"
	"time"

	"mimamori/event"
	"mimamori/internal/care"
)

// Health answers how the logs arrive.
type Health interface {
	// Status returns what concerns the tenants (nil is all). What concerns
	// the whole prefecture (SetAside, Warnings without a municipality) is
	// only for those who may see all.
	Status(ctx context.Context, tenants []string) (Status, error)
}

// Status is how the logs arrive, at one moment.
type Status struct {
	At             time.Time
	Municipalities []MunicipalityStatus // those expected or seen, by code
	Sources        []SourceStatus
	Totals         Totals
	Rejected       []Rejection
	SetAside       []SetAside
	Warnings       []Warning
	Collectors     []CollectorStatus
	Coverage       []Coverage
	Clocks         []Clock
	Sinks          []Sink // engines that follow the store
}

// CollectorStatus is a collector's newest account of itself.
type CollectorStatus struct {
	care.Heartbeat
	Heard time.Time // when it came; zero when none ever came
}

// Coverage is how one source stands that should send.
type Coverage struct {
	Municipality, Zone, Kind string

	Collector string // "" when no collector has such a source
	Source    string
	Phase     string          // arriving, resting, silent, waiting or garbled
	Cause     event.Localized // likely cause of a silence, "" when there is none
	Since     time.Time       // newest line; zero when none ever came
	Learned   bool            // how it usually sends is known
}

// MunicipalityStatus is how one municipality's logs arrive.
type MunicipalityStatus struct {
	Code      string
	PerMinute float64   // events a minute, over the last minutes
	LastSeen  time.Time // last event received; zero when never
}

// SourceStatus is the ledger of one source of one collector. Counts are in
// records since the source began.
type SourceStatus struct {
	Municipality, Zone, Collector, Source string

	LastSeen    time.Time
	Received    uint64
	Stored      uint64
	Quarantined uint64  // stored, but no format could read them
	Lost        uint64  // missing for good, or dropped at the collector
	Missing     []Range // numbers that have not arrived
}

// Range is a range of sequence numbers of an epoch, both ends included.
type Range struct{ Epoch, From, To uint64 }

// Totals sums up what concerns the tenants.
type Totals struct {
	Received, Stored, Quarantined, Lost uint64

	PerSecond float64       // events a second now
	Delay     time.Duration // from a record's receipt at the collector to its detection, 99th percentile; 0 when unknown
}

// Rejection says that data of a source was not accepted, and why.
type Rejection struct {
	Municipality, Collector, Source string

	Reason string
	Count  uint64
	Last   time.Time
}

// SetAside is a stored segment that could not be read and was kept apart.
type SetAside struct {
	Name, Reason string
	At           time.Time
}

// Warning is a mistake in the configuration that did not stop the program.
type Warning struct {
	Where string // file:line:column
	Text  string
	At    time.Time
}

// Sink is how far an engine that follows the store has come.
type Sink struct {
	Name    string
	Behind  int64     // events that it has not had, about
	Oldest  time.Time // when the oldest of these arrived; zero without
	Lost    int64     // events that went by age before it had them
	Refused int64     // events that it does not take, since the program began
	Err     string    // why it gets no more just now
	Answers bool      // it answers searches, not the store
}
