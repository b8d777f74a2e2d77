package store

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/lang"
)

// everyText is text as devices write it, and worse.
var everyText = rapid.OneOf(genTexts, genIPs, rapid.StringN(0, 20, -1),
	rapid.StringMatching(`(src=|[0-9a-f:]{0,9})[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}(\.[0-9]{1,2})?[ ,a-z]{0,5}`))

// TestAFilterHasEveryPartOfItsTexts is the one thing that a filter must not get wrong.
func TestAFilterHasEveryPartOfItsTexts(t *testing.T) {
	x := newFilterer()
	rapid.Check(t, func(t *rapid.T) {
		c := &column{name: "user.name", shape: shapeString, dict: newDict()}
		c.reset()
		texts := rapid.SliceOfN(everyText, 1, 20).Draw(t, "texts")
		for _, s := range texts {
			c.addString(s)
		}
		of := x.begin(c.rows, false)
		x.on(of)
		x.column(c)
		g := x.finish(of)
		f := strings.NewReader(string(x.out))
		s := cleanText(rapid.SampledFrom(texts).Draw(t, "text"))
		runes := []rune(s)
		from := rapid.IntRange(0, len(runes)).Draw(t, "from")
		part := string(runes[from:rapid.IntRange(from, len(runes)).Draw(t, "to")])
		for _, key := range partKeys(part) {
			if yes, sound := may(f, 0, g.Blocks[0], key); !yes || !sound {
				t.Fatalf("%q is a part of %q, and the filter says no (sound %v)", part, s, sound)
			}
		}
	})
}

func TestAFilterIsSmallAndSaysNo(t *testing.T) {
	f := &filter{}
	for _, n := range []int{1, 100, 10_000, 60_000} {
		for i := range n {
			f.add(scatter(uint64(i)))
		}
		raw, blocks := f.appendTo(nil)
		r, wrong := strings.NewReader(string(raw)), 0
		for i := range 20_000 {
			if yes, sound := may(r, 0, blocks, scatter(uint64(1<<30+i))); yes && sound {
				wrong++
			}
		}
		for i := range n {
			if yes, _ := may(r, 0, blocks, scatter(uint64(i))); !yes {
				t.Fatalf("key %d of %d is missing", i, n)
			}
		}
		t.Logf("%d keys: %d bytes, %.1f bits a key, %.2f %% wrong", n, len(raw), float64(len(raw)*8)/float64(n), float64(wrong)/200)
		if wrong > 400 || n >= 100 && len(raw)*8 > 24*n {
			t.Errorf("%d keys: %d bytes, %d of 20,000 wrong", n, len(raw), wrong)
		}
	}
}

// TestFiltersChangeNoAnswer asks everything in all ways, with filters and without.
func TestFiltersChangeNoAnswer(t *testing.T) {
	s := open(t, t.TempDir(), Options{Threads: 1})
	s.enc.bare = 0
	m := newMix(11)
	for range 5 {
		commit(t, s, m.batch(400))
	}
	s.unfiltered = true
	want := answers(t, s)
	s.unfiltered = false
	if got := answers(t, s); got != want {
		t.Fatal("filters change an answer")
	}
}

// needles are what people look for.
var needles = []string{"203.0.113.77", "tanuki_7", "pc-4711.example.jp", "9f86d081884c7d65", "住民", "2001:db8::77", "Evil.EXE"}

// haystack is a store of 20,000 events, of which one has each needle.
func haystack(t *testing.T, dir string) *Store {
	s := open(t, dir, Options{Threads: 1})
	s.enc.bare = 0
	m := newMix(4)
	b, x := m.batch(20_000), new(event.Builder)
	for i, text := range needles {
		x.Set(event.MustLookup("@timestamp"), event.Time(m.now-int64(i)*1e6))
		x.Set(event.MustLookup("event.dataset"), event.String("squid.access"))
		x.Set(event.MustLookup("event.original"), event.String("line with "+text+"5 in it"))
		x.Set(event.MustLookup("user.name"), event.String(text))
		x.Set(event.MustLookup("related.ip"), event.Strings([]string{"192.0.2.1", text}))
		b.Append(x, event.Ref{Collector: "c", Source: "s", Seq: uint64(i + 1)})
	}
	commit(t, s, b)
	return s
}

func TestANeedleIsFoundInFewSlices(t *testing.T) {
	s := haystack(t, t.TempDir())
	for _, text := range needles {
		for _, q := range []string{
			fmt.Sprintf("%q", text), fmt.Sprintf("user.name == %q", text), fmt.Sprintf("lower(user.name) == %q", strings.ToLower(text)),
			fmt.Sprintf("related.ip == %q", text), fmt.Sprintf("event.original contains %q", text), fmt.Sprintf(`like(event.original, "*%s*in it")`, text),
			fmt.Sprintf(`user.name in ["nobody-at-all", %q] && has(event.dataset)`, text),
		} {
			x, err := s.ask(context.Background(), event.Query{Text: q})
			if err != nil {
				t.Fatal(q, err)
			}
			if len(x.found) != 1 {
				t.Errorf("%s: found %v", q, x.found)
			}
			part, err := x.held[0].ask(newNeed(x.expr.Root), s)
			if err != nil || len(part.slices) > 2 {
				t.Errorf("%s: %d slices of 5, %v", q, len(part.slices), err)
			}
			x.done()
		}
	}
}

func TestWhatAFilterCannotTellIsReadWhole(t *testing.T) {
	for q, want := range map[string]bool{
		`!(user.name == "nobody")`: false, `user.name == "nobody" || destination.port == 1`: false, `"77"`: false, `has(user.name)`: false,
		`user.name matches "(?i)nobody"`: false, `user.name matches "nobody[0-9]"`: true, `source.port == 1`: false, `inList(user.name, "x")`: false,
		`user.name == "nobody" && !(destination.port == 1)`: true, `text("nobody at all") || user.name == "x"`: true, `like(user.name, "*a*b*")`: false,
	} {
		e, err := lang.ParseSearch(q)
		if err != nil {
			t.Fatal(q, err)
		}
		if got := newNeed(e.Root) != nil; got != want {
			t.Errorf("%s: asks filters %v, want %v", q, got, want)
		}
	}
}

func TestADamagedFilterHidesNothingAndIsNamed(t *testing.T) {
	dir := t.TempDir()
	s := haystack(t, dir)
	g := s.segments[0]
	raw, err := os.ReadFile(g.path)
	if err != nil {
		t.Fatal(err)
	}
	group := g.manifest.Filters.Groups[0]
	size := int64(0)
	for _, b := range group.Blocks {
		size += int64(b) * blockBytes
	}
	for i := group.At; i < group.At+size; i += blockBytes {
		raw[i+i%blockBytes] &^= 0xff // bits that say yes are gone
	}
	if err := os.WriteFile(g.path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range needles {
		n, err := s.Count(context.Background(), event.Query{Text: fmt.Sprintf("%q", text)})
		if err != nil || n != 1 {
			t.Errorf("%s: %d, %v", text, n, err)
		}
	}
	if st := s.Stats(); len(st.Damaged) != 1 || st.Damaged[0] != g.path {
		t.Fatalf("%+v", st)
	}
	g.manifest.Filters = nil // as older programs wrote it
	for _, text := range needles {
		n, err := s.Count(context.Background(), event.Query{Text: fmt.Sprintf("%q", text)})
		if err != nil || n != 1 {
			t.Errorf("without filters, %s: %d, %v", text, n, err)
		}
	}
}
