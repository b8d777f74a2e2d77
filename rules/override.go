package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Overrides is the folder, below a folder of rules, that holds what a site
// changed in them: <id>.yaml with some of severity, status, suppress, allow
// (its entries are added) and correlate (count, over, within, lateness, learn). A folder, so that
// whoever brings the rules up to date can leave it alone as a whole, and one
// look tells what is local.
const Overrides = "overrides"

// override reads the override of a rule and applies it.
func (r *Rule) override(name string, data []byte, m *macros) error {
	src := normal(data)
	d := &decoder{file: name, src: src, macros: m}
	root, err := parseYAML(src)
	if err != nil {
		d.fail(err.Line, err.Col, err.Hint, "%s", err.Msg)
		return d.joined()
	}
	d.keys(root, "an override", map[string]func(ypair){
		"severity": func(p ypair) { r.Severity = d.severity(p) },
		"status":   func(p ypair) { r.Status = d.status(p) },
		"allow":    func(p ypair) { r.Allow = append(r.Allow[:len(r.Allow):len(r.Allow)], d.allow(p)...) },
		"suppress": func(p ypair) {
			if r.Correlate != nil {
				d.fail(p.line, p.col, "a correlation makes one alert an episode by itself", "suppress is for rules without correlate")
			}
			r.Suppress = d.suppress(p)
		},
		"correlate": func(p ypair) { d.thresholds(p, r) },
	})
	if len(d.errs) > 0 {
		return d.joined()
	}
	r.calls = append(r.calls[:len(r.calls):len(r.calls)], d.calls...)
	h := sha256.Sum256([]byte(r.Version + src + m.text(d.calls)))
	r.Version = hex.EncodeToString(h[:6])
	return nil
}

func (d *decoder) thresholds(p ypair, r *Rule) {
	if r.Correlate == nil {
		d.fail(p.line, p.col, "", "the rule %s has no correlation", r.ID)
		return
	}
	c := *r.Correlate
	readers := map[string]func(ypair){
		"within":   func(q ypair) { c.Within = d.duration(q) },
		"lateness": func(q ypair) { c.Lateness = d.duration(q) },
		"learn":    func(q ypair) { c.Learn = d.duration(q) },
	}
	if len(c.Steps) == 0 {
		readers["count"] = func(q ypair) { c.Count = d.bound(q, 1, maxCount) }
	}
	if c.Over.Op != "" {
		readers["over"] = func(q ypair) { c.Over = d.bound(q, -1e18, 1e18) }
	}
	d.keys(p.value, "correlate", readers)
	r.Correlate = &c
}

// isOverride tells whether a file of rules is an override of one.
func isOverride(name string) bool { return path.Base(path.Dir(name)) == Overrides }

// override applies the files of overrides to the rules of the set.
func (s *Set) override(files []file) error {
	var errs []error
	for _, f := range files {
		name := f.name
		data, err := fs.ReadFile(f.fsys, name)
		if err != nil {
			return fmt.Errorf("rules: %w", err)
		}
		id, _, _ := strings.Cut(path.Base(name), ".")
		i := slices.IndexFunc(s.rules, func(r *Rule) bool { return r.ID == id })
		if i < 0 {
			errs = append(errs, &Error{File: name, Line: 1, Col: 1, Msg: fmt.Sprintf("there is no rule %s to override", id), Hint: "delete the file if the rule is gone"})
			continue
		}
		r := *s.rules[i] // the one in parsed stays
		s.rules[i] = &r
		errs = append(errs, r.override(name, data, s.macros))
	}
	return errors.Join(errs...)
}
