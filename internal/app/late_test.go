package app

import (
	"testing"
	"time"
)

func TestDoorOpensWhileIngestKeepsUpAndClosesWhenItDoesNot(t *testing.T) {
	d := &door{window: lateLeast}
	now, seq := time.Now(), uint64(0)
	let := func(takes time.Duration) {
		for len(d.in) < d.window {
			seq++
			d.in = append(d.in, admitted{seq, now})
		}
		now = now.Add(takes)
		d.stored(seq, now)
		if len(d.in) != 0 {
			t.Fatalf("%d are still waited for", len(d.in))
		}
	}
	for range 20 {
		let(time.Second)
	}
	if d.window != lateLeast+40 {
		t.Errorf("the window is %d", d.window)
	}
	for range 200 {
		let(time.Second)
	}
	if d.window != lateMost {
		t.Errorf("the window is %d, more than anybody should let in", d.window)
	}
	for range 20 {
		let(2 * lateStored)
	}
	if d.window != lateLeast {
		t.Errorf("the window is %d though ingest is late", d.window)
	}
	d.stored(seq, now) // nothing new
	if d.window != lateLeast {
		t.Error("nothing happened, and the window moved")
	}
}
