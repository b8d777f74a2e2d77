package lang

import (
	"strings"
	"unicode/utf8"

	"mimamori/internal/aho"
)

// ContainsFold tells whether s holds lower, letter case aside. lower must be
// in lower case already.
func ContainsFold(s, lower string) bool {
	if lower == "" {
		return true
	}
	if !aho.IsASCII(lower) || !aho.Plain(s) {
		return strings.Contains(strings.ToLower(s), lower)
	}
	at := rarest(lower)
	char, upper := lower[at], lower[at]
	if 'a' <= char && char <= 'z' {
		upper -= 'a' - 'A'
	}
	// Each letter case is looked for once, so that a long line of one letter
	// costs no more than any other.
	a, b := indexFrom(s, char, at), len(s)
	if upper != char {
		b = indexFrom(s, upper, at)
	}
	for i := min(a, b); i-at+len(lower) <= len(s); i = min(a, b) {
		switch {
		case aho.BeginsWith(s[i-at:i-at+len(lower)], lower):
			return true
		case i == a:
			a = indexFrom(s, char, i+1)
		default:
			b = indexFrom(s, upper, i+1)
		}
	}
	return false
}

// frequent are the characters of logs, the most frequent first.
const frequent = "e \\tsoniar0cd1lpm2wu3.fh4vg5b:6-y789x/=k_,'\"()zjq"

var often = func() (order [utf8.RuneSelf]uint8) {
	for i := range len(frequent) {
		order[frequent[i]] = uint8(len(frequent) - i)
	}
	return order
}()

// rarest is where the character of s stands that is the least frequent in logs.
func rarest(s string) (at int) {
	for i := range len(s) {
		if often[s[i]] < often[s[at]] {
			at = i
		}
	}
	return at
}

// indexFrom finds c at or after from, len(s) where there is none.
func indexFrom(s string, c byte, from int) int {
	if from >= len(s) {
		return len(s)
	}
	if i := strings.IndexByte(s[from:], c); i >= 0 {
		return from + i
	}
	return len(s)
}

// equalFold compares by strings.ToLower, as every other fold here does.
func equalFold(s, lower string) bool {
	if aho.IsASCII(s) {
		return len(s) == len(lower) && aho.BeginsWith(s, lower)
	}
	return strings.ToLower(s) == lower
}

func hasPrefixFold(s, lower string) bool {
	if len(s) >= len(lower) && aho.IsASCII(lower) && aho.IsASCII(s[:len(lower)]) {
		return aho.BeginsWith(s[:len(lower)], lower)
	}
	return strings.HasPrefix(strings.ToLower(s), lower)
}

func hasSuffixFold(s, lower string) bool {
	if len(s) >= len(lower) && aho.IsASCII(lower) && aho.IsASCII(s[len(s)-len(lower):]) {
		return aho.BeginsWith(s[len(s)-len(lower):], lower)
	}
	return strings.HasSuffix(strings.ToLower(s), lower)
}

func likeFold(s, lower string) bool { return MatchLike(strings.ToLower(s), lower) }

// MatchLike matches s as a whole against a pattern with * (any run), ? (one
// character) and \ (the next *, ? or \ for itself), in time linear in s for
// each star.
func MatchLike(s, p string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for i < len(s) {
		if j < len(p) {
			switch c := p[j]; {
			case c == '*':
				star, mark = j, i
				j++
				continue
			case c == '?':
				_, n := utf8.DecodeRuneInString(s[i:])
				i, j = i+n, j+1
				continue
			case c == '\\' && j+1 < len(p) && strings.IndexByte(`*?\`, p[j+1]) >= 0:
				if s[i] == p[j+1] {
					i, j = i+1, j+2
					continue
				}
			case s[i] == c:
				i, j = i+1, j+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		_, n := utf8.DecodeRuneInString(s[mark:])
		mark += n
		i, j = mark, star+1
	}
	for j < len(p) && p[j] == '*' {
		j++
	}
	return j == len(p)
}
