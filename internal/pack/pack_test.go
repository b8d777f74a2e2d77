package pack

import (
	"testing"

	"pgregory.net/rapid"
)

// value is one thing of each kind.
type value struct {
	u          uint64
	i          int64
	b          bool
	text, name string
}

func values(t *rapid.T) []value {
	return rapid.SliceOf(rapid.Custom(func(t *rapid.T) value {
		return value{
			rapid.Uint64().Draw(t, "u"), rapid.Int64().Draw(t, "i"), rapid.Bool().Draw(t, "b"),
			rapid.String().Draw(t, "text"), rapid.SampledFrom([]string{"", "a", "bb"}).Draw(t, "name"),
		}
	})).Draw(t, "values")
}

func written(list []value) []byte {
	w := &Writer{}
	w.Uint(uint64(len(list)))
	for _, v := range list {
		w.Uint(v.u)
		w.Int(v.i)
		w.Bool(v.b)
		w.Part(func(w *Writer) {
			w.Text(v.text)
			w.Name(v.name)
		})
		w.Name(v.name)
	}
	return w.B
}

func read(b []byte) (list []value, bad bool) {
	r := &Reader{B: b}
	for range r.Length() {
		v := value{u: r.Uint(), i: r.Int(), b: r.Bool()}
		part := &Reader{B: r.Bytes()}
		v.text, v.name = part.Text(), part.Name()
		if name := r.Name(); r.Bad || part.Bad || len(part.B) > 0 || name != v.name {
			return list, true
		}
		list = append(list, v)
	}
	return list, r.Bad || len(r.B) > 0
}

func TestWhatIsWrittenIsReadBackAndNothingShorterIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := values(t)
		b := written(want)
		got, bad := read(b)
		if bad || len(got) != len(want) {
			t.Fatalf("%d of %d values, bad: %v", len(got), len(want), bad)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%+v became %+v", want[i], got[i])
			}
		}
		if cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut"); len(want) > 0 {
			if _, bad := read(b[:cut]); !bad {
				t.Fatalf("%d of %d bytes are taken for whole", cut, len(b))
			}
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add(written([]value{{1, -1, true, "text", "name"}, {2, 2, false, "", "name"}}))
	f.Fuzz(func(_ *testing.T, b []byte) { read(b) })
}
