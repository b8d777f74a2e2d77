package event

import "math/bits"

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
