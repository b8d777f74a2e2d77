package elastic

import (
	"net/netip"
	"strings"

	"mimamori/event"
	"mimamori/internal/lang"
)

func regex(field, pattern string) body {
	return body{"regexp": body{field: body{"value": pattern, "flags": "NONE"}}}
}

func texts(t *lang.Test) []string {
	out := make([]string, len(t.Values))
	for i, v := range t.Values {
		out[i] = v.Str()
	}
	return out
}

// keyword translates a test of an exact text, or of any element of a list.
func (x translator) keyword(t *lang.Test) bound {
	f := t.Field
	field := path(f)
	switch {
	case x.product == openSearch && !f.Known() && t.Op != lang.Eq: // flat_object has no patterns
		return within(has(f))
	case t.Op == lang.Eq && !t.Fold:
		return exactly(body{"terms": body{field: texts(t)}})
	case t.Op == lang.InCIDR, t.Op == lang.InList:
		return within(has(f))
	case t.Op == lang.Matches:
		most := []body{has(f)}
		for _, p := range needed(t.Regexp) {
			most = append(most, regex(values(f), p))
		}
		return within(all(most...))
	}
	var parts []bound
	for _, w := range texts(t) {
		parts = append(parts, shaped(f, t, w))
	}
	return joined(parts, either)
}

// values is where a pattern can be looked for: of vendors' fields in all of them
// together only.
func values(f event.Field) string {
	if f.Known() {
		return f.Name()
	}
	return vendorField
}

func shaped(f event.Field, t *lang.Test, word string) bound {
	if t.Op == lang.StartsWith && !t.Fold {
		return exactly(body{"prefix": body{path(f): body{"value": word}}})
	}
	pattern, complete := shape(t.Op, word, t.Fold)
	switch {
	case !f.Known():
		return within(all(has(f), regex(vendorField, pattern)))
	case !complete:
		return within(regex(path(f), pattern))
	}
	return exactly(regex(path(f), pattern))
}

// address translates a test of an IP address.
func address(t *lang.Test) bound {
	f, parts := t.Field, []bound{}
	for _, w := range texts(t) {
		switch t.Op {
		case lang.Eq:
			if a, ok := event.ParseIP(w); ok && a.Str() == w {
				parts = append(parts, exactly(term(path(f), w)))
			}
		case lang.InCIDR:
			parts = append(parts, network(path(f), w))
		default:
			return within(has(f))
		}
	}
	if t.Op == lang.Matches {
		return within(has(f))
	}
	return joined(parts, either)
}

// network are the addresses of a network. Elasticsearch takes IPv4 for a part of
// IPv6 (::ffff:0:0/96), the language does not.
func network(field, text string) bound {
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return constant(false)
	}
	if q := term(field, text); p.Addr().Is4() || !p.Contains(netip.MustParseAddr("::ffff:0.0.0.0")) {
		return exactly(q)
	}
	return exactly(all(term(field, text), none(term(field, "0.0.0.0/0"))))
}

// words are the events whose text holds another, letter case aside.
func words(f event.Field, text string) bound {
	parts, whole := pieces(text)
	most := []body{exists(f.Name())}
	for _, p := range parts {
		if p.phrase {
			most = append(most, body{"match_phrase": body{f.Name(): body{"query": p.text}}})
		} else {
			most = append(most, regex(f.Name(), anyRun+letters(p.text, nil)+anyRun))
		}
	}
	if whole || text == "" {
		return exactly(all(most...))
	}
	return within(all(most...))
}

// line translates a test of a text whose words are in the index.
func line(t *lang.Test) bound {
	f, parts := t.Field, []bound{}
	switch t.Op {
	case lang.InCIDR, lang.InList:
		return within(exists(f.Name()))
	case lang.Matches:
		most := []body{exists(f.Name())}
		for _, set := range lang.Required(t.Regexp.String()) {
			var any []body
			for _, w := range set {
				any = append(any, spelled(f, w))
			}
			most = append(most, either(any...))
		}
		return within(all(most...))
	}
	for _, w := range texts(t) {
		if t.Op == lang.Contains && t.Fold {
			parts = append(parts, words(f, w))
			continue
		}
		if t.Op == lang.Like { // what stands between the wildcards
			w = strings.NewReplacer(`\\`, "\x00", `\*`, "\x00", `\?`, "\x00", "*", "\x00", "?", "\x00").Replace(w)
		}
		parts = append(parts, within(words(f, strings.ToLower(w)).most))
	}
	return joined(parts, either)
}

// spelled are the events that may hold a literal of a regular expression: in it
// letters stand for other ones too, as s for the long s.
func spelled(f event.Field, literal string) body {
	parts, _ := pieces(strings.ToLower(literal))
	most := []body{exists(f.Name())}
	for _, p := range parts {
		if p.phrase {
			most = append(most, body{"match_phrase": body{f.Name(): body{"query": p.text}}})
		} else {
			most = append(most, regex(f.Name(), anyRun+letters(p.text, orbit)+anyRun))
		}
	}
	return all(most...)
}
