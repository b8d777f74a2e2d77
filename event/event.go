package event

import "math/bits"

// Ref is the identity of an event: where its record stands in the sequence of
// its collector's source. It never changes, whatever is parsed or stored again.
type Ref struct {
	Collector string
	Source    string
	Epoch     uint64 // when the collector began to count, Unix seconds
	Seq       uint64 // from 1
}

// word is one non-empty 64-bit word of an event's presence bitmap, with the
// number of slots before it.
type word struct {
	bits uint64
	base uint32
}

// Event is one event: a compact table of slots in field order. It is a view
// into its Batch and lives as long as the batch.
type Event struct {
	Ref
	summary uint64 // which words of the bitmap are not empty
	words   []word
	slots   []Value
}

// Get returns the value of a field and whether the event has it.
func (e *Event) Get(f Field) (Value, bool) {
	w := uint(f) >> 6
	if e.summary>>w&1 == 0 {
		return Value{}, false
	}
	p := &e.words[bits.OnesCount64(e.summary&(1<<w-1))]
	b := uint(f) & 63
	if p.bits>>b&1 == 0 {
		return Value{}, false
	}
	return e.slots[int(p.base)+bits.OnesCount64(p.bits&(1<<b-1))], true
}

// Has tells whether the event has the field.
func (e *Event) Has(f Field) bool {
	_, ok := e.Get(f)
	return ok
}

// Str returns the text of a field, "" when the event lacks it.
func (e *Event) Str(f Field) string {
	v, _ := e.Get(f)
	return v.Str()
}

// Len returns how many fields the event has.
func (e *Event) Len() int { return len(e.slots) }

// All yields each field and its value, in field order.
func (e *Event) All(yield func(Field, Value) bool) {
	n := 0
	wi := 0
	for s := e.summary; s != 0; s &= s - 1 {
		base := bits.TrailingZeros64(s) << 6
		for b := e.words[wi].bits; b != 0; b &= b - 1 {
			if !yield(Field(base+bits.TrailingZeros64(b)), e.slots[n]) {
				return
			}
			n++
		}
		wi++
	}
}

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
	b.Events = append(b.Events, e)
	x.Reset()
	return &b.Events[len(b.Events)-1]
}

// Reset empties the batch for reuse. Events taken from it before are void.
func (b *Batch) Reset() {
	clear(b.slots)
	clear(b.Keep)
	b.Events, b.words, b.slots, b.Keep = b.Events[:0], b.words[:0], b.slots[:0], b.Keep[:0]
}

// Builder holds the fields of one event under construction, with direct access
// by field. One goroutine uses one builder for many events.
type Builder struct {
	summary uint64
	bits    [MaxFields / 64]uint64
	values  [MaxFields]Value
	n       int
}

// Set puts a value, replacing an earlier one.
func (x *Builder) Set(f Field, v Value) {
	w, m := uint(f)>>6, uint64(1)<<(uint(f)&63)
	if x.bits[w]&m == 0 {
		x.bits[w] |= m
		x.summary |= 1 << w
		x.n++
	}
	x.values[f] = v
}

// Get returns the value of a field and whether it is set.
func (x *Builder) Get(f Field) (Value, bool) {
	if x.bits[uint(f)>>6]>>(uint(f)&63)&1 == 0 {
		return Value{}, false
	}
	return x.values[f], true
}

// Str returns the text of a field, "" when it is not set.
func (x *Builder) Str(f Field) string {
	v, _ := x.Get(f)
	return v.Str()
}

// Delete removes a field.
func (x *Builder) Delete(f Field) {
	w, m := uint(f)>>6, uint64(1)<<(uint(f)&63)
	if x.bits[w]&m != 0 {
		x.bits[w] &^= m
		x.n--
		if x.bits[w] == 0 {
			x.summary &^= 1 << w
		}
	}
}

// Add appends strings to a list field, leaving out what it holds already.
func (x *Builder) Add(f Field, items ...string) {
	var old []string
	if v, ok := x.Get(f); ok {
		old = v.List()
	}
	list := old[:len(old):len(old)]
next:
	for _, s := range items {
		for _, o := range list {
			if o == s {
				continue next
			}
		}
		list = append(list, s)
	}
	x.Set(f, Strings(list))
}

// Len returns how many fields are set.
func (x *Builder) Len() int { return x.n }

// Load sets every field of an event.
func (x *Builder) Load(e *Event) {
	for f, v := range e.All {
		x.Set(f, v)
	}
}

// Reset removes every field.
func (x *Builder) Reset() {
	for s := x.summary; s != 0; s &= s - 1 {
		x.bits[bits.TrailingZeros64(s)] = 0
	}
	x.summary, x.n = 0, 0
}
