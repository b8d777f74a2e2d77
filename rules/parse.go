package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
)

var validID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,79}$`)

// Parse reads one rule file. name is used in messages; its base without .yaml
// must be the rule's id. It can call no macros. Every mistake is in the error, joined, each an *Error.
func Parse(name string, data []byte) (*Rule, error) {
	return parse(&decoder{file: name, src: normal(data), macros: &macros{}})
}

func parse(d *decoder) (*Rule, error) {
	r := &Rule{File: d.file, Status: Stable, Severity: event.Medium}
	root, err := parseYAML(d.src)
	if err != nil {
		d.fail(err.Line, err.Col, err.Hint, "%s", err.Msg)
		return nil, d.joined()
	}
	d.rule(root, r)
	if len(d.errs) > 0 {
		return nil, d.joined()
	}
	r.calls, r.macros = d.calls, d.macros.text(d.calls)
	r.Version = version(d.src, root, r.macros)
	r.build()
	return r, nil
}

func (d *decoder) joined() error {
	slices.SortStableFunc(d.errs, func(a, b *Error) int { return a.Line - b.Line })
	all := make([]error, len(d.errs))
	for i, e := range d.errs {
		all[i] = e
	}
	return errors.Join(all...)
}

// version hashes the rule's text without its tests and blank ends of lines, and
// that of its macros.
func version(src string, root *ynode, macros string) string {
	from, to := 0, 0
	for i, p := range root.pairs {
		if p.key == "tests" {
			from, to = p.line, 1<<30
			if i+1 < len(root.pairs) {
				to = root.pairs[i+1].line
			}
		}
	}
	h := sha256.New()
	n := 0
	for l := range strings.Lines(src) {
		n++
		l = strings.TrimSpace(l)
		if l == "" || from > 0 && n >= from && n < to {
			continue
		}
		h.Write([]byte(l))
		h.Write([]byte{'\n'})
	}
	h.Write([]byte(macros))
	return hex.EncodeToString(h.Sum(nil)[:6])
}

func (d *decoder) rule(root *ynode, r *Rule) {
	var when, suppress ypair
	d.keys(root, "a rule", map[string]func(ypair){
		"id":             func(p ypair) { d.id(p, r) },
		"title":          func(p ypair) { r.Title = d.localized(p) },
		"severity":       func(p ypair) { r.Severity = d.severity(p) },
		"status":         func(p ypair) { r.Status = d.status(p) },
		"owner":          func(p ypair) { r.Owner = d.text(p) },
		"attack":         func(p ypair) { r.Attack = d.texts(p) },
		"source":         func(p ypair) { d.source(p, r) },
		"when":           func(p ypair) { when = p; r.When = d.condition(p) },
		"correlate":      func(p ypair) { r.Correlate = d.correlate(p) },
		"suppress":       func(p ypair) { suppress = p; r.Suppress = d.suppress(p) },
		"explain":        func(p ypair) { r.Explain = d.localized(p) },
		"respond":        func(p ypair) { r.Respond = d.steps(p) },
		"references":     func(p ypair) { r.References = d.texts(p) },
		"falsepositives": func(p ypair) { r.FalsePos = d.steps(p) },
		"allow":          func(p ypair) { r.Allow = d.allow(p) },
		"tests":          func(p ypair) { r.Tests = d.tests(p) },
	})
	if root.kind != yamlMap {
		return
	}
	if r.ID == "" && !d.has(root, "id") {
		d.fail(root.line, root.col, "id: its-name, as the file is called", "the rule has no id")
	}
	if r.Title.JA == "" && r.Title.EN == "" {
		d.fail(root.line, root.col, "title: {ja: …, en: …}", "the rule has no title")
	}
	steps := r.Correlate != nil && len(r.Correlate.Steps) > 0
	if when.value == nil && !steps {
		d.fail(root.line, root.col, "when: event.action == \"deny\"", "the rule has no condition")
	}
	if suppress.value != nil && r.Correlate != nil {
		d.fail(suppress.line, suppress.col, "a correlation makes one alert an episode by itself", "suppress is for rules without correlate")
	}
}

// has tells whether a mapping has something for a key.
func (d *decoder) has(n *ynode, key string) bool {
	return slices.ContainsFunc(n.pairs, func(p ypair) bool { return p.key == key && p.value.kind != yamlNull })
}

func (d *decoder) id(p ypair, r *Rule) {
	r.ID = d.text(p)
	base := d.file[strings.LastIndexByte(d.file, '/')+1:]
	base = strings.TrimSuffix(strings.TrimSuffix(base, ".yaml"), ".yml")
	switch {
	case !validID.MatchString(r.ID):
		d.fail(p.value.line, p.value.col, "lower-case letters, digits, - and _, at most 80", "%q is no rule id", r.ID)
	case base != r.ID:
		d.fail(p.value.line, p.value.col, "call the file "+r.ID+".yaml", "the id %q is not the file's name", r.ID)
	}
}

func (d *decoder) severity(p ypair) event.Severity {
	s, ok := event.ParseSeverity(d.text(p))
	if !ok {
		d.fail(p.value.line, p.value.col, "info, low, medium, high or critical", "%q is no severity", p.value.text)
	}
	return s
}

func (d *decoder) status(p ypair) Status {
	s := Status(d.text(p))
	switch s {
	case Draft, InTest, Stable, Deprecated:
	default:
		d.fail(p.value.line, p.value.col, "draft, test, stable or deprecated", "%q is no status", p.value.text)
	}
	return s
}

func (d *decoder) source(p ypair, r *Rule) {
	d.keys(p.value, "source", map[string]func(ypair){
		"dataset": func(q ypair) {
			for i, s := range d.texts(q) {
				at := q.value
				if q.value.kind == yamlSeq {
					at = q.value.items[i]
				}
				if star := strings.IndexByte(s, '*'); s == "" || star >= 0 && !(strings.HasSuffix(s, ".*") && star == len(s)-1) {
					d.fail(at.line, at.col, "fortinet.fortigate, or fortinet.*", "%q is no dataset", s)
					continue
				}
				r.Datasets = append(r.Datasets, s)
			}
		},
	})
}

func (d *decoder) suppress(p ypair) *Suppress {
	s := &Suppress{}
	d.keys(p.value, "suppress", map[string]func(ypair){
		"by":  func(q ypair) { s.By = d.fields(q) },
		"for": func(q ypair) { s.For = d.duration(q) },
	})
	if s.For == 0 {
		d.fail(p.line, p.col, "for: 1h", "suppress has no time span")
	}
	return s
}

func (d *decoder) allow(p ypair) []Allow {
	var out []Allow
	for _, it := range d.items(p) {
		var a Allow
		d.keys(it, "an allow entry", map[string]func(ypair){
			"when":         func(q ypair) { a.When = d.condition(q) },
			"owner":        func(q ypair) { a.Owner = d.text(q) },
			"reason":       func(q ypair) { a.Reason = d.text(q) },
			"expires":      func(q ypair) { a.Expires = d.date(q) },
			"municipality": func(q ypair) { a.Municipality = d.municipality(q) },
		})
		if a.Owner == "" || a.Reason == "" || !d.has(it, "when") {
			d.fail(it.line, it.col, "{when: …, owner: …, reason: …, expires: 2027-03-31}", "an allow entry says when, by whom and why")
		}
		out = append(out, a)
	}
	return out
}

// date reads a day, in Japan; the entry holds to the end of it.
func (d *decoder) date(p ypair) time.Time {
	at, err := time.ParseInLocation(time.DateOnly, d.text(p), calendar.JST())
	if err != nil {
		d.fail(p.value.line, p.value.col, "2027-03-31", "%q is no date", p.value.text)
		return time.Time{}
	}
	return at.AddDate(0, 0, 1)
}

func (d *decoder) municipality(p ypair) string {
	code := d.text(p)
	if err := event.CheckCode(code); err != nil {
		d.fail(p.value.line, p.value.col, "six digits in quotes", "%v", err)
	}
	return code
}

func (d *decoder) tests(p ypair) []Case {
	var out []Case
	for _, it := range d.items(p) {
		c := Case{Line: it.line, Alerts: -1}
		d.keys(it, "a test", map[string]func(ypair){
			"name":   func(q ypair) { c.Name = d.text(q) },
			"events": func(q ypair) { c.Events = d.samples(q) },
			"alerts": func(q ypair) { c.Alerts = d.alerts(q) },
			"lists":  func(q ypair) { c.Lists = d.members(q) },
		})
		if c.Alerts < 0 || len(c.Events) == 0 {
			d.fail(it.line, it.col, "{name: …, events: […], alerts: 1}", "a test has events and the number of alerts")
		}
		out = append(out, c)
	}
	return out
}

func (d *decoder) members(p ypair) members {
	if p.value.kind != yamlMap {
		d.fail(p.value.line, p.value.col, "lists: {maintenance-terminals: [10.1.2.3]}", "lists must be a mapping, not %s", p.value.kind)
		return nil
	}
	m := members{}
	for _, q := range p.value.pairs {
		m[q.key] = d.texts(q)
	}
	return m
}

func (d *decoder) alerts(p ypair) int {
	if p.value.text == "0" {
		return 0
	}
	return d.count(p)
}

func (d *decoder) samples(p ypair) []Sample {
	var out []Sample
	for _, it := range d.items(p) {
		s := Sample{Repeat: 1, Every: time.Second, Fields: map[string]any{}}
		if it.kind != yamlMap {
			d.fail(it.line, it.col, "", "an event must be a mapping of fields, not %s", it.kind)
			continue
		}
		for _, q := range it.pairs {
			switch q.key {
			case "repeat":
				s.Repeat = d.count(q)
			case "every":
				s.Every = d.duration(q)
			default:
				s.Fields[q.key] = q.value.plain()
			}
		}
		if d.builder == nil {
			d.builder = new(event.Builder)
		}
		d.builder.Reset()
		if err := d.builder.SetMap(s.expand(1)); err != nil {
			d.fail(it.line, it.col, "", "%v", err)
		}
		out = append(out, s)
	}
	return out
}
