package store

import (
	"time"

	"mimamori/event"
)

// player fills batches and shows them.
type player struct {
	to      Replay
	batch   event.Batch
	builder event.Builder
	second  int64 // the last one that the clock told
}

func (p *player) take(r *reading, e entry) {
	if s := floorDiv(e.at, int64(time.Second)); s > p.second {
		p.flush()
		p.to.Clock(time.Unix(0, e.at))
		p.second = s
	}
	if e.row == none {
		return
	}
	g := r.groups[e.group]
	g.fill(&p.builder, e.row)
	p.batch.Append(&p.builder, g.ref(e.row))
	if len(p.batch.Events) >= scanned {
		p.flush()
	}
}

func (p *player) flush() {
	if len(p.batch.Events) > 0 {
		p.to.Run(&p.batch)
		p.batch.Reset()
	}
}
