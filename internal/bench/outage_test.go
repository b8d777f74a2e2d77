package bench

import (
	"log/slog"
	"testing"
	"time"
)

// TestOutageLosesNothing is the benchmark in small: its own account fails it
// when a line is lost or doubled.
func TestOutageLosesNothing(t *testing.T) {
	r, err := Outage(t.Context(), OutageConfig{
		Collectors: 3, Rate: 100, Hours: 0.02, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Backlog != 3*7200 || r.Live == 0 || r.LiveP50 <= 0 || r.LiveMax < r.LiveP95 || r.Lost+r.Duplicates > 0 {
		t.Errorf("%+v", r)
	}
	t.Logf("%+v", r)
}
