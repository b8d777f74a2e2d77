package lang

import (
	"strings"
	"unicode"

	"mimamori/event"
)

// ParseSearch reads what a person types into a search box: a condition, or
// bare words and "quoted phrases" that must all occur. Text that uses an
// operator or a call is a condition, and its mistakes are reported as such.
// Empty text matches everything.
func ParseSearch(src string) (*Expr, error) {
	src = strings.TrimSpace(src)
	if src == "" {
		return &Expr{Root: Const(true), Shown: Const(true)}, nil
	}
	e, _, err := parse(src, checker{room: event.MaxFields / 2}) // whoever searches can't fill the registry
	switch {
	case err == nil:
		return e, nil
	case looksLikeCondition(src):
		return nil, err
	}
	words := And{}
	for _, w := range splitWords(src) {
		words = append(words, Words{strings.ToLower(w)})
	}
	if len(words) == 1 {
		return &Expr{Source: src, Root: words[0], Shown: words[0]}, nil
	}
	return &Expr{Source: src, Root: words, Shown: words}, nil
}

// looksLikeCondition tells a mistaken condition from plain words.
func looksLikeCondition(src string) bool {
	for _, mark := range []string{"==", "!=", "<=", ">=", "&&", "||", " < ", " > ", " in [", " contains \"", " startsWith \"", " endsWith \"", " matches \"", " and ", " or "} {
		if strings.Contains(src, mark) {
			return true
		}
	}
	for name := range textOps {
		if strings.Contains(src, name+"(") {
			return true
		}
	}
	return strings.Contains(src, "has(") || strings.Contains(src, "inCIDR(") || strings.Contains(src, "inList(") || strings.Contains(src, "text(")
}

// splitWords splits at blanks (the ideographic space too) outside quotes.
func splitWords(src string) []string {
	var words []string
	var cur strings.Builder
	quoted := false
	flush := func() {
		if cur.Len() > 0 {
			words = append(words, cur.String())
			cur.Reset()
		}
	}
	for _, r := range src {
		switch {
		case r == '"' || r == '“' || r == '”' || r == '「' && !quoted || r == '」' && quoted:
			if quoted || cur.Len() == 0 {
				flush()
				quoted = !quoted
				continue
			}
			cur.WriteRune(r)
		case unicode.IsSpace(r) && !quoted:
			flush()
		default:
			cur.WriteRune(r)
		}
	}
	flush()
	return words
}
