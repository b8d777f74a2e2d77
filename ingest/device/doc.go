// Package device knows the devices behind a source: it names them, and holds
// what others learn about each of them.
//
// Under pressure a table refuses: it has room for so many devices of a source
// and so many in all. A device that was unseen for a week makes room for a new
// one, the one unseen longest first; while there is none, new ones get nothing
// and their lines are counted. Whatever a table answers depends on what it was
// asked before, in order, and never on the clock of the machine.
package device

import (
	"mimamori/event"
)

// Key names what one device sends of one kind.
type Key struct {
	Collector, Source string
	Device            string // its name or address, "" when nothing tells
	Dataset           string // event.dataset, "" for all that it sends
	Bare              bool   // its times name no zone
}

// Namer names devices by an event's fields.
type Namer struct{ named, sender []event.Field }

// NewNamer makes one.
func NewNamer() *Namer {
	f := event.MustLookup
	way := []event.Field{f("log.syslog.hostname"), f("log.source.address")}
	return &Namer{append([]event.Field{f("observer.hostname"), f("observer.name"), f("host.name")}, way...), way}
}

// Name is what the event says of the device it is of: behind a relay each
// device has its own.
func (n *Namer) Name(e *event.Event) string { return first(e, n.named) }

// Sender is what the way of the event tells, whatever a format made of it: the
// host of its syslog header, or the address it came from.
func (n *Namer) Sender(e *event.Event) string { return first(e, n.sender) }

func first(e *event.Event, fields []event.Field) string {
	for _, f := range fields {
		if v, ok := e.Get(f); ok {
			if s := v.Str(); s != "" && len(s) <= 255 {
				return s
			}
		}
	}
	return ""
}
