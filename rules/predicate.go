package rules

import (
	"math"
	"net/netip"
	"strconv"
	"unicode/utf8"

	"mimamori/event"
	"mimamori/internal/aho"
	"mimamori/internal/lang"
)

type predicateKind uint8

const (
	predHas     predicateKind = iota // the field is there
	predEqual                        // its folded text is text
	predNumber                       // its number is number
	predLiteral                      // its folded text holds text, anchored as said
	predNetwork                      // its address lies in network
)

// predicate is one question that the index can answer for all rules at once.
type predicate struct {
	field       event.Field
	kind        predicateKind
	text        string // folded
	left, right bool
	number      uint64 // bits of the float
	network     netip.Prefix
}

// String shows the predicate to the author of a rule.
func (p predicate) String() string {
	name := p.field.Name()
	switch p.kind {
	case predEqual:
		return name + " = " + strconv.Quote(p.text)
	case predNumber:
		return name + " = " + strconv.FormatFloat(math.Float64frombits(p.number), 'g', -1, 64)
	case predLiteral:
		star := map[bool]string{false: "*"}
		return name + " like " + strconv.Quote(star[p.left]+p.text+star[p.right])
	case predNetwork:
		return name + " in " + p.network.String()
	}
	return "has " + name
}

// need is what a condition necessarily needs: one of the predicates must hold
// for it to be true. always says that nothing is known; no predicates and not
// always, that it can never be true.
type need struct {
	anyOf  []predicate
	always bool
	share  float64 // of events that pass
}

// frequency is the share of events that pass a predicate: as estimated (share), or
// as observed.
type frequency func(predicate) float64

var needNothing = need{always: true, share: 1}

// necessary derives what a condition needs. negated asks for its opposite.
func (by frequency) necessary(n lang.Node, negated bool) need {
	switch n := n.(type) {
	case lang.Const:
		if bool(n) == negated {
			return need{}
		}
	case lang.Not:
		return by.necessary(n.Node, !negated)
	case lang.And:
		if negated {
			return by.union(n, negated)
		}
		return by.best(n, negated)
	case lang.Or:
		if negated {
			return by.best(n, negated)
		}
		return by.union(n, negated)
	case *lang.Test:
		if !negated {
			return by.testNeed(n)
		}
	case lang.FieldTest:
		if !negated {
			l, r := by.hasNeed(n.Left), by.hasNeed(n.Right)
			if l.share < r.share {
				return l
			}
			return r
		}
	case lang.Words:
		if !negated {
			return by.wordsNeed(n)
		}
	}
	return needNothing
}

// best takes the most selective of the parts that must all be true.
func (by frequency) best(nodes []lang.Node, negated bool) need {
	out := needNothing
	for _, n := range nodes {
		if x := by.necessary(n, negated); out.always || !x.always && x.share < out.share {
			out = x
		}
	}
	return out
}

// union joins the needs of parts of which one must be true.
func (by frequency) union(nodes []lang.Node, negated bool) need {
	var out need
	for _, n := range nodes {
		x := by.necessary(n, negated)
		if x.always {
			return needNothing
		}
		out.anyOf = append(out.anyOf, x.anyOf...)
		out.share += x.share
	}
	return out
}

func (by frequency) one(p predicate) need { return need{anyOf: []predicate{p}, share: by(p)} }

func (by frequency) hasNeed(f event.Field) need { return by.one(predicate{field: f, kind: predHas}) }

func (by frequency) wordsNeed(n lang.Words) need {
	var out need
	for _, name := range []string{"event.original", "message"} {
		x := by.literalNeed(event.MustLookup(name), aho.Literal{Text: n.Text})
		out.anyOf = append(out.anyOf, x.anyOf...)
		out.share += x.share
	}
	return out
}

func (by frequency) testNeed(t *lang.Test) need {
	switch {
	case t.Op == lang.Matches:
		return by.regexpNeed(t.Field, t.Regexp.String())
	case t.Op == lang.Has, t.Op == lang.InList, t.View != lang.Whole, t.Op >= lang.Lt && t.Op <= lang.Ge:
		return by.hasNeed(t.Field)
	}
	var out need
	for _, v := range t.Values {
		x := by.valueNeed(t, v)
		out.anyOf = append(out.anyOf, x.anyOf...)
		out.share += x.share
	}
	return out
}

func (by frequency) valueNeed(t *lang.Test, v event.Value) need {
	s := v.Str()
	switch t.Op {
	case lang.Eq:
		switch v.Kind() {
		case event.Keyword, event.Text, event.IP:
			return by.one(predicate{field: t.Field, kind: predEqual, text: aho.Fold(s)})
		}
		return by.one(predicate{field: t.Field, kind: predNumber, number: numberKey(v)})
	case lang.Contains:
		return by.literalNeed(t.Field, aho.Literal{Text: s})
	case lang.StartsWith:
		return by.literalNeed(t.Field, aho.Literal{Text: s, Left: true})
	case lang.EndsWith:
		return by.literalNeed(t.Field, aho.Literal{Text: s, Right: true})
	case lang.Like:
		return by.likeNeed(t.Field, s)
	case lang.InCIDR:
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return by.hasNeed(t.Field)
		}
		return by.one(predicate{field: t.Field, kind: predNetwork, network: p.Masked()})
	}
	return by.hasNeed(t.Field)
}

// numberKey makes numbers that the language takes for equal the same key.
func numberKey(v event.Value) uint64 { return math.Float64bits(v.Float() + 0) }

func (by frequency) literalNeed(f event.Field, l aho.Literal) need {
	if l.Text == "" || !utf8.ValidString(l.Text) {
		return by.hasNeed(f)
	}
	return by.one(predicate{field: f, kind: predLiteral, text: aho.Fold(l.Text), left: l.Left, right: l.Right})
}

// likeNeed takes the longest run of a wildcard pattern that is literal.
func (by frequency) likeNeed(f event.Field, pattern string) need {
	var bestRun, run []byte
	var bestLit aho.Literal
	left, wild := true, false
	flush := func(right bool) {
		if len(run) > len(bestRun) {
			bestRun = append(bestRun[:0], run...)
			bestLit = aho.Literal{Left: left, Right: right}
		}
		run, left = run[:0], false
	}
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '*' || c == '?':
			flush(false)
			wild = true
		case c == '\\' && i+1 < len(pattern) && (pattern[i+1] == '*' || pattern[i+1] == '?' || pattern[i+1] == '\\'):
			i++
			run = append(run, pattern[i])
		default:
			run = append(run, c)
		}
	}
	flush(true)
	bestLit.Text = string(bestRun)
	if !wild && utf8.ValidString(bestLit.Text) {
		return by.one(predicate{field: f, kind: predEqual, text: aho.Fold(bestLit.Text)})
	}
	return by.literalNeed(f, bestLit)
}
