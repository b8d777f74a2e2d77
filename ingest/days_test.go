package ingest_test

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mimamori/frame"
	"mimamori/ingest"
)

// account sums the days of a rig's pipeline.
func (r *rig) account() (days map[string]frame.Counts, reasons map[string]uint64) {
	r.t.Helper()
	list, err := ingest.ReadDays(r.dir, "", "")
	if err != nil {
		r.t.Fatal(err)
	}
	days, reasons = map[string]frame.Counts{}, map[string]uint64{}
	for _, d := range list {
		for _, row := range d.Rows {
			days[d.Day] = days[d.Day].Plus(row.Counts)
			for why, n := range row.Reasons {
				reasons[why] += n
			}
		}
	}
	return days, reasons
}

func TestEveryRecordCountsForTheDayItWasReceivedOn(t *testing.T) {
	r := newRig(t)
	midnight := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).UnixMicro()
	for i, l := range r.lines(10) {
		r.w.Add(&frame.Record{Line: l, Received: midnight + int64(i-4)*1_000_000, Masked: uint32(i % 2)})
	}
	r.w.Add(&frame.Record{Line: "mimamori: dropped: no room", Received: midnight + 20_000_000, Flags: frame.Dropped})
	r.publish(r.seal(r.w).Bytes)
	r.w.Add(&frame.Record{Line: "a clock that jumped", Received: 1 << 60})
	r.publish(r.seal(r.w).Bytes)
	r.until(committed(2))
	days, reasons := r.account()
	for day, c := range days { // the line from nowhere counts for today, whenever that is
		if c.Quarantined == 1 {
			c.Stored, c.Quarantined = c.Stored-1, 0
			days[day] = c
		}
	}
	maps.DeleteFunc(days, func(_ string, c frame.Counts) bool { return c == frame.Counts{} })
	if want := map[string]frame.Counts{"2026-11-22": {Stored: 4, Masked: 2}, "2026-11-23": {Stored: 6, Masked: 3, Dropped: 1}}; !maps.Equal(days, want) || reasons["no room"] != 1 {
		t.Errorf("%+v, %v", days, reasons)
	}
}

func TestGapIsDroppedWithItsReasonAndTheChainHolds(t *testing.T) {
	r := newRig(t)
	a, b, c, d := r.seal(r.w, r.lines(4)...), r.seal(r.w, r.lines(5)...), r.seal(r.w, r.lines(6)...), r.seal(r.w, r.lines(7)...)
	gap, err := frame.SealGap(b, c, "spool full", r.key)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*frame.Frame{a, c, d, gap, b, gap} { // c came all the same, b is late
		r.publish(f.Bytes)
	}
	s := r.until(committed(6))
	e := s.Entries[0]
	if e.Stored != 17 || e.Dropped != 5 || e.Received() != 22 || e.Lost() != 0 || s.Broken != 0 || r.store.count() != 17 {
		t.Errorf("%+v, broken %d, %d events", e, s.Broken, r.store.count())
	}
	if _, reasons := r.account(); reasons["spool full"] != 5 {
		t.Errorf("%v", reasons)
	}
}

// TestDaysCountOnceAfterACrash goes back to the checkpoint before the days were
// written, with the days themselves written.
func TestDaysCountOnceAfterACrash(t *testing.T) {
	r := newRig(t)
	r.send(r.lines(7)...)
	r.until(committed(1))
	path := filepath.Join(r.dir, "checkpoint")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r.send(r.lines(7)...)
	r.send(r.lines(7)...)
	r.until(committed(3))
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	r.send(r.lines(1)...)
	r.until(committed(4))
	days, _ := r.account()
	stored := uint64(0)
	for _, d := range days { // midnight may come between
		stored += d.Stored
	}
	if stored != 22 || len(days) > 2 {
		t.Errorf("%+v", days)
	}
}
