// Package silence tells when a source that should send has fallen silent, and
// what is the likely cause: the device, its collector, the link, or a format
// that reads nothing any more.
//
// Each source's own cadence is learned, once a minute, by hour and kind of day
// (working days, days off by Japanese law), by day of the week, and by its
// longest gaps. A source that sleeps at night is let sleep; one that never
// pauses is missed within minutes; one that does not wake in the morning is
// missed in the morning.
//
// Under pressure: the memory is some 3 KB a source and bounded by maxSources;
// sources beyond are counted and not watched. Nothing blocks. While the
// prefecture itself was not looking (restart, maintenance), nothing is learned
// and for ten minutes nobody is told anything.
package silence

import "time"

// Key names a source of a collector.
type Key struct{ Collector, Source string }

// Expected is a source that should send.
type Expected struct {
	Key
	Municipality string // 6-digit code
	Zone         string
	Kind         string        // what people call it: firewall, proxy, pc
	Quiet        time.Duration // longest silence that is normal, when somebody has said so; 0: it is learned
}

// Seen is what is known of a source at one moment.
type Seen struct {
	Last        time.Time // receive time of the newest line that has arrived here
	Held        time.Time // receive time of the newest line that its collector has, by its heartbeat
	Stored      uint64    // lines stored here since ever
	Quarantined uint64    // of these, those that no format could read
}

// Collector is what is known of a collector at one moment.
type Collector struct {
	ID           string
	Municipality string
	Heard        time.Time // when its newest heartbeat came, by the clock here; zero when none ever came
	Waiting      uint64    // frames in its spool
}

// Observation is everything that is known at one moment.
type Observation struct {
	At         time.Time
	Expected   []Expected
	Seen       map[Key]Seen
	Collectors []Collector
}

// Cause is the likely reason of a silence.
type Cause string

// The causes, from the nearest to the farthest.
const (
	None       Cause = ""
	Format     Cause = "format"     // lines arrive, none can be read
	Device     Cause = "device"     // the collector is well, and gets nothing
	Never      Cause = "never"      // nothing has ever come
	Machine    Cause = "collector"  // the collector or its machine says nothing
	Delivery   Cause = "delivery"   // the collector has lines, and they do not get here
	Link       Cause = "link"       // no collector of the town says anything
	Prefecture Cause = "prefecture" // nearly no town says anything: it is us
)

// Phase is how a source stands.
type Phase string

// The phases.
const (
	Arriving Phase = "arriving" // lines come
	Resting  Phase = "resting"  // none come, and that is usual at this time
	Silent   Phase = "silent"   // none come, and they should
	Waiting  Phase = "waiting"  // none has ever come, and it is too early to say more
	Garbled  Phase = "garbled"  // lines come that no format can read
)

// State is how one expected source stands.
type State struct {
	Expected
	Phase   Phase
	Cause   Cause
	Since   time.Time // its newest line; zero when none has ever come
	Learned bool      // its cadence is known
}
