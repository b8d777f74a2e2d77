package format

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"mimamori/event"
)

// Finding is something that the author of a format should know.
type Finding struct {
	Format  string
	Warning bool   // the format works; an error is a test that fails or a line that two formats take with equal right
	Err     *Error // where, and what to do
}

// String is file:line:column: warning: what.
func (f Finding) String() string {
	word := "error"
	if f.Warning {
		word = "warning"
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s: %s", f.Err.File, f.Err.Line, f.Err.Col, word, f.Format, f.Err.Msg)
}

// LintOptions say what is looked at.
type LintOptions struct {
	Layer int                  // only formats of the file systems from this one on, in the order of Load
	CPU   func() time.Duration // what measures costs; nil measures none
	Slow  float64              // µs of CPU per KB that are told of
}

// linter gathers what is found in one format.
type linter struct {
	set  *Set
	f    *compiled
	out  []Finding
	once map[string]bool
	seen map[ast.Node]bool // mappings and choices that a test reached
}

// Lint tells what the compiler cannot refuse but an author should know, in the
// order of formats and lines.
func Lint(s *Set, opts LintOptions) []Finding {
	var out []Finding
	for _, failure := range Test(s) {
		if s.byName[failure.Format].layer >= opts.Layer {
			out = append(out, Finding{Format: failure.Format, Err: failure.Err})
		}
	}
	for _, f := range s.formats {
		l := &linter{set: s, f: f, once: map[string]bool{}, seen: map[ast.Node]bool{}}
		asserts := false
		for i := range f.tests {
			l.test(&f.tests[i])
			asserts = asserts || len(f.tests[i].absent) > 0
		}
		if f.layer < opts.Layer {
			out = append(out, l.against(opts.Layer)...)
			continue
		}
		l.form()
		if len(f.tests) > 0 && !asserts {
			l.warn(f.tests[0].at, "no test says what must be `absent`: a value under a wrong field passes unseen")
		}
		l.unreached()
		if opts.CPU != nil && len(f.tests) > 0 {
			l.cost(opts)
		}
		slices.SortStableFunc(l.out, func(a, b Finding) int { return a.Err.Line - b.Err.Line })
		out = append(out, l.out...)
	}
	return out
}

func (l *linter) warn(at mark, format string, args ...any) {
	l.out = append(l.out, Finding{Format: l.f.name, Warning: true, Err: at.fail(format, args...)})
}

// told tells whether this was found in the format before: once is enough.
func (l *linter) told(what string) bool {
	before := l.once[what]
	l.once[what] = true
	return before
}

// against keeps what concerns formats that are looked at: that they take lines
// of this one.
func (l *linter) against(layer int) (out []Finding) {
	for _, f := range l.out {
		if s := l.set.byName[f.Format]; s != nil && s != l.f && s.layer >= layer {
			out = append(out, f)
		}
	}
	return out
}

// form looks at the file alone.
func (l *linter) form() {
	f := l.f
	if !f.root.has("documentation") {
		l.warn(f.root.mark(), "no `documentation`: where does the vendor describe these lines?")
	}
	for i := range f.alts {
		if a := &f.alts[i]; a.last && !l.told("contains") {
			l.warn(a.at.mark(), "`contains` alone is slow, and is tried only on lines that nothing else takes; add `app`, `starts`, `like` or `keys`")
		}
	}
	l.regexes(f.cut)
}

// regexes finds expressions that every line must run through.
func (l *linter) regexes(c cutter) {
	switch c := c.(type) {
	case *oneOf:
		for _, one := range *c {
			l.regexes(one)
		}
	case *matcher:
		for _, q := range c.patterns {
			if q.like.text == "" && !l.told("regex") {
				l.warn(q.at.mark(), "a regular expression without `like` is tried on every line and costs ten times a dissect pattern; say how the text begins, or use dissect or columns")
			}
		}
	}
}

// unreached tells which mappings and choices no test comes to.
func (l *linter) unreached() {
	for what, list := range map[string][]node{"mappings": l.f.mappings, "steps": l.f.choices} {
		list = slices.DeleteFunc(slices.Clone(list), func(n node) bool { return n.src != l.f.src })
		missed := slices.DeleteFunc(slices.Clone(list), func(n node) bool { return l.seen[n.ast] })
		if len(missed) == 0 {
			continue
		}
		var lines []string
		for _, n := range missed {
			if no := strconv.Itoa(n.start().Position.Line); !slices.Contains(lines, no) {
				lines = append(lines, no)
			}
		}
		l.warn(missed[0].mark(), "no test reaches %d of %d %s: see line %s", len(missed), len(list), what, strings.Join(lines, ", "))
	}
}

// leastBytes is what a line counts for at least: every line has a price of its own.
const leastBytes = 256

// cost measures the format's own lines.
func (l *linter) cost(opts LintOptions) {
	c := l.set.costOf(l.f, opts.CPU)
	if perKB := (c.Micros + c.RecogniseMicros) * 1000 / max(c.Bytes, leastBytes); perKB > opts.Slow {
		l.warn(l.f.root.mark(), "slow: %.1f µs of CPU a line of %.0f bytes, %.1f µs per KB (more than %.0f)", c.Micros+c.RecogniseMicros, c.Bytes, perKB, opts.Slow)
	}
}

// test reads a test's line and looks at what comes out.
func (l *linter) test(t *testCase) {
	p := l.set.Parser(Options{Location: t.zone})
	p.trace = &trace{seen: l.seen}
	x := &event.Builder{}
	received := t.received
	if received.IsZero() {
		received = TestTime()
	}
	p.Parse(Input{Line: t.line, Header: t.header, Received: received, Format: t.format}, x)
	l.overlap(t)
	if len(t.expect) < leastExpected && t.reason == "" {
		l.warn(t.at, "%s: a test that expects %d fields of %d asserts little", t.name, len(t.expect), x.Len())
	}
	for f := range event.Field(event.MaxFields) {
		if v, ok := x.Get(f); ok && f.Known() && f != p.fields.message && f != p.fields.original && slices.Contains(nothings, v.Text()) && !l.told(f.Name()) {
			l.warn(t.at, "%s: %s is %q, which means nothing: add it to `absent`", t.name, f.Name(), v.Text())
		}
	}
	l.categories(t, x)
}

// leastExpected is how many fields a test should name.
const leastExpected = 3

// overlap tells which other formats would take the line of a test.
func (l *linter) overlap(t *testCase) {
	if t.format != "" {
		return
	}
	p := l.set.Parser(Options{})
	p.header = t.header
	h := p.lineHeader(Input{Line: t.line, Header: t.header})
	p.recognise(&h)
	own := 0
	for _, a := range p.found {
		if a.format == l.f {
			own = a.spec
			break
		}
	}
	for _, a := range p.found {
		if a.format == l.f || a.format.generic {
			continue
		}
		msg := fmt.Sprintf("also takes a line of %s (%d bytes fixed against %d): %s", l.f.name, a.spec, own, cutText(t.line, 200))
		if !l.told("overlap " + a.format.name) {
			l.out = append(l.out, Finding{Format: a.format.name, Warning: a.spec != own, Err: a.at.fail("%s", msg)})
		}
	}
}

// nothings are texts by which devices say that there is no value.
var nothings = []string{"-", "--", "N/A", "n/a", "null", "(null)", "(none)", "None"}

// categories looks at how the event is categorised.
func (l *linter) categories(t *testCase, x *event.Builder) {
	v, _ := x.Get(event.MustLookup("event.category"))
	kinds := v.List()
	if len(kinds) == 0 {
		l.warn(t.at, "%s: event.category is empty", t.name)
		return
	}
	v, _ = x.Get(event.MustLookup("event.type"))
	for _, typ := range v.List() {
		usual := slices.ContainsFunc(kinds, func(c string) bool { return usualTypes[c] == nil || usualTypes[c][typ] })
		if key := fmt.Sprint(typ, kinds); !usual && !l.told(key) {
			l.warn(t.at, "%s: event.type %q is unusual for event.category [%s]", t.name, typ, strings.Join(kinds, ", "))
		}
	}
}

// usualTypes are the event types that ECS expects of a category
// (https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-category).
var usualTypes = map[string]map[string]bool{
	"api":                 words("access", "admin", "allowed", "change", "creation", "deletion", "denied", "end", "info", "start", "user"),
	"authentication":      words("start", "end", "info"),
	"configuration":       words("access", "change", "creation", "deletion", "info"),
	"database":            words("access", "change", "info", "error"),
	"driver":              words("change", "end", "info", "start"),
	"email":               words("info"),
	"file":                words("access", "change", "creation", "deletion", "info"),
	"host":                words("access", "change", "end", "info", "start"),
	"iam":                 words("admin", "change", "creation", "deletion", "group", "info", "user"),
	"intrusion_detection": words("allowed", "denied", "info"),
	"library":             words("start"),
	"malware":             words("info"),
	"network":             words("access", "allowed", "connection", "denied", "end", "info", "protocol", "start"),
	"package":             words("access", "change", "deletion", "info", "installation", "start"),
	"process":             words("access", "change", "end", "info", "start"),
	"registry":            words("access", "change", "creation", "deletion"),
	"session":             words("start", "end", "info"),
	"threat":              words("indicator"),
	"vulnerability":       words("info"),
	"web":                 words("access", "error", "info"),
}
