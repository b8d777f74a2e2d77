package format

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/calendar"
)

// TestAYearIsGuessedAroundNewYear writes lines without a year: written up to
// 300 days before they are received, by a clock up to 23 hours ahead.
func TestAYearIsGuessedAroundNewYear(t *testing.T) {
	p := builtinSet(t).Parser(Options{})
	near := time.Date(2027, 1, 1, 0, 0, 0, 0, calendar.JST())
	rapid.Check(t, func(t *rapid.T) {
		received := near.Add(time.Duration(rapid.Int64Range(-3*86400, 3*86400).Draw(t, "received")) * time.Second)
		if rapid.Bool().Draw(t, "any day") {
			received = near.AddDate(0, 0, rapid.IntRange(0, 1500).Draw(t, "day"))
		}
		late := rapid.Int64Range(-23*3600, 300*86400).Draw(t, "late")
		if rapid.Bool().Draw(t, "a little") {
			late = rapid.Int64Range(-600, 600).Draw(t, "seconds")
		}
		at := received.Add(-time.Duration(late) * time.Second)
		x := &event.Builder{}
		line := fmt.Sprintf("<13>%s host app: text", at.Format(time.Stamp))
		res := p.Parse(Input{Line: line, Received: received}, x)
		v, _ := x.Get(event.MustLookup("@timestamp"))
		if got := time.Unix(0, v.Int()); !got.Equal(at) {
			t.Fatalf("%s received %s: %s", line, received, got)
		}
		if res.Claim != (Claim{at.UnixNano(), Bare}) {
			t.Fatalf("%+v", res.Claim)
		}
	})
}

func TestALineSaysWhetherItsTimeHasAZone(t *testing.T) {
	p := builtinSet(t).Parser(Options{})
	received := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	for line, want := range map[string]Claim{
		"<13>Nov 22 10:00:00 host app: text":             {received.UnixNano(), Bare},
		"<13>1 2026-11-22T01:00:00Z host app - - - text": {received.UnixNano(), Zoned},
		"<13>2026-11-22T10:00:00+09:00 host app: text":   {received.UnixNano(), Zoned},
		"<13>text alone": {},
		"<13>1 1971-11-22T01:00:00Z host app - - - text":                                                                      {time.Date(1971, 11, 22, 1, 0, 0, 0, time.UTC).UnixNano(), Zoned},
		"1795309200.123    182 10.31.4.20 TCP_MISS/200 18400 GET http://www.example.jp/ - HIER_DIRECT/203.0.113.80 text/html": {1795309200123000000, Zoned},
	} {
		x := &event.Builder{}
		if res := p.Parse(Input{Line: line, Received: received}, x); res.Claim != want {
			t.Errorf("%s: %+v, want %+v", line, res.Claim, want)
		}
		v, kept := x.Get(event.MustLookup("time.claimed"))
		if out := want.At != 0 && want.At < oldest; kept != out || out && v.Int() != want.At {
			t.Errorf("%s: time.claimed %v", line, kept)
		}
	}
}
