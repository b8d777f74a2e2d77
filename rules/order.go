package rules

import (
	"cmp"
	"slices"

	"mimamori/event"
	"mimamori/internal/lang"
)

// cheapFirst reorders a condition so that what costs little is asked first.
// Conditions have no effects, so the answer is the same.
func cheapFirst(n lang.Node) lang.Node {
	sorted := func(nodes []lang.Node) []lang.Node {
		out := make([]lang.Node, len(nodes))
		for i, x := range nodes {
			out[i] = cheapFirst(x)
		}
		slices.SortStableFunc(out, func(a, b lang.Node) int { return cmp.Compare(price(a), price(b)) })
		return out
	}
	switch n := n.(type) {
	case lang.And:
		return lang.And(sorted(n))
	case lang.Or:
		return lang.Or(sorted(n))
	case lang.Not:
		return lang.Not{Node: cheapFirst(n.Node)}
	}
	return n
}

// price estimates what asking a condition costs, in nanoseconds.
func price(n lang.Node) int {
	switch n := n.(type) {
	case lang.And:
		return prices(n)
	case lang.Or:
		return prices(n)
	case lang.Not:
		return price(n.Node)
	case lang.Words:
		return 2000
	case lang.Holiday:
		return 1000
	case *lang.Test:
		switch n.Op {
		case lang.Contains:
			return 60 * min(len(n.Values), 6) // more are looked for in one pass
		case lang.Like:
			return 100 * len(n.Values)
		case lang.StartsWith, lang.EndsWith:
			return 12 * min(len(n.Values), 20)
		case lang.Matches:
			return 1000
		case lang.InCIDR, lang.InList:
			return 40
		case lang.Eq:
			if n.Fold && n.Field.Type() != event.Long && len(n.Values) > 1 {
				return 50
			}
		}
	}
	return 5
}

func prices(nodes []lang.Node) (sum int) {
	for _, n := range nodes {
		sum += price(n)
	}
	return sum
}
