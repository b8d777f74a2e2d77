package rules

import (
	"errors"
	"path"

	"mimamori/internal/lang"
)

// isMacros tells whether a file of rules is one of macros: a mapping of names to
// the conditions that they stand for, in the conditions of all rules, overrides
// and other macros.
func isMacros(name string) bool {
	base := path.Base(name)
	return (base == "macros.yaml" || base == "macros.yml") && !isOverride(name)
}

// macros are what the files of macros define. Nil: none.
type macros struct {
	*lang.Macros
	at    map[string]definition
	wrong map[string]*Error // mistakes in their conditions, at their places in the files
}

// definition is where a macro is defined.
type definition struct {
	file *decoder
	pair ypair
}

// readMacros reads the files. The error is of what is no macro at all; mistakes in
// conditions wait until it is known which rules they concern.
func readMacros(files []file) (*macros, error) {
	m := &macros{at: map[string]definition{}}
	var errs []error
	sources := map[string]string{}
	for _, f := range files {
		data, err := f.read()
		if err != nil {
			return nil, err
		}
		d := &decoder{file: f.String(), src: normal(data)}
		m.define(d, sources)
		errs = append(errs, d.joined())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	m.Macros, m.wrong = lang.Define(sources)
	for name, err := range m.wrong {
		at := m.at[name]
		line, col := within(at.file.src, at.pair, sources[name], err.Line, err.Col)
		m.wrong[name] = &Error{File: at.file.file, Text: at.file.src, Line: line, Col: col, Msg: err.Msg, Hint: err.Hint}
	}
	return m, nil
}

// define adds the macros of one file.
func (m *macros) define(d *decoder, sources map[string]string) {
	root, err := parseYAML(d.src)
	if err != nil {
		d.fail(err.Line, err.Col, err.Hint, "%s", err.Msg)
		return
	}
	if root.kind != yamlMap {
		d.fail(root.line, root.col, `adminTools: process.name in ["psexec.exe"]`, "macros must be a mapping of names to conditions, not %s", root.kind)
		return
	}
	for _, p := range root.pairs {
		if wrong := lang.MacroName(p.key); wrong != "" {
			d.fail(p.line, p.col, "adminTools", "%s", wrong)
			continue
		}
		if first, ok := m.at[p.key]; ok {
			d.fail(p.line, p.col, "give one of them another name", "the macro %s is in %s:%d already", p.key, first.file.file, first.pair.line)
			continue
		}
		m.at[p.key] = definition{d, p}
		sources[p.key] = d.text(p)
		internOpen(sources[p.key])
	}
}
