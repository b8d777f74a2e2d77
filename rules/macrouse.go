package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// mistakes are those of the macros, each with the rules that cannot load for it.
func (m *macros) mistakes(loaded []*Rule) error {
	errs := make([]error, 0, len(m.wrong))
	for _, name := range slices.Sorted(maps.Keys(m.wrong)) {
		var users []string
		for _, r := range loaded {
			if r != nil && slices.Contains(m.Uses(r.calls), name) {
				users = append(users, r.ID)
			}
		}
		e := *m.wrong[name]
		if len(users) > 0 {
			e.Msg += "; rules that need the macro " + name + " cannot load: " + some(users)
		}
		errs = append(errs, &e)
	}
	return errors.Join(errs...)
}

// some names a few of many.
func some(names []string) string {
	const few = 5
	if n := len(names) - few; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), n)
	}
	return strings.Join(names, ", ")
}

// text is what the macros stand for that are called, and those that they call in
// turn: a rule is another one when it changes. "" when none is called.
func (m *macros) text(calls []string) string {
	if len(calls) == 0 {
		return ""
	}
	var b strings.Builder
	for _, name := range m.Uses(calls) {
		b.WriteString(name + ": " + strings.TrimSpace(m.Text(name)) + "\n")
	}
	return b.String()
}

// lint names the macros that nobody uses.
func (m *macros) lint(list []*Rule) (out []Finding) {
	var calls []string
	for _, r := range list {
		calls = append(calls, r.calls...)
	}
	used := m.Uses(calls)
	for _, name := range m.Names() {
		if !slices.Contains(used, name) {
			at := m.at[name]
			out = append(out, Finding{name + "()", fmt.Sprintf("%s:%d", at.file.file, at.pair.line), "unused-macro", "no rule and no override uses this macro"})
		}
	}
	return out
}
