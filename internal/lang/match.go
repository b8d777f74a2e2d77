package lang

import (
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"mimamori/internal/aho"
)

// textMatcher returns the comparison of one string.
func textMatcher(t *Test, lists Lists) func(string) bool {
	switch t.Op {
	case Eq:
		return equalMatcher(t)
	case Matches:
		return regexpMatcher(t.Regexp)
	case InCIDR:
		return cidrMatcher(t)
	case InList:
		name := t.Values[0].Str()
		return func(s string) bool { return lists != nil && lists.Contains(name, s) }
	}
	one := map[Op]func(s, w string) bool{Contains: strings.Contains, StartsWith: strings.HasPrefix, EndsWith: strings.HasSuffix, Like: MatchLike}[t.Op]
	if t.Fold {
		one = map[Op]func(s, w string) bool{Contains: ContainsFold, StartsWith: hasPrefixFold, EndsWith: hasSuffixFold, Like: likeFold}[t.Op]
	}
	words := texts(t)
	if len(words) == 1 {
		w := words[0]
		return func(s string) bool { return one(s, w) }
	}
	if t.Op != Like && len(words) >= manyWords && !slices.ContainsFunc(words, func(w string) bool { return w == "" || !utf8.ValidString(w) }) {
		return anyOfMany(words, t.Op, t.Fold, one)
	}
	return func(s string) bool {
		for _, w := range words {
			if one(s, w) {
				return true
			}
		}
		return false
	}
}

// manyWords are looked for in one pass.
const manyWords = 6

func anyOfMany(words []string, op Op, fold bool, one func(s, w string) bool) func(string) bool {
	literals := map[aho.Literal][]int32{}
	for _, w := range words {
		literals[aho.Literal{Text: aho.Fold(w), Left: op == StartsWith, Right: op == EndsWith}] = []int32{0}
	}
	a := aho.New(literals)
	return func(s string) bool {
		if !a.Any(s) {
			return false
		}
		if fold && aho.IsASCII(s) { // there is one way to fold it
			return true
		}
		for _, w := range words { // the one that it is, as the language compares
			if one(s, w) {
				return true
			}
		}
		return false
	}
}

func texts(t *Test) []string {
	out := make([]string, len(t.Values))
	for i, v := range t.Values {
		out[i] = v.Str()
	}
	return out
}

func equalMatcher(t *Test) func(string) bool {
	words := texts(t)
	if len(words) == 1 {
		w := words[0]
		if t.Fold {
			return func(s string) bool { return equalFold(s, w) }
		}
		return func(s string) bool { return s == w }
	}
	set, lengths := make(map[string]struct{}, len(words)), uint64(0)
	for _, w := range words {
		set[w] = struct{}{}
		lengths |= 1 << min(len(w), 63)
	}
	if !t.Fold {
		return func(s string) bool { _, ok := set[s]; return ok }
	}
	return func(s string) bool {
		var low [128]byte
		if len(s) > len(low) || !aho.IsASCII(s) {
			_, ok := set[strings.ToLower(s)]
			return ok
		}
		if lengths>>min(len(s), 63)&1 == 0 {
			return false
		}
		_, ok := set[string(aho.AppendLower(low[:0], s))]
		return ok
	}
}

func cidrMatcher(t *Test) func(string) bool {
	nets := make([]netip.Prefix, len(t.Values))
	for i, v := range t.Values {
		nets[i] = netip.MustParsePrefix(v.Str())
	}
	return func(s string) bool {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return false
		}
		for _, n := range nets {
			if n.Contains(a) {
				return true
			}
		}
		return false
	}
}
