package app

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"mimamori/internal/care"
)

// crowd is collectors that ask, on a clock of their own.
type crowd struct {
	*turns
	t      *testing.T
	at     time.Time
	newest uint64
	got    []string // whose turn it was, in order
}

func newCrowd(t *testing.T) *crowd {
	c := &crowd{t: t, at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	c.turns = newTurns(func() time.Time { return c.at })
	return c
}

func (c *crowd) wish(collector string, last uint64) {
	b, err := json.Marshal(care.Ask{Last: last})
	if err != nil {
		c.t.Fatal(err)
	}
	c.ask(collector, b, func(b []byte) {
		if _, err := care.ParseTurn(b); err != nil {
			c.t.Error(err)
		}
		c.got = append(c.got, collector)
	})
}

func (c *crowd) turnsGiven(stored uint64) []string {
	c.got = nil
	c.give(c.newest, c.newest, stored, false)
	return c.got
}

// TestTurnsFollowWhatIngestCanDo: the window opens while frames are stored in
// time and closes when they are not.
func TestTurnsFollowWhatIngestCanDo(t *testing.T) {
	c := newCrowd(t)
	for i := range 200 {
		c.wish(fmt.Sprint("c", i), 0)
	}
	round := func(takes time.Duration) {
		stored := c.newest
		for got := c.turnsGiven(stored); len(got) > 0; got = c.turnsGiven(stored) {
			if len(got) > turnsAhead {
				t.Fatalf("%d frames come at once", len(got))
			}
			for _, who := range got {
				c.newest++
				c.wish(who, c.newest)
			}
		}
		c.at = c.at.Add(takes)
		for i := range 200 { // nobody loses patience
			c.wish(fmt.Sprint("c", i), 0)
		}
	}
	for range 3 { // the first gives, and learns nothing yet
		round(time.Second)
	}
	if c.window != turnLeast*4 {
		t.Errorf("after two good rounds the window is %d", c.window)
	}
	round(2 * turnStored)
	for range 5 {
		round(time.Second)
	}
	if want := turnLeast*8*2/3 + 2*4; c.window != want {
		t.Errorf("after a bad round and four good ones the window is %d, want %d", c.window, want)
	}
	for range 60 {
		round(time.Second)
	}
	if c.window != turnMost {
		t.Errorf("the window is %d, want the bound %d", c.window, turnMost)
	}
	for range 20 {
		round(2 * turnStored)
	}
	if c.window != turnLeast {
		t.Errorf("the window is %d though ingest is late", c.window)
	}
}

func TestTurnsAreGivenInOrderAndOneAtATime(t *testing.T) {
	c := newCrowd(t)
	c.window = 2
	for _, who := range []string{"a", "b", "a", "c", "b", "a"} {
		c.wish(who, 0)
	}
	if got := c.turnsGiven(0); fmt.Sprint(got) != "[a b]" {
		t.Errorf("the first turns went to %v", got)
	}
	c.wish("a", 0)
	if got := c.turnsGiven(0); fmt.Sprint(got) != "[c]" {
		t.Errorf("a came back without having sent, and then %v had a turn", got)
	}
	c.newest = 100
	c.give(100, 100-turnsAhead, 0, false)
	if len(c.got) > 1 {
		t.Errorf("ingest is behind, and %v had a turn", c.got)
	}
	c.got, c.window = nil, 10
	c.wish("d", 0)
	for i := range turnsAhead {
		c.wish(fmt.Sprint("e", i), 0)
	}
	if c.give(c.newest, c.newest, c.newest, true); len(c.got) == 0 || len(c.given) > turnLeast {
		t.Errorf("merging is behind, and %v had a turn, %d in all", c.got, len(c.given))
	}
	before := len(c.got)
	if c.give(c.newest, c.newest, c.newest, false); len(c.got) == before {
		t.Error("nobody else had a turn after that")
	}
}

// TestNobodyHoldsTheOthersUp: not a thin line, nor one that has died or left,
// nor one that says it sent what nobody has.
func TestNobodyHoldsTheOthersUp(t *testing.T) {
	c := newCrowd(t)
	c.window = 2
	c.wish("thin", 0)
	c.wish("dead", 0)
	c.wish("gone", 0)
	if got := c.turnsGiven(0); fmt.Sprint(got) != "[thin dead]" {
		t.Fatal(got)
	}
	c.at = c.at.Add(2 * askLasts) // gone has left
	c.wish("liar", 0)
	c.wish("next", 0)
	if got := c.turnsGiven(0); fmt.Sprint(got) != "[liar next]" {
		t.Fatal(got)
	}
	c.newest = 7
	c.wish("liar", math.MaxUint64)
	c.wish("next", 7)
	if got := c.turnsGiven(7); len(got) != 2 || len(c.given) != 4 {
		t.Errorf("turns to %v, %d are given", got, len(c.given))
	}
	c.at = c.at.Add(2 * turnLost)
	if c.turnsGiven(7); !c.idle() {
		t.Errorf("%v are waited for after all that time", c.given)
	}
}
