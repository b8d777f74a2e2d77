package event

import (
	"testing"
	"time"
)

func TestAnEventsArrivalIsTheFirstThatItHas(t *testing.T) {
	for text, want := range map[string]time.Time{
		`{"municipality":"312011","@timestamp":"2026-01-01T00:00:00Z","received":"2026-02-01T00:00:00Z","event.ingested":"2026-03-01T00:00:00Z"}`: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		`{"municipality":"312011","@timestamp":"2026-01-01T00:00:00Z","received":"2026-02-01T00:00:00Z"}`:                                         time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
		`{"municipality":"312011","@timestamp":"2026-01-01T00:00:00Z"}`:                                                                           time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		`{"municipality":"312011"}`: time.Unix(0, 0),
	} {
		town, at, err := Arrived([]byte(text))
		if err != nil || town != "312011" || !at.Equal(want) {
			t.Errorf("%s: %s %v %v", text, town, at, err)
		}
	}
	if _, _, err := Arrived([]byte("{")); err == nil {
		t.Error("half a text was read")
	}
}
