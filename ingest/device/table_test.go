package device

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mimamori/internal/pack"
)

// naive is a table as one would first write it.
type naive struct {
	most, perSource int
	seen            map[Key]int64
}

// row answers whether there is room for a device.
func (n *naive) row(k Key, at int64) bool {
	if _, ok := n.seen[k]; ok {
		n.seen[k] = max(n.seen[k], at)
		return true
	}
	own := map[Key]int64{}
	for o, s := range n.seen {
		if o.Source == k.Source {
			own[o] = s
		}
	}
	from := own
	if len(own) < n.perSource {
		from = n.seen
		if len(from) < n.most {
			from = nil
		}
	}
	if from != nil {
		first := slices.MinFunc(slices.Collect(maps.Keys(from)), func(a, b Key) int { return int(from[a] - from[b]) })
		if at-from[first] < unseen {
			return false
		}
		delete(n.seen, first)
	}
	n.seen[k] = at
	return true
}

func TestTableDoesWhatANaiveOneDoesAndSurvivesACheckpoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, want := NewTable[int64](6, 3), &naive{6, 3, map[Key]int64{}}
		at, refused := int64(1), uint64(0)
		for i := range rapid.IntRange(1, 200).Draw(t, "lines") {
			at += rapid.SampledFrom([]int64{1, 100, 3600, 5 * 24 * 3600}).Draw(t, "pause") // never the same moment twice
			k := Key{"c", rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "source"), fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "device")), "d", false}
			row := table.Row(k, "312011", at)
			if (row != nil) != want.row(k, at) {
				t.Fatalf("line %d, %+v: %v, want %v", i, k, row, want.seen)
			}
			if row != nil {
				row.Value++
			} else {
				refused++
			}
			if rapid.IntRange(0, 9).Draw(t, "stop") == 0 {
				w, next := &pack.Writer{}, NewTable[int64](6, 3)
				table.Append(w, func(w *pack.Writer, n *int64) { w.Int(*n) })
				if r := (&pack.Reader{B: w.B}); !next.Restore(r, func(r *pack.Reader, n *int64) { *n = r.Int() }) || len(r.B) != 0 {
					t.Fatal("not restored")
				}
				table = next
			}
			if table.Refused != refused || len(table.Rows()) != len(want.seen) {
				t.Fatalf("%d refused, %d rows", table.Refused, len(table.Rows()))
			}
		}
	})
}

func FuzzRestore(f *testing.F) {
	table, w := NewTable[int64](6, 3), &pack.Writer{}
	table.Row(Key{"c", "s", "d", "e", true}, "312011", 7)
	table.Append(w, func(w *pack.Writer, n *int64) { w.Int(*n) })
	f.Add(w.B)
	f.Fuzz(func(t *testing.T, b []byte) {
		next := NewTable[int64](6, 3)
		if !next.Restore(&pack.Reader{B: b}, func(r *pack.Reader, n *int64) { *n = r.Int() }) && len(next.Rows()) > 0 || len(next.Rows()) > 6 {
			t.Error("more is left than there is room for")
		}
	})
}
