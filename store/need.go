package store

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"mimamori/event"
	"mimamori/internal/lang"
)

// need is what a slice must have so that a condition can be true in it; nil is
// nothing, and then any slice may do. has answers for the slice's filter.
type need func(g *segment, has func(key uint64) bool) bool

// newNeed takes from a condition what it needs. It errs towards nothing: what it
// says no to holds no event that matches.
func newNeed(n lang.Node) need {
	switch n := n.(type) {
	case lang.Const:
		if !n {
			return func(*segment, func(uint64) bool) bool { return false }
		}
	case lang.And:
		return needAll(n)
	case lang.Or:
		return needAny(n)
	case lang.Words:
		return inFields(needText(n.Text), "event.original", "message")
	case *lang.Test:
		return inFields(needTest(n), n.Field.Name())
	}
	return nil // Not, above all: that a slice has a key says nothing about its other events
}

func needAll(nodes []lang.Node) need {
	var all []need
	for _, n := range nodes {
		if k := newNeed(n); k != nil {
			all = append(all, k)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return func(g *segment, has func(uint64) bool) bool {
		return !slices.ContainsFunc(all, func(k need) bool { return !k(g, has) })
	}
}

func needAny(nodes []lang.Node) need {
	var kids []need
	for _, n := range nodes {
		k := newNeed(n)
		if k == nil {
			return nil
		}
		kids = append(kids, k)
	}
	return func(g *segment, has func(uint64) bool) bool {
		return slices.ContainsFunc(kids, func(k need) bool { return k(g, has) })
	}
}

// inFields asks for alternatives of keys, all of one. Of segments in which a
// field may be in rest, or no text, nothing is known.
func inFields(keys [][]uint64, names ...string) need {
	if keys == nil || slices.ContainsFunc(keys, func(all []uint64) bool { return len(all) == 0 }) {
		return nil
	}
	return func(g *segment, has func(uint64) bool) bool {
		for _, name := range names {
			if s, ok := g.columns[name]; g.inRest(name) || ok && s != shapeString && s != shapeList {
				return true
			}
		}
		return slices.ContainsFunc(keys, func(all []uint64) bool {
			return !slices.ContainsFunc(all, func(key uint64) bool { return !has(key) })
		})
	}
}

// needText are the keys of a part of a text.
func needText(part string) [][]uint64 { return [][]uint64{partKeys(part)} }

// maxAsked bounds the keys that are asked for one part: a long one's first tell enough.
const maxAsked = 64

// partKeys are the keys that every text has that holds the part, letter case
// aside: none where it is too short, or no text that is stored as it is.
func partKeys(part string) (keys []uint64) {
	if !utf8.ValidString(part) {
		return nil
	}
	part = strings.ToLower(part)
	quads(part, func(q quad) { keys = append(keys, scatter(q.number())) })
	grams(part, func(g uint64) {
		if key := scatter(g); len(keys) < maxAsked && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	})
	return keys
}

// needTest are the keys that a test of one field needs: one list for each of its
// alternatives, nil where nothing is known.
func needTest(n *lang.Test) [][]uint64 {
	switch n.Field.Type() {
	case event.Long, event.Double, event.Date, event.Boolean:
		return nil
	}
	if n.View != lang.Whole {
		return nil
	}
	each := func(keys func(string) []uint64) [][]uint64 {
		out := [][]uint64{}
		for _, v := range n.Values {
			out = append(out, keys(v.Str()))
		}
		return out
	}
	switch n.Op {
	case lang.Eq:
		seed := fieldSeed(n.Field.Name())
		return each(func(s string) []uint64 {
			if keys := partKeys(s); isProse(n.Field.Name()) || !utf8.ValidString(s) {
				return keys
			}
			return append([]uint64{valueKey(seed, strings.ToLower(s))}, partKeys(s)...)
		})
	case lang.Contains, lang.StartsWith, lang.EndsWith:
		return each(partKeys)
	case lang.Like:
		return each(func(s string) (keys []uint64) {
			for _, part := range literals(s) {
				keys = append(keys, partKeys(part)...)
			}
			return keys
		})
	case lang.Matches:
		return needPattern(n.Regexp)
	}
	return nil
}

// literals are the parts of a pattern of Like between its wildcards.
func literals(p string) (parts []string) {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '*' || p[i] == '?':
			parts = append(parts, b.String())
			b.Reset()
			continue
		case p[i] == '\\' && i+1 < len(p) && strings.IndexByte(`*?\`, p[i+1]) >= 0:
			i++
		}
		b.WriteByte(p[i])
	}
	return append(parts, b.String())
}

// needPattern takes the literals that a pattern can't do without. Of one that
// ignores letter case nothing is asked: there a letter may stand for others than
// its lower case, like the long s.
func needPattern(re *regexp.Regexp) (keys [][]uint64) {
	if strings.Contains(re.String(), "(?") {
		return nil
	}
	best := 0
	for _, words := range lang.Required(re.String()) {
		var alternatives [][]uint64
		least := maxAsked
		for _, w := range words {
			k := partKeys(w)
			least = min(least, len(k))
			alternatives = append(alternatives, k)
		}
		if least > best {
			best, keys = least, alternatives
		}
	}
	return keys
}
