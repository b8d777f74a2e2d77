package cluster

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func add(s *Shapes, lines ...string) {
	for _, l := range lines {
		s.Add(Line{Group: "no format", Body: l, Whole: l, Source: "a"})
	}
}

func TestLinesOfOneKindAreOneShape(t *testing.T) {
	s := New(100)
	for i := range 50 {
		add(s,
			fmt.Sprintf("session %d opened for user u%d from 192.0.2.%d", i, i%7, i),
			fmt.Sprintf("disk /dev/sd%c is %d%% full", 'a'+i%3, i),
			fmt.Sprintf(`ts=%d src=10.0.0.%d msg="some words %d"`, i, i, i),
			fmt.Sprintf(`ts=%d src=10.0.0.%d msg="x" user=u%d`, i, i, i),
			fmt.Sprintf(`{"id":%d,"who":{"name":"u%d","tags":[{"a":1}]},"note":"n"}`, i, i),
			fmt.Sprintf("<Entry><Id>%d</Id><Who Name=\"x\"/></Entry>", i),
			fmt.Sprintf(`"a quoted text %d" took %d ms`, i, i),
		)
	}
	got := map[string]int{}
	for _, sh := range s.List() {
		got[sh.Pattern] = sh.Count
		if sh.Example == "" || len(sh.Sources) != 1 || sh.Sources[0].Count != sh.Count || sh.Group != "no format" {
			t.Errorf("%+v", sh)
		}
	}
	for pattern, n := range map[string]int{
		"session # opened for user u# from <ip>": 50, "disk * is #% full": 50, "pairs msg src ts user?": 100,
		"json id note who who.name who.tags": 50, "xml Entry Id Who": 50, `"*" took # ms`: 50,
	} {
		if got[pattern] != n {
			t.Errorf("%q: %d lines, want %d", pattern, got[pattern], n)
		}
	}
	if len(got) != 6 {
		t.Errorf("%d shapes: %v", len(got), got)
	}
}

func TestReasonsAndProgramsAreKeptApart(t *testing.T) {
	s := New(100)
	for _, app := range []string{"a", "b"} {
		for _, group := range []string{"x", "y"} {
			s.Add(Line{Group: group, App: app, Body: "the same", Whole: "the same"})
		}
	}
	if list := s.List(); len(list) != 4 {
		t.Errorf("%+v", list)
	}
}

// Whatever comes in, each line is counted once, and there are no more shapes
// than allowed.
func TestEveryLineIsCountedOnce(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		limit := rapid.IntRange(1, 20).Draw(r, "limit")
		s := New(limit)
		lines := rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-c ="{}<>:,0-9\\\[\]]{0,60}`))).Draw(r, "lines")
		add(s, lines...)
		total := s.Other
		list := s.List()
		for i, sh := range list {
			total += sh.Count
			if i > 0 && sh.Count > list[i-1].Count {
				r.Fatal("not the most frequent first")
			}
		}
		if total != len(lines) || len(list) > limit {
			r.Fatalf("%d lines became %d, in %d shapes of at most %d", len(lines), total, len(list), limit)
		}
	})
}

// Many shapes and lines of the worst kind meet the bounds; a test that took a
// square of them would not end.
func TestManyShapesCostBoundedMemory(t *testing.T) {
	s := New(200)
	long := strings.Repeat("x=1 ", 100_000)
	for i := range 20_000 {
		add(s, fmt.Sprintf("%c%c%c word %d", 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26, i))
	}
	add(s, long, strings.Repeat(`{"a":`, 50_000), strings.Repeat("<a", 50_000))
	list := s.List()
	if len(list) != 200 || s.Other != 20_003-sum(list) {
		t.Errorf("%d shapes, %d others, %d counted", len(list), s.Other, sum(list))
	}
	for _, sh := range list {
		if len(sh.Example) > maxText {
			t.Errorf("an example of %d bytes", len(sh.Example))
		}
	}
}

func sum(list []Shape) (n int) {
	for _, sh := range list {
		n += sh.Count
	}
	return n
}

func FuzzAdd(f *testing.F) {
	for _, l := range []string{`{"a":{"b":[1,{"c":2}]}}`, `a=1 b="x y" c=`, "<a><b/>", `"\`, "10.0.0.1:80 1a2b3c4d5e6f", "\\", "="} {
		f.Add(l)
	}
	f.Fuzz(func(t *testing.T, line string) {
		s := New(10)
		add(s, line, line)
		if list := s.List(); len(list) != 1 || list[0].Count != 2 {
			t.Fatalf("a line is not of its own shape: %+v", list)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	s := New(1000)
	i := 0
	for b.Loop() {
		i++
		l := fmt.Sprintf("session %d opened for user u%d from 192.0.2.%d port %d via ssh", i, i%7, i%250, i)
		s.Add(Line{Body: l, Whole: l})
	}
}
