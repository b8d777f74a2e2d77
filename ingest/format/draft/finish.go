package draft

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/ingest/format"
	"mimamori/internal/calendar"
)

// maxTests is how many tests a draft gets.
const maxTests = 8

// finish writes the file, adds tests of what it yields, and runs them.
func (d *drafter) finish() ([]byte, error) {
	body := d.body()
	set, err := d.load(body, false)
	if err != nil {
		return nil, fmt.Errorf("draft: %w", err)
	}
	tests := d.tests(set)
	if len(tests) == 0 {
		return nil, errors.New("draft: no sample could be read by the draft; is every line of one kind of device?")
	}
	text := body + "\ntests: # what the draft yields: DECIDE whether it is right\n" + strings.Join(tests, "")
	if set, err = d.load(text, true); err != nil {
		return nil, fmt.Errorf("draft: %w", err)
	}
	for _, f := range format.Test(set) {
		if f.Format == d.Name {
			return nil, fmt.Errorf("draft: %w", f)
		}
	}
	return []byte(text), nil
}

// Tests makes tests of what a format that is among the known ones yields for
// lines, to stand in the place of a draft's first ones once a person has decided
// its mappings. Lines that are not the format's are passed over.
func Tests(opts Options, lines []string) (Result, error) {
	d := &drafter{Options: opts, header: opts.Header}
	if d.Zone == nil {
		d.Zone = calendar.JST()
	}
	var err error
	if d.set, err = format.Load(opts.Known...); err != nil {
		return Result{}, err
	}
	if !d.set.Has(opts.Name) {
		return Result{}, fmt.Errorf("no format %q is there to make tests of", opts.Name)
	}
	d.take(lines)
	d.notes = nil
	tests := d.tests(d.set)
	if len(tests) == 0 {
		return Result{}, ErrSamples
	}
	return Result{Text: []byte("tests:\n" + strings.Join(tests, "")), Notes: d.notes}, nil
}

// body is the file without its tests.
func (d *drafter) body() string {
	var b strings.Builder
	say := func(text string, args ...any) { fmt.Fprintf(&b, text, args...) }
	say("# Drafted by `mimamori formats new` from %d lines. What a person must decide is marked DECIDE.\n", len(d.lines))
	say("# The lines below are real ones: put other names and addresses in their place before you pass the file on.\n")
	say("name: %s\ntitle: {ja: %s, en: %s} # DECIDE: the product as people call it\n", d.Name, quote(d.Name), quote(d.Name))
	say("# documentation: https://… # DECIDE: where the vendor describes these lines\n")
	if d.cut.extends() {
		say("extends: %s # which maps the keys of its specification\ngeneric: false\n", d.cut.kind)
	}
	say("module: %s\ndataset: %s\n", d.Module, d.dataset)
	say("recognise: # every sample and no line of another format's tests; DECIDE whether other lines of the device fulfil it too\n  - %s\n", strings.Join(d.recog, "\n  - "))
	if !d.cut.extends() {
		say("%s\n", d.cut.line())
	}
	if nothing := d.nothing(); len(nothing) > 0 {
		say("absent: %s # values that mean nothing\n", list(nothing))
	}
	if len(d.times) > 0 {
		say("time: [%s]\n", strings.Join(d.times, ", "))
	}
	d.writeFields(&b)
	if !d.cut.extends() {
		d.writeSet(&b)
	}
	return b.String()
}

// nothing lists the texts by which the samples say that there is no value.
func (d *drafter) nothing() (out []string) {
	for i := range d.lines {
		for _, v := range d.lines[i].keys {
			if isNothing(v) && v != "" && !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	slices.Sort(out)
	return out
}

func isNothing(v string) bool {
	return slices.Contains([]string{"", "-", "--", "N/A", "n/a", "null", "NULL", "(null)", "(none)", "none", "None"}, v)
}

func (d *drafter) writeSet(b *strings.Builder) {
	why := "DECIDE: what these lines tell of"
	if d.kind.sure {
		why = "by the fields above; DECIDE whether every line tells of that"
	}
	fmt.Fprintf(b, "set:\n  observer.vendor: %s # DECIDE\n  event.category: [%s] # %s\n  event.type: [%s]\n", quote(d.Module), d.kind.name, why, d.kind.kind)
}

func (d *drafter) writeFields(b *strings.Builder) {
	named, kept := map[string]bool{}, []string{}
	if slices.ContainsFunc(d.fields, func(m mapped) bool { return m.field != "" }) {
		b.WriteString("fields: # guessed by names and values: DECIDE each\n")
	}
	for _, m := range d.fields {
		named[m.key] = true
		to := m.field
		if m.more != "" {
			to = "{to: " + m.field + ", " + m.more + "}"
		}
		switch {
		case m.field == "":
			fmt.Fprintf(b, "  # %s: DECIDE, these are %s\n", quote(m.key), m.remark)
		case m.field == "event.outcome":
			fmt.Fprintf(b, "  %s: {to: event.outcome, table: %s}\n", quote(m.key), table(m.verdict))
		case len(m.verdict) > 0:
			fmt.Fprintf(b, "  %s:\n    - %s\n    - {to: event.type, table: %s}\n", quote(m.key), to, table(m.verdict))
		default:
			fmt.Fprintf(b, "  %s: %s\n", quote(m.key), to)
		}
	}
	for _, k := range d.keys {
		if d.tellsKinds(k) && !named[k.name] {
			fmt.Fprintf(b, "# %s is one of %s: DECIDE, different kinds of lines? then: [{by: %s.%s, cases: …}]\n", quote(k.name), list(k.values), d.dataset, k.name)
		}
		if !named[k.name] && !slices.ContainsFunc(d.times, func(t string) bool { return strings.Contains(t, k.name) }) && !strings.ContainsAny(k.name, "\n\r") {
			kept = append(kept, k.name)
		}
	}
	if len(kept) > 0 && !d.cut.extends() {
		fmt.Fprintf(b, "# DECIDE: kept under %s.*: %s\n", d.dataset, strings.Join(kept[:min(len(kept), 60)], ", "))
	}
}

// tellsKinds tells whether a key says of what kind a line is: it is in all lines,
// has few values, and with the value other keys come and go.
func (d *drafter) tellsKinds(k *keyInfo) bool {
	if k.lines < d.probed() || len(k.values) < 2 || len(k.values) > 12 || !plainKeyName(k.name) || !fits(texts, k.values) || isDay(k.values[0]) || isClock(k.values[0]) || isStamp(k.values[0]) {
		return false
	}
	with := map[string]map[string]bool{} // by value: the keys of its lines
	for i := range d.lines {
		keys := d.lines[i].keys
		if len(keys) > 0 && with[keys[k.name]] == nil {
			with[keys[k.name]] = map[string]bool{}
		}
		for other := range keys {
			with[keys[k.name]][other] = true
		}
	}
	some := 0
	for _, other := range d.keys {
		n := 0
		for _, keys := range with {
			if keys[other.name] {
				n++
			}
		}
		if n < len(with) {
			some++
		}
	}
	return some >= 2
}

func plainKeyName(s string) bool {
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.-") == ""
}

// table writes a table from what values become.
func table(to map[string][]string) string {
	var rows []string
	for _, w := range []string{"allowed", "denied", "success", "failure"} {
		if len(to[w]) > 0 {
			rows = append(rows, quote(strings.Join(to[w], ", "))+": "+w)
		}
	}
	return "{" + strings.Join(rows, ", ") + `, "*": ""}`
}

// tests makes tests of samples that differ in what they have.
func (d *drafter) tests(set *format.Set) (out []string) {
	p := set.Parser(format.Options{Location: d.Zone})
	x := &event.Builder{}
	seen := map[string]bool{}
	odd := 0
	for i := range d.lines {
		x.Reset()
		in := d.input(d.lines[i].whole)
		in.Format = d.Name
		res := p.Parse(in, x)
		if res.Format != d.Name || res.Reason != "" {
			odd++
			continue
		}
		expect, kind := expectations(x)
		if seen[kind] || len(out) >= maxTests || strings.Contains(in.Line, "\ufffd") {
			continue
		}
		seen[kind] = true
		out = append(out, d.test(len(out)+1, in.Line, expect))
	}
	if odd > 0 {
		d.note("%d of %d samples are not read well by the draft: see `formats explain` for them", odd, len(d.lines))
	}
	return out
}

// test writes one test.
func (d *drafter) test(n int, line string, expect []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  - name: sample %d # DECIDE: what happens here\n", n)
	if d.header != "" {
		fmt.Fprintf(&b, "    header: %s\n", quote(d.header))
	}
	if d.byName {
		fmt.Fprintf(&b, "    format: %s\n", d.Name)
	}
	if !d.recv.IsZero() {
		fmt.Fprintf(&b, "    received: %s\n", quote(d.recv.Format(time.RFC3339)))
	}
	if zone := d.Zone.String(); zone != "JST" && zone != "Asia/Tokyo" {
		fmt.Fprintf(&b, "    zone: %s\n", quote(zone))
	}
	fmt.Fprintf(&b, "    line: %s\n    expect:\n      %s\n", quote(line), strings.Join(expect, "\n      "))
	if !strings.Contains(strings.Join(expect, "\n"), "event.outcome") {
		b.WriteString("    absent: [event.outcome]\n")
	}
	return b.String()
}

// expectations writes an event's fields as a test does, and says what kind of
// line it is: which fields, and how it is categorised.
func expectations(x *event.Builder) (out []string, kind string) {
	var batch event.Batch
	for f, v := range batch.Append(x, event.Ref{}).All {
		name := f.Name()
		if !f.Known() || strings.HasPrefix(name, "log.syslog.") || strings.HasPrefix(name, "related.") ||
			slices.Contains([]string{"event.original", "event.kind", "event.module", "event.dataset"}, name) {
			continue
		}
		text := quote(v.Text())
		switch v.Kind() {
		case event.List:
			text = list(v.List())
		case event.Date:
			text = time.Unix(0, v.Int()).UTC().Format(time.RFC3339Nano)
		case event.Long:
			text = v.Text()
		}
		out = append(out, quote(name)+": "+text)
		if kind += name + " "; name == "event.type" || name == "event.action" {
			kind += text
		}
	}
	slices.Sort(out)
	return out, kind
}
