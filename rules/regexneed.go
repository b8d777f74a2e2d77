package rules

import (
	"regexp/syntax"

	"mimamori/event"
	"mimamori/internal/aho"
)

// regexpNeed finds literals of which any match of the pattern holds one.
func regexpNeed(f event.Field, pattern string) need {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return hasNeed(f)
	}
	words, ok := required(re.Simplify())
	if !ok {
		return hasNeed(f)
	}
	var out need
	for _, w := range words {
		x := literalNeed(f, aho.Literal{Text: w})
		out.anyOf = append(out.anyOf, x.anyOf...)
		out.share += x.share
	}
	return out
}

// maxAlternatives bounds how many literals one pattern may put into the index.
const maxAlternatives = 64

// required returns literals of which every match holds at least one; false
// when there are none to be had.
func required(re *syntax.Regexp) ([]string, bool) {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{string(re.Rune)}, true
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		var found []string
		for _, sub := range re.Sub {
			if w, ok := required(sub); ok && (found == nil || shortest(w) > shortest(found)) {
				found = w
			}
		}
		return found, found != nil
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			w, ok := required(sub)
			if !ok || len(all)+len(w) > maxAlternatives {
				return nil, false
			}
			all = append(all, w...)
		}
		return all, len(all) > 0
	}
	return nil, false
}

func shortest(words []string) int {
	n := len(words[0])
	for _, w := range words[1:] {
		n = min(n, len(w))
	}
	return n
}
