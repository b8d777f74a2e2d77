package rules

import (
	"slices"
	"strings"

	"mimamori/event"
	"mimamori/internal/lang"
)

// scope is where a variant of a rule is at work; nil is everywhere.
type scope struct {
	towns []string // codes, sorted
	other bool     // everywhere but there; also what has no municipality
}

func (s *scope) has(town string) bool {
	if s == nil {
		return true
	}
	_, in := slices.BinarySearch(s.towns, town)
	return in != s.other
}

// String is "131016 131024", with a minus before it for everywhere else, and ""
// for everywhere.
func (s *scope) String() string {
	switch {
	case s == nil:
		return ""
	case s.other:
		return "- " + strings.Join(s.towns, " ")
	}
	return strings.Join(s.towns, " ")
}

// gate holds for the events of the municipalities.
func (s *scope) gate() lang.Node {
	in := &lang.Test{Field: fieldMunicipality, Op: lang.Eq}
	for _, t := range s.towns {
		in.Values = append(in.Values, event.String(t))
	}
	if s.other {
		return lang.Not{Node: in}
	}
	return in
}
