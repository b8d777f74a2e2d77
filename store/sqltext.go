package store

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"mimamori/event"
	"mimamori/internal/lang"
)

// textPredicate returns how one text is tested.
func (t *translator) textPredicate(n *lang.Test) func(x string) string {
	words := texts(n)
	if n.View != lang.Whole {
		return func(x string) string { return either(compared(viewed(x, n.View), n)) }
	}
	fold := func(x string) string { return x }
	if n.Fold && n.Op != lang.Matches {
		fold = func(x string) string { return "lower(" + x + ")" }
	}
	each := func(one func(x, w string) string) func(string) string {
		return func(x string) string {
			parts := make([]string, len(words))
			for i, w := range words {
				parts[i] = one(fold(x), w)
			}
			return either(parts)
		}
	}
	switch n.Op {
	case lang.Eq:
		return func(x string) string { return fold(x) + equals(words) }
	case lang.Contains:
		return each(func(x, w string) string { return "contains(" + x + ", " + quote(w) + ")" })
	case lang.StartsWith:
		return each(func(x, w string) string { return "starts_with(" + x + ", " + quote(w) + ")" })
	case lang.EndsWith:
		return each(func(x, w string) string { return "suffix(" + x + ", " + quote(w) + ")" })
	case lang.Like:
		return each(func(x, w string) string { return x + " LIKE " + quote(likePattern(w)) + ` ESCAPE '\'` })
	case lang.Matches:
		pattern := n.Regexp.String()
		name := "regexp_matches"
		if !t.duck.takes(t.ctx, pattern) {
			name = "mm_matches"
		}
		return func(x string) string { return name + "(" + x + ", " + quote(pattern) + ")" }
	case lang.InCIDR:
		return t.cidr(n.Field, words)
	case lang.InList:
		return func(x string) string { return "mm_in_list(" + x + ", " + quote(words[0]) + ")" }
	}
	return func(string) string { return "false" }
}

// equals compares with one or several texts.
func equals(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	switch len(quoted) {
	case 0:
		return " IN (NULL)"
	case 1:
		return " = " + quoted[0]
	}
	return " IN (" + strings.Join(quoted, ", ") + ")"
}

// wordsPredicate searches for lower-case text without regard to case. Text
// without letters needs no folding; letters of ASCII become a pattern, which
// is twice as fast as folding the line; others are folded.
func wordsPredicate(x, text string) string {
	letters := false
	for i := range len(text) {
		if text[i] >= 0x80 {
			return "contains(lower(" + x + "), " + quote(text) + ")"
		}
		letters = letters || 'a' <= text[i] && text[i] <= 'z'
	}
	if !letters || len(text) > 200 {
		fold := map[bool]string{true: "lower(" + x + ")", false: x}[letters]
		return "contains(" + fold + ", " + quote(text) + ")"
	}
	var b strings.Builder
	for _, c := range text {
		switch {
		case c == 'k':
			b.WriteString(`[kK\x{212A}]`) // the Kelvin sign is a k in lower case
		case c == 'i':
			b.WriteString(`[iI\x{130}]`)
		case 'a' <= c && c <= 'z':
			b.WriteString("[" + string(c) + string(c-'a'+'A') + "]")
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return "regexp_matches(" + x + ", " + quote(b.String()) + ")"
}

// likePattern turns the language's wildcards (* ? and \ before one of them)
// into SQL's (% _).
func likePattern(w string) string {
	var b strings.Builder
	for i := 0; i < len(w); i++ {
		switch c := w[i]; {
		case c == '*':
			b.WriteByte('%')
		case c == '?':
			b.WriteByte('_')
		case c == '\\' && i+1 < len(w) && strings.IndexByte(`*?\`, w[i+1]) >= 0:
			i++
			if w[i] == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(w[i])
		case c == '%' || c == '_' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// cidr tests an address. IPv4 networks over fields of type ip, whose text is
// canonical, become text and number comparisons; the rest is left to Go.
func (t *translator) cidr(f event.Field, nets []string) func(x string) string {
	inGo := func(x, list string) string { return "mm_in_cidr(" + x + ", " + quote(list) + ")" }
	if f.Type() != event.IP {
		return func(x string) string { return inGo(x, strings.Join(nets, ",")) }
	}
	var six []string
	var four []netip.Prefix
	for _, n := range nets {
		if p, err := netip.ParsePrefix(n); err == nil && p.Addr().Is4() {
			four = append(four, p)
		} else {
			six = append(six, n)
		}
	}
	return func(x string) string {
		parts := []string{}
		for _, p := range four {
			parts = append(parts, cidr4(x, p))
		}
		if len(six) > 0 {
			parts = append(parts, "contains("+x+", ':') AND "+inGo(x, strings.Join(six, ",")))
		}
		return either(parts)
	}
}

// cidr4 tests canonical IPv4 text: whole octets by prefix, a part of one by
// its range.
func cidr4(x string, p netip.Prefix) string {
	a := p.Masked().Addr().As4()
	whole, part := p.Bits()/8, p.Bits()%8
	prefix := ""
	for _, o := range a[:whole] {
		prefix += fmt.Sprintf("%d.", o)
	}
	if whole == 4 {
		return x + " = " + quote(strings.TrimSuffix(prefix, "."))
	}
	conds := []string{}
	if whole > 0 {
		conds = append(conds, "starts_with("+x+", "+quote(prefix)+")")
	} else {
		conds = append(conds, "NOT contains("+x+", ':')")
	}
	if part > 0 {
		last := int(a[whole]) | (1<<(8-part) - 1)
		conds = append(conds, fmt.Sprintf("TRY_CAST(split_part(%s, '.', %d) AS INTEGER) BETWEEN %d AND %d", x, whole+1, a[whole], last))
	}
	return strings.Join(conds, " AND ")
}
