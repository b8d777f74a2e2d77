package rules

import (
	"fmt"
	"time"
)

const (
	timedEvery = 64               // of so many events one is timed
	timedRound = 512              // timed events between two judgements
	maxStrikes = 3                // judgements in a row, so that a busy machine is no rule's fault
	longestRun = time.Millisecond // that counts: more is the machine
)

// budget finds the rules that take too long.
type budget struct {
	watch  func() time.Time // a clock to measure by
	timing bool
	seen   int
	timed  int
}

// measure decides whether the next event is timed, and judges from time to time.
func (e *Engine) measure() {
	b := &e.budget
	b.seen++
	if b.timing = b.seen%timedEvery == 0; !b.timing {
		return
	}
	if b.timed++; b.timed < timedRound {
		return
	}
	b.timed = 0
	for _, st := range e.states {
		mean := st.spent / timedRound
		st.spent = 0
		if mean <= e.opts.Budget {
			st.strikes = 0
			continue
		}
		if st.strikes++; st.strikes == maxStrikes && !st.suspended {
			e.suspend(st, fmt.Sprintf("it takes %s of each event, more than %s", mean, e.opts.Budget))
		}
	}
}
