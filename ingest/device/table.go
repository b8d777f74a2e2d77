package device

import (
	"slices"
	"strings"

	"mimamori/internal/pack"
)

// unseen is how long a device must have been unseen to make room, in seconds.
const unseen = 7 * 24 * 3600

// Row is a device and what is known of it.
type Row[V any] struct {
	Key
	Municipality string // 6-digit code
	Seen         int64  // receive time of its newest line, Unix seconds
	Value        V
}

// Table holds devices, as many as it has room for.
type Table[V any] struct {
	Refused uint64 // lines of devices that there was no room for

	most, perSource int
	rows            map[Key]*Row[V]
	list            []*Row[V] // in the order in which they came
	sources         map[[2]string]int
	later           map[[2]string]int64 // sources that are full, {"", ""} for all: until then nobody makes room, Unix seconds
	last            *Row[V]
}

// NewTable makes a table for so many devices in all, and so many of a source.
func NewTable[V any](most, perSource int) *Table[V] {
	return &Table[V]{most: most, perSource: perSource, rows: map[Key]*Row[V]{}, sources: map[[2]string]int{}, later: map[[2]string]int64{}}
}

// Row finds a device, or takes it in; nil when there is no room. at is the
// receive time of its line in Unix seconds.
func (t *Table[V]) Row(k Key, municipality string, at int64) *Row[V] {
	r := t.last
	if r == nil || r.Key != k {
		if r = t.rows[k]; r == nil {
			if r = t.add(k, municipality, at); r == nil {
				t.Refused++
				return nil
			}
		}
		t.last = r
	}
	r.Seen = max(r.Seen, at)
	return r
}

func (t *Table[V]) add(k Key, municipality string, at int64) *Row[V] {
	if !t.room(k, at) {
		return nil
	}
	k.Collector, k.Source = strings.Clone(k.Collector), strings.Clone(k.Source)
	k.Device, k.Dataset = strings.Clone(k.Device), strings.Clone(k.Dataset)
	r := &Row[V]{Key: k, Municipality: strings.Clone(municipality), Seen: at}
	t.put(r)
	return r
}

func (t *Table[V]) put(r *Row[V]) {
	t.rows[r.Key], t.list = r, append(t.list, r)
	t.sources[[2]string{r.Collector, r.Source}]++
}

// room makes room for a new device.
func (t *Table[V]) room(k Key, at int64) bool {
	full := [2]string{k.Collector, k.Source}
	own := t.sources[full] >= t.perSource
	switch {
	case own:
	case len(t.list) < t.most:
		return true
	default:
		full = [2]string{}
	}
	if at < t.later[full] {
		return false
	}
	oldest, next := -1, at+unseen
	for i, r := range t.list {
		if own && (r.Collector != k.Collector || r.Source != k.Source) {
			continue
		}
		if oldest < 0 || r.Seen < t.list[oldest].Seen {
			oldest = i
		}
		next = min(next, r.Seen+unseen)
	}
	if next > at {
		t.later[full] = next
		return false
	}
	t.drop(oldest)
	return true
}

func (t *Table[V]) drop(i int) {
	r := t.list[i]
	delete(t.rows, r.Key)
	t.list = slices.Delete(t.list, i, i+1)
	s := [2]string{r.Collector, r.Source}
	if t.sources[s]--; t.sources[s] == 0 {
		delete(t.sources, s)
		delete(t.later, s)
	}
	if t.last == r {
		t.last = nil
	}
}

// Rows lists the devices in the order in which they came. The list is the
// table's own.
func (t *Table[V]) Rows() []*Row[V] { return t.list }

// Append writes the table, each value as value does.
func (t *Table[V]) Append(w *pack.Writer, value func(*pack.Writer, *V)) {
	w.Uint(t.Refused)
	w.Int(int64(len(t.list)))
	for _, r := range t.list {
		w.Name(r.Collector)
		w.Name(r.Source)
		w.Text(r.Device)
		w.Name(r.Dataset)
		w.Bool(r.Bare)
		w.Name(r.Municipality)
		w.Int(r.Seen)
		w.Int(t.later[[2]string{r.Collector, r.Source}])
		value(w, &r.Value)
	}
	w.Int(t.later[[2]string{}])
}

// Restore reads what Append wrote; false, and an empty table, when it can't.
func (t *Table[V]) Restore(r *pack.Reader, value func(*pack.Reader, *V)) bool {
	t.Refused = r.Uint()
	for n := r.Int(); n > 0 && !r.Bad; n-- {
		row := &Row[V]{Key: Key{Collector: r.Name(), Source: r.Name(), Device: r.Text(), Dataset: r.Name(), Bare: r.Bool()}, Municipality: r.Name(), Seen: r.Int()}
		if later := r.Int(); later != 0 {
			t.later[[2]string{row.Collector, row.Source}] = later
		}
		value(r, &row.Value)
		if r.Bad || len(t.list) >= t.most || t.rows[row.Key] != nil {
			r.Bad = true
			break
		}
		t.put(row)
	}
	if later := r.Int(); later != 0 {
		t.later[[2]string{}] = later
	}
	if r.Bad {
		*t = *NewTable[V](t.most, t.perSource)
		return false
	}
	return true
}
