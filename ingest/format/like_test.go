package format

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// likePrefix reads a pattern byte by byte: the oracle of like.
func likePrefix(s, pattern string) bool {
	i := 0
	for j := range len(pattern) {
		if i >= len(s) {
			return false
		}
		switch c := pattern[j]; c {
		case '#':
			if likeBytes[s[i]]&isDigit == 0 {
				return false
			}
		case '&':
			if likeBytes[s[i]]&isAlnum == 0 {
				return false
			}
		case '*':
			if s[i] <= ' ' {
				return false
			}
			if j+1 < len(pattern) {
				next := pattern[j+1]
				class := next == '#' || next == '&' || next == '*'
				end := min(len(s), i+longestWord)
				for i+1 < end && s[i+1] > ' ' && s[i+1] != next && !(class && likeByte(next, s[i+1])) {
					i++
				}
			}
		case ' ':
			if s[i] != ' ' {
				return false
			}
			for i+1 < len(s) && s[i+1] == ' ' {
				i++
			}
		default:
			if s[i] != c {
				return false
			}
		}
		i++
	}
	return true
}

func TestPatternsAreReadAsByteByByte(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		pattern := rapid.StringOfN(rapid.SampledFrom([]rune(" *#&a1.:")), 1, 8, -1).Draw(r, "pattern")
		s := rapid.StringOfN(rapid.SampledFrom([]rune(" a1.:#*\té")), 0, 12, -1).Draw(r, "text")
		l := newLike(pattern)
		if got, want := l.opens(s), likePrefix(s, pattern); got != want {
			r.Fatalf("%q opens %q: %v, want %v", pattern, s, got, want)
		}
	})
}

// What the sets leave out does not open the line.
func TestNoOpeningIsOverlooked(t *testing.T) {
	x := &builtinSet(t).index.openings
	var texts []string
	for i := range x.list {
		texts = append(texts, x.list[i].text)
	}
	rapid.Check(t, func(r *rapid.T) {
		body := []byte(rapid.SampledFrom(texts).Draw(r, "opening"))
		for i, c := range body { // what the classes stand for, and now and then anything
			switch {
			case c == '#':
				body[i] = rapid.SampledFrom([]byte("0129")).Draw(r, "digit")
			case c == '*' || c == '&' || rapid.IntRange(0, 20).Draw(r, "change") == 0:
				body[i] = rapid.SampledFrom([]byte("a1-./:[ ")).Draw(r, "byte")
			}
		}
		line := trimLine(string(body)) + rapid.SampledFrom([]string{"", "x", " x", "1 - [", " a b c d e f g h"}).Draw(r, "rest")
		if line == "" {
			return
		}
		left := map[int]bool{}
		for _, l := range x.of(nil, line) {
			for i := range 64 {
				if l.bits>>i&1 != 0 {
					left[l.n<<6|i] = true
				}
			}
		}
		for i := range x.list {
			if o := &x.list[i]; o.matches(line) && !left[i] && !(o.text[0] == '*' && (line[0] == '{' || line[0] == '<')) {
				r.Fatalf("%q begins as %q", line, o.text)
			}
		}
	})
}

func TestNeedlesAreFoundWhereTheyAre(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune(" aT|é")), 0, 5, -1).Draw(r, "text")
		s := rapid.StringOfN(rapid.SampledFrom([]rune(" aT|é")), 0, 20, -1).Draw(r, "in")
		n := newNeedle(text)
		if got, want := n.in(s), strings.Contains(s, text); got != want {
			r.Fatalf("%q in %q: %v, want %v", text, s, got, want)
		}
	})
}
