package rules

import (
	"mimamori/event"
	"mimamori/internal/aho"
	"mimamori/internal/lang"
)

// regexpNeed finds literals of which any match of the pattern holds one.
func (by frequency) regexpNeed(f event.Field, pattern string) need {
	out := by.hasNeed(f)
	for _, words := range lang.Required(pattern) {
		var n need
		for _, w := range words {
			x := by.literalNeed(f, aho.Literal{Text: w})
			n.anyOf = append(n.anyOf, x.anyOf...)
			n.share += x.share
		}
		if n.share < out.share {
			out = n
		}
	}
	return out
}
