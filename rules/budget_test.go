package rules

import (
	"strings"
	"testing"
	"time"

	"mimamori/event"
)

// TestARuleThatTakesTooLongIsOutAndTheOthersGoOn: by a clock on which the one
// takes 20 µs and the other one.
func TestARuleThatTakesTooLongIsOutAndTheOthersGoOn(t *testing.T) {
	s := setOf(t,
		ruleOf(t, "dear", `event.action startsWith "log"`, "correlate: {count: 100000, within: 1h}"),
		ruleOf(t, "cheap", `event.action == "login"`, "correlate: {count: 1000, within: 1h}"),
	)
	told := map[string]string{}
	e := NewEngine(s, Options{Budget: 10 * time.Microsecond, Suspended: func(rule, why string) { told[rule] = why }})
	at := testStart
	e.budget.watch = func() time.Time {
		if e.units[e.running].state.rule.ID == "dear" {
			at = at.Add(20 * time.Microsecond)
		} else {
			at = at.Add(time.Microsecond)
		}
		return at
	}
	x, b := new(event.Builder), event.Batch{}
	for i := range timedEvery {
		x.Set(fieldTime, event.Time(testStart.Add(time.Duration(i)).UnixNano()))
		x.Set(event.MustLookup("event.action"), event.String("login"))
		b.Append(x, event.Ref{Seq: uint64(i)})
	}
	alerts := 0
	for range timedRound * maxStrikes {
		e.Evaluate(&b, func(event.Alert) { alerts++ })
		if len(told) > 0 {
			break
		}
	}
	e.Flush(func(event.Alert) { alerts++ })
	if len(told) != 1 || !strings.Contains(told["dear"], "it takes 20µs of each event, more than 10µs") || alerts != 1 {
		t.Errorf("suspended %v, %d alerts", told, alerts)
	}
}
