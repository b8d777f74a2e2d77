package lang

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"mimamori/internal/aho"
)

// maxAlternatives bounds how many literals stand for one part of a pattern.
const maxAlternatives = 64

// Required returns sets of literals: any text that the pattern matches holds one
// of each set, letter case aside. None is nil: nothing is known.
func Required(pattern string) [][]string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	return required(re.Simplify())
}

func required(re *syntax.Regexp) [][]string {
	switch re.Op {
	case syntax.OpLiteral:
		return [][]string{{string(re.Rune)}}
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		var all [][]string
		for _, sub := range re.Sub {
			all = append(all, required(sub)...)
		}
		return all
	case syntax.OpAlternate:
		var one []string
		for _, sub := range re.Sub {
			sets := required(sub)
			if len(sets) == 0 {
				return nil
			}
			one = append(one, slices.MaxFunc(sets, func(a, b []string) int { return least(a) - least(b) })...)
			if len(one) > maxAlternatives {
				return nil
			}
		}
		return [][]string{one}
	}
	return nil
}

// least is the length of the shortest.
func least(words []string) int {
	return len(slices.MinFunc(words, func(a, b string) int { return len(a) - len(b) }))
}

// regexpMatcher looks for what a pattern needs before it runs it, which takes
// ten times as long and more.
func regexpMatcher(re *regexp.Regexp) func(string) bool {
	var needs []func(string) bool
	for _, words := range Required(re.String()) {
		literals, plain := map[aho.Literal][]int32{}, true
		for _, w := range words {
			plain = plain && w != "" && aho.IsASCII(w)
			literals[aho.Literal{Text: aho.Fold(w)}] = []int32{0}
		}
		switch {
		case !plain:
		case len(words) == 1:
			w := strings.ToLower(words[0])
			needs = append(needs, func(s string) bool { return ContainsFold(s, w) })
		default:
			needs = append(needs, aho.New(literals).Any)
		}
	}
	if len(needs) == 0 {
		return re.MatchString
	}
	return func(s string) bool {
		if aho.IsASCII(s) { // there is one way to fold it
			for _, holds := range needs {
				if !holds(s) {
					return false
				}
			}
		}
		return re.MatchString(s)
	}
}
