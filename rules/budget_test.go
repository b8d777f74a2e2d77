package rules

import (
	"strings"
	"testing"
	"time"

	"mimamori/event"
)

// TestARuleThatTakesTooLongIsOutAndTheOthersGoOn: a pattern over long texts
// against a budget that it can't keep.
func TestARuleThatTakesTooLongIsOutAndTheOthersGoOn(t *testing.T) {
	s := setOf(t,
		ruleOf(t, "dear", `message matches "(a+b?)+(c|d)+(x+y?)+z$"`),
		ruleOf(t, "cheap", `event.action == "login"`, "correlate: {count: 1000, within: 1h}"),
	)
	told := map[string]string{}
	e := NewEngine(s, Options{Budget: 10 * time.Microsecond, Suspended: func(rule, why string) { told[rule] = why }})
	x, b := new(event.Builder), event.Batch{}
	for i := range timedEvery {
		x.Set(fieldTime, event.Time(testStart.Add(time.Duration(i)).UnixNano()))
		x.Set(event.MustLookup("event.action"), event.String("login"))
		if i == timedEvery-1 { // the one that is timed
			x.Set(event.MustLookup("message"), event.String(strings.Repeat("ab", 250)))
		}
		b.Append(x, event.Ref{Seq: uint64(i)})
	}
	alerts := 0
	for range timedRound * (maxStrikes + 1) {
		e.Evaluate(&b, func(event.Alert) { alerts++ })
	}
	e.Flush(func(event.Alert) { alerts++ })
	if len(told) != 1 || !strings.Contains(told["dear"], "more than 10µs") || alerts != 1 {
		t.Errorf("suspended %v, %d alerts", told, alerts)
	}
}
