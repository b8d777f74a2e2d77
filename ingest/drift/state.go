package drift

import (
	"encoding/binary"
	"slices"

	"mimamori/event"
	"mimamori/internal/pack"
)

// Snapshot writes all that is known. Fields have other numbers in another
// process: those that occur are written once with their names.
func (d *Drift) Snapshot() []byte {
	var used mask
	for _, row := range slices.Concat(d.senders.Rows(), d.table.Rows()) {
		for i := range row.Value.Classes {
			k := &row.Value.Classes[i]
			for j := range k.Fields {
				used.add(k.Fields[j].Field)
			}
			for _, s := range k.Suspects {
				used.add(s.Field)
			}
		}
	}
	w := &pack.Writer{}
	w.Uint(stateVersion)
	w.Text(d.formats)
	names := used.list()
	w.Uint(uint64(len(names)))
	for _, f := range names {
		w.Uint(uint64(f))
		w.Text(f.Name())
	}
	d.senders.Append(w, writeCell)
	d.table.Append(w, writeCell)
	return w.B
}

// Restore reads what Snapshot wrote; false, and nothing is known, when it can't.
func (d *Drift) Restore(b []byte) bool {
	r := &pack.Reader{B: b}
	if r.Uint() != stateVersion {
		return false
	}
	other := r.Text() != d.formats
	now := map[uint16]event.Field{}
	for n := r.Uint(); n > 0 && !r.Bad; n-- {
		old, name := r.Uint(), r.Text()
		if f, ok := event.Intern(name); ok && old < event.MaxFields {
			now[uint16(old)] = f
		}
	}
	read := func(r *pack.Reader, c *cell) { readCell(r, c, now, other) }
	if d.senders.Restore(r, read) && d.table.Restore(r, read) {
		return true
	}
	*d = *New(d.formats)
	return false
}

func writeCell(w *pack.Writer, c *cell) {
	w.Text(c.Alert)
	w.Int(c.Since)
	w.Uint(uint64(len(c.Classes)))
	for i := range c.Classes {
		writeClass(w, &c.Classes[i])
	}
}

func (c *class) numbers() []*int64 {
	return []*int64{&c.Born, &c.Seen, &c.Day, &c.Windows, &c.From, &c.N, &c.Total, &c.Stride, &c.Strikes, &c.Begun, &c.Clean, &c.Rebase}
}

func writeClass(w *pack.Writer, c *class) {
	w.Name(c.Code)
	w.Name(c.Action)
	for _, n := range c.numbers() {
		w.Int(*n)
	}
	w.Bool(c.Open)
	w.Bool(c.Held)
	w.Uint(uint64(len(c.Fields)))
	for i := range c.Fields {
		r := &c.Fields[i]
		for _, n := range [...]uint16{uint16(r.Field), r.Mean, r.Low, r.High, r.Last, r.K} {
			w.B = binary.LittleEndian.AppendUint16(w.B, n)
		}
	}
	w.Uint(uint64(len(c.Suspects)))
	for _, s := range c.Suspects {
		w.Uint(uint64(s.Field))
		w.Uint(uint64(s.P))
		w.Bool(s.Rise)
	}
	w.Uint(c.Example.Ref.Epoch)
	w.Uint(c.Example.Ref.Seq)
	w.Text(string(c.Example.JSON))
}

func readCell(r *pack.Reader, c *cell, now map[uint16]event.Field, other bool) {
	c.Alert, c.Since = r.Text(), r.Int()
	n := r.Uint()
	if n > maxClasses {
		r.Bad = true
	}
	for ; n > 0 && !r.Bad; n-- {
		c.Classes = append(c.Classes, readClass(r, now))
		if other {
			c.Classes[len(c.Classes)-1].Rebase = beginAfter
		}
	}
}

func readClass(r *pack.Reader, now map[uint16]event.Field) class {
	c := class{Code: r.Name(), Action: r.Name()}
	for _, n := range c.numbers() {
		*n = r.Int()
	}
	c.Open, c.Held = r.Bool(), r.Bool()
	const size = 12
	n := r.Uint()
	if n > maxFields || n*size > uint64(len(r.B)) {
		r.Bad = true
		return c
	}
	for ; n > 0; n-- {
		u := binary.LittleEndian.Uint16
		if f, ok := now[u(r.B)]; ok {
			c.Fields = append(c.Fields, rate{f, u(r.B[2:]), u(r.B[4:]), u(r.B[6:]), u(r.B[8:]), u(r.B[10:])})
		}
		r.B = r.B[size:]
	}
	slices.SortFunc(c.Fields, func(a, b rate) int { return int(a.Field) - int(b.Field) })
	for n := min(r.Uint(), maxSuspects+1); n > 0 && !r.Bad; n-- {
		old, p, rise := r.Uint(), r.Uint(), r.Bool()
		if f, ok := now[uint16(old)]; ok {
			c.Suspects = append(c.Suspects, suspect{f, uint16(p), rise})
		}
	}
	c.Example.Ref.Epoch, c.Example.Ref.Seq = r.Uint(), r.Uint()
	if js := r.Text(); js != "" {
		c.Example.JSON = []byte(js)
	}
	return c
}
