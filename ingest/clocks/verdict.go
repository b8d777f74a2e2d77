package clocks

import (
	"fmt"
	"time"

	"mimamori/ingest/device"
)

// Thresholds of a repair. A claim that lies in the future can't be lateness,
// so little proves it; one that lies in the past could be, so that much must
// agree: slots of five minutes, each with lines that lie together, all within
// steady of the first, with no pause of more than maxPause between them.
const (
	aheadSlots, aheadLines = 3, 6    // claims in the future
	utcSlots, utcLines     = 12, 24  // nine hours behind: UTC
	otherSlots, otherLines = 24, 100 // behind by something else
	lostSlots, lostLines   = 12, 24  // behind by more than a day

	steady    = 90 * second
	maxPause  = 6 * hour / slotSpan // slots
	settled   = 24                  // slots, after which a clock may drift
	endSlots  = 2                   // slots that disprove a repair
	endLines  = 6                   // or lines
	telling   = 3                   // slots after which a skew is told on events: of a clock that is ahead,
	tellLate  = 12                  // and of one that is behind, which could be lateness
	matters   = minute              // skew that is told
	backwards = 12                  // slots that are later than the repair says, after which the clock has been set back
)

// end closes the slot and draws the conclusions.
func (t *track) end(bare bool) string {
	if t.Slot.All == 0 {
		return ""
	}
	next, ok := t.Slot.run(bare)
	if !ok {
		if t.Run.Muddle++; t.Run.Muddle > max(t.Run.Slots, telling) {
			t.Run = run{}
		}
		return ""
	}
	note := ""
	if t.Run.agrees(&next) {
		t.Run.add(&next)
	} else {
		if t.Run.Slots >= telling && abs(next.Floor-t.Run.Floor) > together {
			t.Jumped = next.First * slotSpan
			note = fmt.Sprintf("the clock has moved: it was %s, it is %s", offText(t.Run.Floor), offText(next.Floor))
		}
		t.Run = next
	}
	if decided := t.decide(bare); decided != "" {
		return decided
	}
	return note
}

// agrees tells that a slot goes on as the run did.
func (r *run) agrees(next *run) bool {
	if r.Slots == 0 || r.Zone != next.Zone || r.Odd != next.Odd {
		return false
	}
	if r.Zone == 0 && r.Odd == 0 {
		return true
	}
	from, most := r.Begun, int64(steady)
	if r.Slots >= settled {
		from, most = r.Floor, together
	}
	return next.First-r.Last <= maxPause && abs(next.Floor-from) <= most
}

func (r *run) add(next *run) {
	r.Floor, r.Last, r.Slots, r.Lines, r.Muddle = next.Floor, next.Last, r.Slots+1, r.Lines+next.Lines, 0
}

// decide begins a repair, goes on with it or ends it.
func (t *track) decide(bare bool) string {
	r, note := &t.Run, ""
	if t.Repair != 0 || t.Lost != 0 {
		switch {
		case t.confirmed():
			t.Base = r.Floor
			return ""
		case !t.disproved():
			return ""
		case t.Repair != 0 && r.Zone != 0 && abs(r.Zone-t.Repair) == 60:
			t.begin(r.Zone, 0)
			return "the clock has moved by an hour (daylight saving time): " + reason(t.Repair)
		}
		t.Repair, t.Lost = 0, 0
		note = "the times are not repaired any more: the clock has changed"
	}
	switch {
	case r.proved():
		t.begin(r.Zone, 0)
		return "the times are repaired from now on: " + reason(t.Repair)
	case bare && r.Odd != 0 && r.Floor > day && r.Slots >= lostSlots && r.Lines >= lostLines:
		t.begin(0, 1)
		return "the times are repaired from now on: " + lostReason
	}
	return note
}

func (t *track) begin(zone, lost int64) {
	t.Repair, t.Lost, t.Since, t.Base = zone, lost, t.Run.First*slotSpan, t.Run.Floor
}

// confirmed tells that the newest run says what the repair does.
func (t *track) confirmed() bool {
	if t.Lost != 0 {
		return t.Run.Odd != 0 && t.Run.Floor > day
	}
	return t.Run.Zone == t.Repair
}

// disproved tells that the clock is another now. Lines that come later than the
// repair says are late, at first; lines that come before can't be.
func (t *track) disproved() bool {
	r := &t.Run
	if r.Floor > t.Base+together {
		return r.Slots >= backwards
	}
	return r.Slots >= endSlots || r.Lines >= endLines
}

// proved tells that a zone's error is beyond doubt.
func (r *run) proved() bool {
	switch {
	case r.Zone < 0:
		return r.Slots >= aheadSlots && r.Lines >= aheadLines
	case r.Zone == 9*60:
		return r.Slots >= utcSlots && r.Lines >= utcLines
	}
	return r.Zone > 0 && r.Slots >= otherSlots && r.Lines >= otherLines
}

// judge answers what a line's time is worth.
func (t *track) judge(l *Line) Verdict {
	v := Verdict{At: l.Claimed}
	diff := (l.Received - l.Claimed) / 1e6
	if l.Received/1e6 >= t.Since {
		switch {
		case t.Lost != 0 && diff > day:
			v.Repaired, v.At, v.Why = true, l.Received, lostReason
		case t.Repair > 0 && diff-t.Repair*minute >= -zoneSlack(t.Repair), t.Repair < 0 && diff < -together:
			v.Repaired, v.At, v.Why = true, l.Claimed+t.Repair*minute*1e6, reason(t.Repair)
		}
	}
	if t.told() {
		v.Skew = t.skew()
	}
	return v
}

// told tells that a skew is known and worth telling.
func (t *track) told() bool {
	skew, slots := t.skew(), int64(telling)
	if skew > 0 {
		slots = tellLate
	}
	return abs(skew) >= matters && t.Run.Slots >= slots
}

// skew is how far the clock is off, beside what is repaired.
func (t *track) skew() int64 { return t.Run.Floor - t.Repair*minute }

const lostReason = "時計が1日以上遅れているため、受信時刻を使いました / the clock is more than a day behind: the time of receipt is taken"

// reasons are the texts of repairs by half hours, from -14 to +14 hours.
var reasons = func() (out [2*mostHalves + 1]string) {
	for i := range out {
		n := (i - mostHalves) * 30
		sign, m := "+", n
		if n < 0 {
			sign, m = "-", -n
		}
		off := fmt.Sprintf("%s%d:%02d", sign, m/60, m%60)
		ja, en := "", ""
		if n == 9*60 {
			ja, en = "（UTCを日本時間として読んでいた）", " (UTC that was read as Japan's)"
		}
		out[i] = fmt.Sprintf("時差 %s の誤り%sを直しました / an error of %s of its zone%s was repaired", off, ja, off, en)
	}
	return out
}()

func reason(minutes int64) string { return reasons[minutes/30+mostHalves] }

func offText(diff int64) string {
	switch {
	case abs(diff) < matters:
		return "right"
	case diff > 0:
		return (time.Duration(diff) * time.Millisecond).Round(time.Second).String() + " behind"
	}
	return (time.Duration(-diff) * time.Millisecond).Round(time.Second).String() + " ahead"
}

// Report is a clock that is worth a look.
type Report struct {
	device.Key
	Municipality string
	Seen         time.Time     // receive time of its newest line
	Skew         time.Duration // receipt less claim, at least: above zero it is behind; what is repaired is not in it
	Repair       time.Duration // what is added to its times; 0 for nothing
	Lost         bool          // it is more than a day behind, and the time of receipt is taken
	Since        time.Time     // lines received from then on are repaired; zero where nothing is
	Moved        time.Time     // when it last moved by minutes or more, zero for never
}

// Reports lists the clocks that are off by a minute or more, and those whose
// times are repaired, in the order in which they were met.
func (c *Clocks) Reports() []Report {
	var out []Report
	for _, row := range c.table.Rows() {
		t := &row.Value
		repaired := t.Repair != 0 || t.Lost != 0
		if !repaired && !t.told() {
			continue
		}
		r := Report{
			Key: row.Key, Municipality: row.Municipality, Seen: time.Unix(row.Seen, 0), Skew: time.Duration(t.skew()) * time.Millisecond,
			Repair: time.Duration(t.Repair) * time.Minute, Lost: t.Lost != 0,
		}
		if repaired {
			r.Since = time.UnixMilli(t.Since)
		}
		if t.Jumped != 0 {
			r.Moved = time.UnixMilli(t.Jumped)
		}
		out = append(out, r)
	}
	return out
}
