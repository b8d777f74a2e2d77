// Package drift notices that a device writes its log in another way than it
// used to, as after a firmware update: lines that no format reads any more,
// fields that were always filled and are empty now, keys that nobody knows.
//
// Each device is compared with its own past, kind of event by kind of event
// (event.code and event.action), so that another mix of events is no drift. A
// kind is looked at in windows of some 20 to 60 lines and two to five minutes,
// more when lines are few. What was learned of a field is its mean, and the least and greatest
// share of lines that had it in any window, which return to the mean within
// months: that bounds what is ordinary however lines cluster. A window is
// suspect when the share of lines with a field is, by Wilson's bound for 1 in
// 2,000, below half of the least ever seen, or for unknown keys and unreadable
// lines above twice the greatest; two such windows in a row are a drift. It
// takes eight days to know a kind of event, so that every weekday was seen.
//
// Under pressure: at most 1,024 devices and formats, 64 of a source, with 12
// kinds of event each and 96 fields each, some 4 KB a device and format and at
// most 17 KB; of many lines in a window some 60 are looked at. A device beyond is not watched, and its lines are counted; it
// takes the place of one that was unseen for a week. Nothing blocks. All depends
// on the lines in the stream's order alone, so that the same alerts come out
// after a crash.
package drift

import (
	"strings"

	"mimamori/event"
	"mimamori/ingest/device"
)

// The bounds of what is watched.
const (
	most        = 1024
	perSource   = 64
	maxClasses  = 13 // the first is for all lines
	maxFields   = 96
	maxSuspects = 12
)

// stateVersion changes with what Snapshot writes.
const stateVersion = 1

// Change is the begin or the end of a drift.
type Change struct {
	Alert event.Alert     // what began; its ID alone when it is over
	Over  bool            // it is over
	Note  event.Localized // how it ended
}

// Origin is how a line came.
type Origin struct {
	Municipality string // 6-digit code
	Zone         string
	Device       string // that the event is of
	Sender       string // that the line came from, whatever a format made of it
	At           int64  // when it was received, Unix seconds
}

// cell is what is known of a device's lines of one format, or of all its lines.
type cell struct {
	Classes []class
	Alert   string // id of the alert that is open, "" for none
	Since   int64  // when it was raised, Unix seconds
}

// Drift watches all devices. It is not safe for concurrent use.
type Drift struct {
	table   *device.Table[cell] // by device and format
	senders *device.Table[cell] // by what sends
	fields  fields
	formats string
}

// New makes one that knows nothing yet. formats stands for the formats that
// lines are read by: when it changes, so does what is made of the same lines,
// and what differs is learned anew without alarm.
func New(formats string) *Drift {
	return &Drift{table: device.NewTable[cell](most, perSource), senders: device.NewTable[cell](most, perSource), fields: newFields(), formats: formats}
}

// Unwatched is how often a line was not looked at since there are too many devices.
func (d *Drift) Unwatched() uint64 { return d.table.Refused + d.senders.Refused }

// Observe takes one event and tells what it has made certain.
func (d *Drift) Observe(e *event.Event, o *Origin, tell func(Change)) {
	k := device.Key{Collector: e.Collector, Source: e.Source, Device: o.Sender}
	if row := d.senders.Row(k, o.Municipality, o.At); row != nil {
		row.Value.observe(&observation{d: d, row: row, e: e, o: o, tell: tell}, 0, d.fields.unread)
	}
	k.Device, k.Dataset = o.Device, e.Str(d.fields.dataset)
	if k.Dataset == "" || k.Dataset == "unknown" {
		return
	}
	row := d.table.Row(k, o.Municipality, o.At)
	if row == nil {
		return
	}
	x := &observation{d: d, row: row, e: e, o: o, tell: tell}
	c := &row.Value
	if len(c.Classes) == 0 {
		c.Classes = append(c.Classes, class{Born: o.At})
	}
	i := c.class(e.Str(d.fields.code), e.Str(d.fields.action), o.At)
	// Kinds that were there before are no drift, however many come: they count as
	// if they had all that tells kinds apart.
	all, kind := &c.Classes[0], &c.Classes[i]
	x.full = i == 0 || o.At-kind.Born >= day && !(all.Open && kind.Born >= all.Begun)
	c.observe(x, 0, d.fields.kinds)
	if x.full = false; i > 0 {
		c.observe(x, i, nil)
	}
}

// class finds a kind of event among a cell's, or takes it in; 0 when there is
// no room.
func (c *cell) class(code, action string, at int64) int {
	if len(code) > 64 || len(action) > 64 {
		return 0
	}
	idle := 0
	for i := 1; i < len(c.Classes); i++ {
		k := &c.Classes[i]
		if k.Code == code && k.Action == action {
			return i
		}
		if !k.Open && (idle == 0 || k.Seen < c.Classes[idle].Seen) {
			idle = i
		}
	}
	fresh := class{Code: strings.Clone(code), Action: strings.Clone(action), Born: at}
	if len(c.Classes) < maxClasses {
		c.Classes = append(c.Classes, fresh)
		return len(c.Classes) - 1
	}
	if idle == 0 || at-c.Classes[idle].Seen < 2*day {
		return 0
	}
	c.Classes[idle] = fresh
	return idle
}
