// Package clocks judges the clocks of devices by what they send, and repairs
// the times of lines where a device's own history proves them wrong.
//
// A line claims a time and is received at another. What matters is the least
// of the difference: lines come late for many reasons (an outage of a link, a
// file that is read late, a batch), but none comes before it was written, and
// none but a live line comes at once. So lines are looked at in slots of five
// minutes of receipt; a slot tells of the clock only when half of its lines
// lie within two minutes of each other, which batches, backlogs and old files
// never do. Lines of frames that did not come to the stream at once prove
// nothing: the collector's own clock could not be checked then.
//
// Repaired is what can be proved: a time that names no zone and is wrong by
// half hours, when slot after slot agrees (see the thresholds in verdict.go).
// A time that says its zone is never moved. A skew of minutes is told and left.
//
// Under pressure: some 150 bytes a device and kind of line, at most 8,192 of
// them and 512 of a source; the times of others stay as claimed, and are
// counted. Nothing blocks. All depends on the lines in the stream's order and
// on nothing else, so that they come out the same after a crash.
package clocks

import (
	"mimamori/ingest/device"
	"mimamori/internal/pack"
)

// The bounds of what is watched.
const (
	most      = 8192
	perSource = 512
)

// Line is the time of one line, in nanoseconds since 1970.
type Line struct {
	Claimed  int64 // what the device said
	Received int64 // when its collector took it
	Ingested int64 // when the stream took its frame
}

// Verdict is what became of a line's time.
type Verdict struct {
	Repaired bool   // At is another time than the line claims
	At       int64  // the time to go by, nanoseconds
	Why      string // of a repair, in words
	Skew     int64  // how far the clock is off beside what was repaired, in milliseconds, where that matters; else 0
	Note     string // what has just become known of the device, "" for nothing
}

// Clocks knows the clocks of all devices. It is not safe for concurrent use.
type Clocks struct{ table *device.Table[track] }

// New makes one that knows nothing yet.
func New() *Clocks { return &Clocks{device.NewTable[track](most, perSource)} }

// Judge takes one line of a device and answers what its time is worth.
func (c *Clocks) Judge(k device.Key, municipality string, l Line) Verdict {
	row := c.table.Row(k, municipality, min(l.Received, l.Ingested)/1e9)
	if row == nil {
		return Verdict{At: l.Claimed}
	}
	t := &row.Value
	note := t.learn(&l, k.Bare)
	v := t.judge(&l)
	v.Note = note
	return v
}

// Unwatched is how many lines were not judged since there are too many devices.
func (c *Clocks) Unwatched() uint64 { return c.table.Refused }

// Snapshot writes all that is known.
func (c *Clocks) Snapshot() []byte {
	w := &pack.Writer{}
	w.Uint(stateVersion)
	c.table.Append(w, func(w *pack.Writer, t *track) { t.each(w.Int) })
	return w.B
}

// Restore reads what Snapshot wrote; false, and nothing is known, when it can't.
func (c *Clocks) Restore(b []byte) bool {
	r := &pack.Reader{B: b}
	if r.Uint() != stateVersion {
		return false
	}
	return c.table.Restore(r, func(r *pack.Reader, t *track) {
		t.set(r.Int)
		r.Bad = r.Bad || !isZoneError(t.Repair) || !isZoneError(t.Run.Zone)
	})
}
