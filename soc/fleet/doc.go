// Package fleet is the register of collectors at the prefecture: who was
// invited, who enrolled, who was cut off, which configuration each is to run,
// and its latest heartbeat, in a SQLite file of its own. Every change writes
// who did it and when into a journal that nothing rewrites.
//
// A change is on disk (fsync) when the call returns. Several processes may use
// the file: commands write while the program runs, and Revision tells the
// program that something has changed. Under pressure one writer works at a
// time, others wait up to ten seconds or until their context ends; readers
// never wait. Heartbeats replace each other, so they take no more room with time.
package fleet

import (
	"errors"
	"time"
)

// Reasons; test with errors.Is.
var (
	ErrTaken    = errors.New("there is a collector of this name already; revoke it first, or choose another name")
	ErrToken    = errors.New("this invitation was used, has expired or never was")
	ErrUnknown  = errors.New("no collector of this name is enrolled")
	ErrMissing  = errors.New("who does it, and why, must be said")
	ErrNoConfig = errors.New("there is no such configuration")
)

// Collector is one enrolment. A name may have had several, of which one at most
// is not revoked.
type Collector struct {
	ID, Municipality, Zone string
	Public                 string // NKey
	Invitation             string
	Enrolled               time.Time
	EnrolledBy             string // who invited it
	Revoked                time.Time
	RevokedBy, Why         string
	LastFrame              uint64 // of the stream of frames when it was cut off; 0 while that is not known
}

// Invitation is what a token is for.
type Invitation struct {
	ID, Public                    string // Public is the NKey of the connection for enrolment
	Collector, Municipality, Zone string
	Created, Expires, Used        time.Time
	CreatedBy, UsedBy             string
}

// State is what has become of a configuration.
type State string

// The states of a configuration.
const (
	Pending  State = "pending"  // not yet confirmed by the collector
	Running  State = "running"  // confirmed
	Failed   State = "failed"   // tried and given up, Reason says why
	Replaced State = "replaced" // a newer one runs, or came before this one was tried
)

// Config is one version of a collector's configuration.
type Config struct {
	Collector string    `json:"collector"`
	Version   uint64    `json:"version"`
	Text      string    `json:"text"` // YAML
	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by"`
	Note      string    `json:"note"`
	State     State     `json:"state"`
	Reason    string    `json:"reason,omitempty"`
	Changed   time.Time `json:"changed"` // of State
}

// Beat is a collector's latest heartbeat.
type Beat struct {
	Collector string
	At        time.Time // when it came
	JSON      []byte    // care.Heartbeat
}

// Entry is one line of the journal.
type Entry struct {
	ID        int64     `json:"id"`
	At        time.Time `json:"at"`
	By        string    `json:"by"`
	What      string    `json:"what"`
	Collector string    `json:"collector"`
	Detail    string    `json:"detail"`
}
