package agent

import (
	"testing"
	"time"
)

func TestTheAnswerToAHeartbeatShowsHowWrongTheClockIs(t *testing.T) {
	sent := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	right := Answered{Sent: sent, Got: sent.Add(2 * time.Second), Now: sent.Add(-89 * time.Second)}
	if off := right.offset(); off != 90*time.Second {
		t.Errorf("%s, want 90 s", off)
	}
	for _, a := range []Answered{{}, {Sent: sent, Got: sent}, {Sent: sent, Got: sent.Add(-time.Second), Now: sent.Add(time.Hour)}} {
		if off := a.offset(); off != 0 {
			t.Errorf("%+v was believed: %s", a, off)
		}
	}
}
