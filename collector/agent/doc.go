// Package agent keeps a collector running under the prefecture's care: it
// enrols it by a one-time token, sends heartbeats, takes orders (signed
// configurations), tries each beside nothing else, and goes back to the last
// confirmed one by itself when the trial fails.
//
// An order is tried when it is signed by the order key, names this collector,
// is newer than every order ever taken, and its text passes the checks. Then
// the running collector is stopped in order (its lines are in the spool) and
// the new one started. It is confirmed when its inputs have been open for a
// while and the prefecture has answered a heartbeat since. It is given up when
// an input does not open, the line stays away, or the process dies meanwhile:
// what is tried is written down before, so that the next start knows.
//
// Under pressure: without a line the collector runs on, on its confirmed
// order, and heartbeats are not kept for later. Of orders that come faster
// than they are tried the newest counts.
package agent

import (
	"errors"
	"log/slog"
	"time"
)

// Reasons why an order is not taken; test with errors.Is.
var (
	ErrForeign = errors.New("the order is for another collector")
	ErrOld     = errors.New("the order is not newer than those already taken")
)

// Options are what the process around an agent provides; zero fields have
// defaults.
type Options struct {
	Config string           // the local configuration file
	Log    *slog.Logger     // default: none
	Now    func() time.Time // default: time.Now

	Beat   time.Duration // between heartbeats; default 30 s
	Steady time.Duration // how long a tried order runs before it is confirmed; default 20 s
	Trial  time.Duration // after which an order that is not confirmed is given up; default 2 min
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Beat, 30*time.Second)
	def(&o.Steady, 20*time.Second)
	def(&o.Trial, 2*time.Minute)
	return o
}
