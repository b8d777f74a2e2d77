package lang

import (
	"strings"
	"unicode/utf8"
)

// ContainsFold tells whether s holds lower, letter case aside. lower must be
// in lower case already.
func ContainsFold(s, lower string) bool {
	if lower == "" {
		return true
	}
	if !isASCII(lower) || !isASCII(s) {
		return strings.Contains(strings.ToLower(s), lower)
	}
	first, upper := lower[0], lower[0]
	if 'a' <= first && first <= 'z' {
		upper -= 'a' - 'A'
	}
	// Each letter case is looked for once, so that a long line of one letter
	// costs no more than any other.
	a, b := indexFrom(s, first, 0), len(s)
	if upper != first {
		b = indexFrom(s, upper, 0)
	}
	for i := min(a, b); i+len(lower) <= len(s); i = min(a, b) {
		switch {
		case equalFoldASCII(s[i:i+len(lower)], lower):
			return true
		case i == a:
			a = indexFrom(s, first, i+1)
		default:
			b = indexFrom(s, upper, i+1)
		}
	}
	return false
}

// indexFrom finds c at or after from, len(s) where there is none.
func indexFrom(s string, c byte, from int) int {
	if i := strings.IndexByte(s[from:], c); i >= 0 {
		return from + i
	}
	return len(s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func equalFoldASCII(s, lower string) bool {
	for i := range len(lower) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// equalFold compares by strings.ToLower, as every other fold here does.
func equalFold(s, lower string) bool {
	if len(s) == len(lower) && isASCII(s) {
		return equalFoldASCII(s, lower)
	}
	return strings.ToLower(s) == lower
}

func hasPrefixFold(s, lower string) bool {
	if len(s) >= len(lower) && isASCII(lower) && isASCII(s[:len(lower)]) {
		return equalFoldASCII(s[:len(lower)], lower)
	}
	return strings.HasPrefix(strings.ToLower(s), lower)
}

func hasSuffixFold(s, lower string) bool {
	if len(s) >= len(lower) && isASCII(lower) && isASCII(s[len(s)-len(lower):]) {
		return equalFoldASCII(s[len(s)-len(lower):], lower)
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
