package aho

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

type marks map[int32]bool

func (m marks) Mark(u int32) { m[u] = true }

var text = rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "A", "b", "c", "K", "K", "ſ", "İ", "外", "\xff", ".", "z"}), 0, 9), func(l []string) string { return strings.Join(l, "") })

// TestAllThatATextHoldsIsFound: what strings.Contains and its like say of folded
// texts, one literal after the other.
func TestAllThatATextHoldsIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		literals, words := map[Literal][]int32{}, []Literal{}
		long := rapid.SampledFrom([]string{"", "abcabc"}).Draw(t, "in all") // those are found by skipping
		for i := range rapid.IntRange(1, 8).Draw(t, "literals") {
			l := Literal{Text: Fold(text.Draw(t, "literal") + long + text.Draw(t, "rest")), Left: rapid.Bool().Draw(t, "left"), Right: rapid.Bool().Draw(t, "right")}
			if l.Text == "" {
				continue
			}
			literals[l] = append(literals[l], int32(i))
			for len(words) <= i {
				words = append(words, Literal{})
			}
			words[i] = l
		}
		if len(literals) == 0 {
			return
		}
		raw := text.Draw(t, "text")
		for range rapid.IntRange(0, 3).Draw(t, "literals in the text") {
			raw += rapid.SampledFrom(words).Draw(t, "held").Text + text.Draw(t, "more")
		}
		s := Fold(raw)
		var want []int32
		for i, l := range words {
			switch {
			case l.Text == "":
			case l.Left && l.Right && s == l.Text, l.Left && !l.Right && strings.HasPrefix(s, l.Text), !l.Left && l.Right && strings.HasSuffix(s, l.Text), !l.Left && !l.Right && strings.Contains(s, l.Text):
				want = append(want, int32(i))
			}
		}
		a, got := New(literals), marks{}
		Scan(a, s, got)
		for _, u := range want {
			if !got[u] {
				t.Fatalf("%v in %q: %v is not found", words, s, words[u])
			}
		}
		if len(got) != len(want) || a.Any(raw) != (len(want) > 0) {
			t.Fatalf("%v in %q: found %v, any %v, want %v", words, s, got, a.Any(raw), want)
		}
		if a.AsIs(raw) {
			plain := marks{}
			if Scan(a, raw, plain); len(plain) != len(want) {
				t.Fatalf("%v in %q: unfolded %v, want %v", words, raw, plain, want)
			}
		}
	})
}

// TestPlainKnowsEveryLetter: which letters fold into ASCII.
func TestPlainKnowsEveryLetter(t *testing.T) {
	for r := rune(utf8.RuneSelf); r <= unicode.MaxRune; r++ {
		if folds := foldRune(r) < utf8.RuneSelf; Plain("a"+string(r)) == folds {
			t.Errorf("%U folds into ASCII: %v", r, folds)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	line := strings.Repeat("Nov 22 11:02:13 gw01 sshd[4711]: Accepted publickey for sato from 10.1.2.3 port 22 ", 40)
	for name, words := range map[string][]string{
		"table": {"mimidrv.sys", "sekurlsa::", "lsadump::", "dpapi::masterkey", "gwx"},
		"skip":  {"mimidrv.sys", "sekurlsa::", "lsadump::", "dpapi::masterkey", "event::clear"},
	} {
		literals := map[Literal][]int32{}
		for i, w := range words {
			literals[Literal{Text: w}] = []int32{int32(i)}
		}
		a := New(literals)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(line)))
			var f found
			for b.Loop() {
				Scan(a, line, &f)
			}
		})
	}
}
