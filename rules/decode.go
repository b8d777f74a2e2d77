package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/internal/lang"
	"mimamori/internal/place"
)

// decoder reads one rule file and gathers every mistake.
type decoder struct {
	file, src string
	errs      []*Error
	builder   *event.Builder // checks the events of tests
	macros    *macros
	calls     []string // the macros that were called
}

func (d *decoder) fail(line, col int, hint, format string, args ...any) {
	d.errs = append(d.errs, &Error{File: d.file, Line: line, Col: col, Msg: fmt.Sprintf(format, args...), Hint: hint, Text: d.src})
}

// keys calls the reader of each key of a mapping; unknown keys are mistakes.
func (d *decoder) keys(n *ynode, what string, readers map[string]func(ypair)) {
	if n.kind != yamlMap {
		d.fail(n.line, n.col, "", "%s must be a mapping, not %s", what, n.kind)
		return
	}
	for _, p := range n.pairs {
		read, ok := readers[p.key]
		if !ok {
			known := make([]string, 0, len(readers))
			for k := range readers {
				known = append(known, k)
			}
			slices.Sort(known)
			hint := "known here: " + strings.Join(known, ", ")
			if near := place.Nearest(p.key, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			d.fail(p.line, p.col, hint, "unknown key %q", p.key)
			continue
		}
		if p.value.kind != yamlNull {
			read(p)
		}
	}
}

func (d *decoder) text(p ypair) string {
	if p.value.kind != yamlScalar {
		d.fail(p.value.line, p.value.col, "", "%s must be text, not %s", p.key, p.value.kind)
		return ""
	}
	return p.value.text
}

func (d *decoder) texts(p ypair) []string {
	if p.value.kind == yamlScalar {
		return []string{p.value.text}
	}
	if p.value.kind != yamlSeq {
		d.fail(p.value.line, p.value.col, "", "%s must be a list, not %s", p.key, p.value.kind)
		return nil
	}
	out := make([]string, 0, len(p.value.items))
	for _, it := range p.value.items {
		if it.kind != yamlScalar {
			d.fail(it.line, it.col, "", "%s must be a list of texts", p.key)
			continue
		}
		out = append(out, it.text)
	}
	return out
}

// items are those of a list.
func (d *decoder) items(p ypair) []*ynode {
	if p.value.kind != yamlSeq {
		d.fail(p.value.line, p.value.col, p.key+": [{…}]", "%s must be a list, not %s", p.key, p.value.kind)
	}
	return p.value.items
}

func (d *decoder) number(p ypair, least, most float64) float64 {
	n, err := strconv.ParseFloat(p.value.text, 64)
	if err != nil || p.value.kind != yamlScalar || !(n >= least && n <= most) {
		d.fail(p.value.line, p.value.col, "", "%s must be a number from %v to %v", p.key, least, most)
		return max(least, 1)
	}
	return n
}

func (d *decoder) count(p ypair) int {
	n, err := strconv.Atoi(p.value.text)
	if err != nil || p.value.kind != yamlScalar || n < 1 || n > maxCount {
		d.fail(p.value.line, p.value.col, "", "%s must be a number from 1 to %d", p.key, maxCount)
		return 1
	}
	return n
}

func (d *decoder) duration(p ypair) time.Duration {
	s := d.text(p)
	if day, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(day); err == nil && n < 3660 {
			s = fmt.Sprintf("%dh", 24*n)
		}
	}
	v, err := time.ParseDuration(s)
	if err != nil || v <= 0 {
		d.fail(p.value.line, p.value.col, "30s, 5m, 1h, 2d", "%s must be a time span, not %q", p.key, s)
		return time.Minute
	}
	return v
}

func (d *decoder) localized(p ypair) (out event.Localized) {
	d.keys(p.value, p.key, map[string]func(ypair){
		"ja": func(q ypair) { out.JA = strings.TrimSpace(d.text(q)) },
		"en": func(q ypair) { out.EN = strings.TrimSpace(d.text(q)) },
	})
	return out
}

func (d *decoder) steps(p ypair) (out event.Steps) {
	d.keys(p.value, p.key, map[string]func(ypair){
		"ja": func(q ypair) { out.JA = d.texts(q) },
		"en": func(q ypair) { out.EN = d.texts(q) },
	})
	return out
}

func (d *decoder) fields(p ypair) []event.Field {
	var out []event.Field
	for i, name := range d.texts(p) {
		at := p.value
		if p.value.kind == yamlSeq {
			at = p.value.items[i]
		}
		e, err := d.parse(name)
		if err != "" {
			d.fail(at.line, at.col, e, "%s", err)
			continue
		}
		f, _ := event.Lookup(name)
		out = append(out, f)
	}
	return out
}

// parse checks a field's name as the language would; it answers hint and mistake.
func (d *decoder) parse(name string) (hint, mistake string) {
	internOpen(name)
	if _, err := lang.Parse("has(" + name + ")"); err != nil {
		near := event.Nearest(name)
		if near != "" {
			near = "did you mean " + near + "?"
		}
		return near, fmt.Sprintf("unknown field %q", name)
	}
	return "", ""
}

// condition parses an expression and moves its mistakes to their place in the file.
func (d *decoder) condition(p ypair) *lang.Expr {
	src := d.text(p)
	if strings.TrimSpace(src) == "" {
		d.fail(p.value.line, p.value.col, "when: event.action == \"deny\"", "%s has no condition", p.key)
		return nil
	}
	internOpen(src)
	e, err := d.macros.Parse(src)
	if err == nil {
		d.calls = append(d.calls, e.Calls...)
		return e
	}
	le, ok := err.(*lang.Error) //nolint:errorlint // Parse promises it
	if !ok {
		d.fail(p.value.line, p.value.col, "", "%v", err)
		return nil
	}
	line, col := within(d.src, p, src, le.Line, le.Col)
	d.fail(line, col, le.Hint, "%s", le.Msg)
	return nil
}

// openSpaces are name spaces beside known fields where a source names its own.
var openSpaces = []string{
	"winlog.event_data.", "linux.auditd.", "linux.sysmon.", "zeek.", "aws.cloudtrail.", "azure.entra.", "azure.platformlogs.",
	"o365.audit.", "google_workspace.", "gcp.audit.", "okta.system.", "onelogin.events.", "github.audit.", "bitbucket.audit.",
	"kubernetes.audit.", "opencanary.log.", "fortinet.fortigate.", "panw.panos.", "cisco.duo.", "qualys.", "sigma.",
}

// internOpen interns the fields of the open name spaces that a condition
// names, so that no near known name is taken for them.
func internOpen(src string) {
	for _, space := range openSpaces {
		internSpace(src, space)
	}
}

func internSpace(src, space string) {
	for {
		i := strings.Index(src, space)
		if i < 0 {
			return
		}
		end := i + len(space)
		for end < len(src) && (src[end] == '_' || src[end] == '.' || '0' <= src[end] && src[end] <= '9' || 'a' <= src[end]|0x20 && src[end]|0x20 <= 'z') {
			end++
		}
		if end > i+len(space) {
			event.Intern(strings.TrimRight(src[i:end], "."))
		}
		src = src[end:]
	}
}
