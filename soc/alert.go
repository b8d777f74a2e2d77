package soc

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"mimamori/event"
)

// State is where an alert stands in its triage.
type State string

// The states of an alert.
const (
	New          State = "new"          // nobody has looked yet
	Acknowledged State = "acknowledged" // somebody has seen it
	InProgress   State = "in_progress"  // somebody is working on it
	Closed       State = "closed"       // decided, with a Resolution
)

// Open tells whether the state is one that still wants something done.
func (s State) Open() bool { return s == New || s == Acknowledged || s == InProgress }

// OpenStates lists the states that still want something done.
func OpenStates() []State { return []State{New, Acknowledged, InProgress} }

// allowed is the table of transitions. Closed goes back to in progress only:
// an alert that is taken up again is being worked on.
func allowed(from, to State) bool {
	switch to {
	case Acknowledged:
		return from == New
	case InProgress:
		return from == New || from == Acknowledged || from == Closed
	case Closed:
		return from.Open()
	}
	return false
}

// Resolution says what a closed alert turned out to be.
type Resolution string

// The resolutions.
const (
	TruePositive  Resolution = "true_positive"  // it was what the rule says
	FalsePositive Resolution = "false_positive" // the rule was wrong
	Benign        Resolution = "benign"         // the rule was right, the act was permitted
)

func (r Resolution) valid() bool {
	return r == TruePositive || r == FalsePositive || r == Benign
}

// MaxEvidence bounds the events kept with an alert.
const MaxEvidence = 100

// MaxNote bounds a note's length in bytes.
const MaxNote = 4000

// Sentinel errors. Every error of this package that a person caused wraps one.
var (
	// ErrNotFound says that there is no such thing, or not for these tenants.
	// It wraps fs.ErrNotExist.
	ErrNotFound = fmt.Errorf("soc: not found: %w", fs.ErrNotExist)
	// ErrConflict says that somebody else has changed the alert since it was read.
	ErrConflict = errors.New("soc: changed by somebody else meanwhile")
	// ErrTransition says that an alert's state does not allow the change.
	ErrTransition = errors.New("soc: not possible in this state")
	// ErrInvalid says that what was given can't be taken as it is.
	ErrInvalid = errors.New("soc: invalid")
)

// Alert is an alert with what people did about it. Lists carry no History and
// no Events.
type Alert struct {
	event.Alert
	Number       int64 // counts from 1 in order of arrival
	State        State
	Assignee     string // sign-in name; "" is nobody
	Resolution   Resolution
	Created      time.Time // when it was inserted
	Acknowledged time.Time // when it left New; zero while it is New
	Closed       time.Time // when it was closed; zero unless Closed
	Revision     int64     // rises with every change
	History      []Entry   // oldest first
}

// Label is the number as people say it: A-2041.
func (a *Alert) Label() string { return "A-" + strconv.FormatInt(a.Number, 10) }

// ParseLabel reads "A-2041", "a2041" or "2041".
func ParseLabel(s string) (int64, bool) {
	s = strings.TrimPrefix(strings.TrimLeft(strings.TrimSpace(s), "Aa"), "-")
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n > 0
}

// Entry is one step in an alert's history.
type Entry struct {
	At         time.Time
	By         string // sign-in name; "" is Mimamori itself
	From, To   State  // From is "" for the detection; equal when the state stayed
	Assignee   *string
	Resolution Resolution
	Note       string
}
