package silence

// reading is whether formats can read what a source sends: the lines of about
// the last hour.
type reading struct {
	Lines, Unread float64 // fading by half in an hour
	Stored, Aside uint64  // counts as they were last seen
	Begun         bool
	Bad           bool
}

// minute lets an older minute count less: half after an hour.
func (r *reading) minute() {
	const fade = 0.98851402 // 2^(-1/60)
	r.Lines, r.Unread = r.Lines*fade, r.Unread*fade
}

// take notes the counts. A source turns bad when nine of ten lines can't be
// read, and good again when half can.
func (r *reading) take(stored, aside uint64) {
	if r.Begun && stored >= r.Stored && aside >= r.Aside {
		r.Lines += float64(stored - r.Stored)
		r.Unread += float64(aside - r.Aside)
	}
	r.Stored, r.Aside, r.Begun = stored, aside, true
	switch {
	case !r.Bad:
		r.Bad = r.Lines >= 20 && r.Unread >= 0.9*r.Lines
	default:
		r.Bad = r.Unread > 0.5*r.Lines
	}
}
