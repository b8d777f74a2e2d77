package sample

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"mimamori/internal/calendar"
)

func TestSameSeedGivesTheSameLinesAndTheMixHolds(t *testing.T) {
	start := time.Date(2026, 11, 22, 9, 0, 0, 0, calendar.JST())
	a, b := New(Towns(1)[0], 7, start), New(Towns(1)[0], 7, start)
	a.Incidents, b.Incidents = 100, 100
	var count [kinds]int
	bytes := 0
	for range 20000 {
		x, kind := a.Append(nil)
		y, _ := b.Append(nil)
		if string(x) != string(y) {
			t.Fatalf("%s\n%s", x, y)
		}
		if strings.ContainsAny(string(x), "\r\n\x00") {
			t.Fatalf("line end inside %q", x)
		}
		if x[0] == '{' && !json.Valid(x) {
			t.Fatalf("no JSON: %s", x)
		}
		count[kind]++
		bytes += len(x)
	}
	t.Log(count, bytes/20000, "bytes a line")
	for k, n := range count {
		if n == 0 {
			t.Errorf("no line of kind %d", k)
		}
	}
	if avg := bytes / 20000; avg < 560 || avg > 720 {
		t.Errorf("%d bytes a line, the measured mix has 638", avg)
	}
}

func BenchmarkAppend(b *testing.B) {
	m := New(Towns(1)[0], 1, time.Unix(1763773200, 0))
	var buf []byte
	for b.Loop() {
		buf, _ = m.Append(buf[:0])
	}
}
