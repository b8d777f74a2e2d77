package format

import (
	"fmt"
	"slices"
	"strings"
)

// nearMisses is how many formats that do not match are told of.
const nearMisses = 8

// conditions tells how many of an alternative's conditions hold for a line that
// recognition has looked at, and the first that does not. It asks the line
// itself, not the index by which recognition finds its candidates.
func (a *alternative) conditions(p *Parser, h *header) (held, of int, failed string) {
	check := func(ok bool, format string, args ...any) {
		if of++; ok {
			held++
		} else if failed == "" {
			failed = fmt.Sprintf(format, args...)
		}
	}
	if len(a.apps) > 0 {
		check(slices.Contains(a.apps, h.app), "the header's program is %q, not %s", h.app, strings.Join(a.apps, " or "))
	}
	if len(a.starts)+len(a.like) > 0 {
		begins := func(s string) bool { return strings.HasPrefix(h.body, s) }
		isLike := func(l like) bool { return l.opens(h.body) }
		want := slices.Clone(a.starts)
		for _, l := range a.like {
			want = append(want, l.text)
		}
		check(slices.ContainsFunc(a.starts, begins) || slices.ContainsFunc(a.like, isLike), "the body does not begin with %s", cutText(strings.Join(want, " or "), 100))
	}
	for _, n := range a.contains {
		check(strings.Contains(h.body, n.text), "%q does not occur", n.text)
	}
	if len(a.keys)+len(a.values) > 0 && a.shape != p.cutAs {
		of += len(a.keys) + len(a.values) - 1
		check(false, "the line is not cut as %s", shapeName(a.shape))
		return held, of, failed
	}
	for _, k := range a.keys {
		_, ok := p.valueAt(k)
		check(ok, "no key %q", k)
	}
	for _, v := range a.values {
		list, ok := p.valueAt(v[0])
		check(slices.Contains(list, v[1]), "%s", missingValue(v, list, ok))
	}
	switch {
	case a.rows:
		check(p.header != "", "the line is no row of a file with a header")
	case p.header != "" && a.shape != shapeRows && len(a.apps) == 0:
		check(false, "the line is a row of a file with a header")
	}
	return held, of, failed
}

func missingValue(v [2]string, list []string, ok bool) string {
	if !ok {
		return fmt.Sprintf("no key %q", v[0])
	}
	return fmt.Sprintf("%s is %q, not %q", v[0], list[0], v[1])
}

// valueAt gives the values under a key, as recognition sees them.
func (p *Parser) valueAt(path string) (list []string, ok bool) {
	for i := range p.tokens {
		if t := &p.tokens[i]; t.key.path == path || p.cutAs == shapeJSON && strings.HasPrefix(t.key.path, path) && t.key.path[len(path)] == '.' {
			list, ok = append(list, t.text), true
		}
	}
	if p.cutAs == shapeRows && !ok {
		ok = slices.ContainsFunc(p.rows.keys, func(k *key) bool { return k != nil && k.path == path })
		list = []string{""}
	}
	return list, ok
}

func shapeName(sh shape) string {
	for name, s := range shapeKinds {
		if s == sh {
			return name
		}
	}
	return "text"
}

// candidates notes the formats that match and those that nearly do.
func (t *trace) candidates(p *Parser, h *header) {
	st := Step{Stage: "recognise", Result: "no format matches"}
	for _, a := range p.found {
		st.Candidates = append(st.Candidates, Candidate{Format: a.format.name, At: a.at.where(), Bytes: a.spec, Why: fmt.Sprintf("matches, but comes behind what is taken: it fixes %d bytes", a.spec)})
		st.Result = ""
	}
	type miss struct {
		Candidate
		held, of int
	}
	var misses []miss
	for _, f := range p.set.formats {
		if slices.ContainsFunc(p.found, func(a *alternative) bool { return a.format == f }) {
			continue
		}
		best := miss{}
		for i := range f.alts {
			a := &f.alts[i]
			held, of, failed := a.conditions(p, h)
			if held == 0 || a.byName || best.of > 0 && held*best.of <= best.held*of {
				continue
			}
			if failed == "" {
				failed = "all holds, but lines that another format takes are not looked at in this way"
			}
			best = miss{Candidate{Format: f.name, At: a.at.where(), Bytes: a.spec, Why: "does not match: " + failed}, held, of}
		}
		if best.of > 0 {
			misses = append(misses, best)
		}
	}
	slices.SortStableFunc(misses, func(a, b miss) int {
		if c := b.held*a.of - a.held*b.of; c != 0 {
			return c
		}
		return b.Bytes - a.Bytes
	})
	for _, m := range misses[:min(len(misses), nearMisses)] {
		st.Candidates = append(st.Candidates, m.Candidate)
	}
	t.steps = append(t.steps, st)
}

// judged notes whether the line could be cut as a format that matches wants it.
func (t *trace) judged(a *alternative, taken bool) {
	st := &t.steps[len(t.steps)-1]
	for i := range st.Candidates {
		if c := &st.Candidates[i]; c.Format == a.format.name && c.Bytes == a.spec && c.At == a.at.where() {
			if c.Taken, c.Why = taken, "matches, and the line is cut as it wants"; !taken {
				c.Why = "matches, but the line cannot be cut as it wants"
			}
		}
	}
}
