package clocks

// All times in here are in milliseconds.
const (
	second   = 1000
	minute   = 60 * second
	hour     = 60 * minute
	day      = 24 * hour
	slotSpan = 5 * minute
	together = 2 * minute  // lines of one slot that agree
	early    = -minute     // a frame that came before its lines: the collector's clock is ahead
	late     = 10 * minute // and one that came so late proves nothing
	ahead    = -90 * second
	behind   = 2 * minute // a line with so little between claim and receipt proves that the clock is right
)

// mostHalves is the largest error of a zone, in half hours: 14 hours.
const mostHalves = 28

// stateVersion changes with what each writes.
const stateVersion = 1

// slot is five minutes of receipt.
type slot struct {
	Number int64
	Mode   int64 // difference that most lines have, by majority vote
	Votes  int64
	Floor  int64 // least difference near Mode
	Near   int64 // lines near it
	Right  int64 // lines that prove the clock right
	Least  int64 // least difference of those
	All    int64
}

// run is a row of slots that agree.
type run struct {
	Zone   int64 // by how much the clock is off, when that is a zone's error; minutes
	Odd    int64 // 1: off, by no zone's error
	Begun  int64 // floor of its first slot
	Floor  int64 // of its newest
	First  int64 // number of its first slot
	Last   int64 // of its newest
	Slots  int64
	Lines  int64
	Muddle int64 // slots since then that told nothing
}

// track is what is known of one clock.
type track struct {
	Slot   slot
	Run    run
	Repair int64 // minutes that are added to what is claimed; 0 for none
	Lost   int64 // 1: off by more than a day, the time of receipt is taken
	Since  int64 // when the lines began that the repair rests on
	Base   int64 // floor while the repair stands
	Jumped int64 // when the clock last changed by much, 0 never
}

// each and set go through the numbers of a track in one order.
func (t *track) numbers() []*int64 {
	s, r := &t.Slot, &t.Run
	return []*int64{
		&s.Number, &s.Mode, &s.Votes, &s.Floor, &s.Near, &s.Right, &s.Least, &s.All,
		&r.Zone, &r.Odd, &r.Begun, &r.Floor, &r.First, &r.Last, &r.Slots, &r.Lines, &r.Muddle,
		&t.Repair, &t.Lost, &t.Since, &t.Base, &t.Jumped,
	}
}

func (t *track) each(f func(int64)) {
	for _, n := range t.numbers() {
		f(*n)
	}
}

func (t *track) set(f func() int64) {
	for _, n := range t.numbers() {
		*n = f()
	}
}

// learn takes one line for evidence, if it is any, and answers what it has
// made known, "" for nothing.
func (t *track) learn(l *Line, bare bool) string {
	received, delay := l.Received/1e6, (l.Ingested-l.Received)/1e6
	if delay < early || delay > late {
		return ""
	}
	number := received / slotSpan
	if number < t.Slot.Number {
		return ""
	}
	note := ""
	if number > t.Slot.Number {
		note = t.end(bare)
		t.Slot = slot{Number: number}
	}
	t.Slot.take(received - l.Claimed/1e6)
	return note
}

// take counts one line by the difference between receipt and claim.
func (s *slot) take(diff int64) {
	s.All++
	if diff >= ahead && diff <= behind {
		if s.Right++; s.Right == 1 || diff < s.Least {
			s.Least = diff
		}
	}
	switch {
	case s.Votes == 0:
		s.Mode, s.Floor, s.Votes, s.Near = diff, diff, 1, 1
	case diff >= s.Mode-together && diff <= s.Mode+together:
		s.Votes, s.Near, s.Floor = s.Votes+1, s.Near+1, min(s.Floor, diff)
	default:
		s.Votes--
	}
}

// run is what the slot says alone; false when it says nothing.
func (s *slot) run(bare bool) (run, bool) {
	r := run{First: s.Number, Last: s.Number, Slots: 1}
	switch {
	case s.Right > 0 && s.Right*10 >= s.All:
		r.Begun, r.Lines = s.Least, s.Right
	case s.Near*2 < s.All || s.Votes == 0:
		return r, false
	default:
		r.Begun, r.Lines = s.Floor, s.Near
		if zone, ok := zoneOf(s.Floor); bare && ok {
			r.Zone = zone
		} else {
			r.Odd = 1
		}
	}
	r.Floor = r.Begun
	return r, true
}

// zoneOf is the error of a zone that a difference can be, in minutes. Times of
// UTC taken for Japan's, or the other way round, are the error that everybody
// makes: there the clock may also be some minutes off.
func zoneOf(diff int64) (int64, bool) {
	const half = 30 * minute
	n := (abs(diff) + half/2) / half
	off := abs(abs(diff) - n*half)
	if n <= 0 || n > mostHalves || off > zoneSlack(n*30) {
		return 0, false
	}
	if diff < 0 {
		n = -n
	}
	return n * 30, true
}

// isZoneError tells that so many minutes are none, or an error that zoneOf finds.
func isZoneError(minutes int64) bool {
	return minutes%30 == 0 && minutes/30 >= -mostHalves && minutes/30 <= mostHalves
}

// zoneSlack is how far beside an error of so many minutes a clock may be, in
// milliseconds.
func zoneSlack(minutes int64) int64 {
	if abs(minutes) == 9*60 {
		return 14 * minute
	}
	return 3 * minute
}

func abs(n int64) int64 { return max(n, -n) }
