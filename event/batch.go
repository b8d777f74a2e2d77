package event

import "math/bits"

// Batch is a list of events that share their memory. It is filled by one
// goroutine, then passed on whole and read by any number.
type Batch struct {
	Events []Event
	words  []word
	slots  []Value
	// Keep holds whatever the values point into (unpacked frames), so that
	// the batch owns its memory.
	Keep []any
}

// Append seals the builder's content as the batch's next event and resets the
// builder. Adding never moves what earlier events point to.
func (b *Batch) Append(x *Builder, ref Ref) *Event {
	b.Events = append(b.Events, b.seal(x, ref))
	return &b.Events[len(b.Events)-1]
}

// Replace seals the builder's content in place of event i, whose identity
// stays, and resets the builder. The values may come from the event itself.
func (b *Batch) Replace(i int, x *Builder) { b.Events[i] = b.seal(x, b.Events[i].Ref) }

func (b *Batch) seal(x *Builder, ref Ref) Event {
	nw, ns := bits.OnesCount64(x.summary), x.n
	if cap(b.words)-len(b.words) < nw {
		b.words = make([]word, 0, max(nw, 1024))
	}
	if cap(b.slots)-len(b.slots) < ns {
		b.slots = make([]Value, 0, max(ns, 8192))
	}
	e := Event{Ref: ref, summary: x.summary}
	w0, s0 := len(b.words), len(b.slots)
	for s := x.summary; s != 0; s &= s - 1 {
		w := bits.TrailingZeros64(s)
		b.words = append(b.words, word{x.bits[w], uint32(len(b.slots) - s0)})
		for m := x.bits[w]; m != 0; m &= m - 1 {
			b.slots = append(b.slots, x.values[w<<6+bits.TrailingZeros64(m)])
		}
	}
	e.words, e.slots = b.words[w0:len(b.words):len(b.words)], b.slots[s0:len(b.slots):len(b.slots)]
	x.Reset()
	return e
}

// Reset empties the batch for reuse. Events taken from it before are void.
func (b *Batch) Reset() {
	clear(b.slots)
	clear(b.Keep)
	b.Events, b.words, b.slots, b.Keep = b.Events[:0], b.words[:0], b.slots[:0], b.Keep[:0]
}
