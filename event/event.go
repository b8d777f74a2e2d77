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
