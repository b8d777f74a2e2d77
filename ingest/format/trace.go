package format

import (
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"mimamori/event"
)

// trace notes what a parser does with one line. It reads the event between two
// steps, so that what it says changed did change.
type trace struct {
	steps   []Step
	was     event.Builder // the event as it was at the last step
	dropped int
	doing   []string // since the last step
	open    *Step    // the key whose value is being mapped
	why     string   // it is to change nothing
	seen    map[ast.Node]bool
}

// did notes a step of the format under at, if it changed anything.
func (p *Parser) did(stage string, at node) {
	if p.trace != nil {
		p.trace.did(p, stage, at)
	}
}

// didMap notes that a step's mapping took a key's value.
func (p *Parser) didMap(m *mapping, v string) {
	if p.trace != nil {
		p.trace.didMap(p, m, v)
	}
}

// triedTime notes a place where the event's own time may stand.
func (p *Parser) triedTime(t *timeSpec, text, layout, failed string) {
	if p.trace != nil {
		p.trace.triedTime(p, t, text, layout, failed)
	}
}

func (t *trace) saw(at node) {
	if t.seen != nil && at.ast != nil {
		t.seen[at.ast] = true
	}
}

func (t *trace) didMap(p *Parser, m *mapping, v string) {
	t.saw(m.at)
	t.note(p, Step{Stage: "map", At: m.at.where(), Says: m.at.says(), Value: v})
}

// changed notes a transform or a look-up.
func (t *trace) changed(name, before, after string) {
	t.doing = append(t.doing, fmt.Sprintf("%s: %q → %q", name, before, after))
}

func (t *trace) triedTime(p *Parser, spec *timeSpec, text, layout, failed string) {
	st := Step{Stage: "time", At: spec.at.where(), Says: spec.at.says(), Value: strings.Clone(text), Result: failed}
	if failed == "" {
		t.saw(spec.at)
		st.Result = "read by its spelling"
		if layout != "" {
			st.Result = "read by the layout " + layout
		}
		s, _, known := cutStamp(strings.TrimSpace(text))
		switch _, isEpoch := epoch(text); {
		case isEpoch:
			st.Result = "read as seconds since 1970, or a fraction of them"
		case layout == "" && known && s.zoned:
			st.Result += ", in the zone that stands there"
		case spec.utc:
			st.Result += ", as UTC as the format says"
		default:
			st.Result += ", without a zone: as " + p.opts.Location.String()
		}
	}
	t.steps = append(t.steps, st)
}

func (t *trace) did(p *Parser, stage string, at node) {
	st := Step{Stage: stage, At: at.where(), Says: at.says()}
	if stage == "time" {
		v, _ := p.x.Get(p.fields.timestamp)
		switch {
		case v.Int() == p.now:
			st.Result = "the time of receipt"
		default:
			st.Result = "the claimed time"
		}
	}
	t.note(p, st)
}

// note finds what changed since the last step and keeps the step if that is
// anything, or if the step itself says something.
func (t *trace) note(p *Parser, st Step) {
	st.Did, t.doing = t.doing, nil
	for f := range event.Field(event.MaxFields) {
		v, ok := p.x.Get(f)
		w, had := t.was.Get(f)
		if ok == had && (!ok || v.Equal(w)) {
			continue
		}
		c := Change{Field: f.Name()}
		if had {
			c.Before = text(w)
		}
		if ok {
			c.After = text(v)
			t.was.Set(f, v)
		} else {
			t.was.Delete(f)
		}
		st.Changes = append(st.Changes, c)
	}
	if n := p.dropped - t.dropped; n > 0 {
		t.dropped = p.dropped
		st.Result = fmt.Sprintf("%d values dropped: no field could be given (the whole line stays in event.original)", n)
	}
	if len(st.Changes)+len(st.Did) > 0 || st.Key != "" || st.Result != "" {
		t.steps = append(t.steps, st)
	}
}

// text writes a value as a person reads it.
func text(v event.Value) string {
	if v.Kind() == event.List {
		return "[" + strings.Join(v.List(), ", ") + "]"
	}
	if v.Kind() == event.Date {
		return time.Unix(0, v.Int()).UTC().Format(time.RFC3339Nano)
	}
	return v.Text()
}

// header notes what was taken off the line before a format saw it.
func (t *trace) header(p *Parser, in Input, h *header) {
	whole := strings.TrimRight(in.Line, "\r\n\x00")
	st := Step{Stage: "header", Key: "body", Value: h.body, Result: "the line has no header that is taken off"}
	if before, ok := strings.CutSuffix(whole, h.body); ok && before != "" {
		st.Result = "taken off: " + before
	}
	if in.Header != "" {
		st.Result = "a row of a file with the header: " + in.Header
	}
	t.note(p, st)
	name := in.Format
	if name == "" || name == "auto" {
		name = p.opts.Format
	}
	if name != "" {
		t.steps = append(t.steps, Step{Stage: "recognise", Result: "the format is given: " + name})
	}
}

// inside notes that a value was cut again; from is the first pair found in it.
func (t *trace) inside(p *Parser, in *nested, value string, from int) {
	t.steps = append(t.steps, Step{Stage: "inside", Key: in.key, Value: value, Result: fmt.Sprintf("cut again: %d pairs", max(len(p.tokens)-from, 0))})
}

// token closes the step of the pair before, and opens one for t.
func (t *trace) token(p *Parser, f *compiled, tok *token) {
	t.close(p)
	t.open = &Step{Stage: "map", Key: tok.key.path, Value: tok.text}
	if t.why = "no value"; tok.text == "" {
		return
	}
	b := p.bindingOf(tok.key, f)
	t.why = ""
	switch {
	case b.op == opSkip && !b.lost && b.slot < 0:
		t.why = "ignored, as the format says"
	case b.mapping != nil && f.isAbsent(tok.text):
		t.why = "means nothing (absent)"
	case b.slot >= 0 && p.rawGen[b.slot] == p.gen && !(b.mapping != nil && b.multi):
		t.why = "another spelling of this key came first"
	case b.mapping == nil && b.op == opSkip && b.slot >= 0:
		t.why = "ignored but for the steps that read it"
	}
	if b.name != tok.key.path {
		t.doing = append(t.doing, "is called "+b.name)
	}
	if b.mapping != nil && t.why == "" {
		t.saw(b.mapping.at)
		t.open.At, t.open.Says = b.mapping.at.where(), b.mapping.at.says()
	}
}

// close ends the step of a pair.
func (t *trace) close(p *Parser) {
	if t.open == nil {
		return
	}
	st := *t.open
	t.open = nil
	steps := len(t.steps)
	t.note(p, st)
	if last := &t.steps[steps]; len(last.Changes) == 0 && last.Result == "" {
		if last.Result = t.why; t.why == "" {
			last.Result = "changes nothing"
		}
	} else if last.At == "" && last.Result == "" {
		last.Result = "no mapping: kept under the format's own name space"
	}
}

// chosen notes what a condition or a choice came to.
func (t *trace) chosen(p *Parser, s *step, body *block) {
	st := Step{Stage: "when", At: s.at.where(), Says: s.at.says(), Result: "does not hold"}
	if s.by != nil {
		st.Stage = "by"
		st.Value = strings.ReplaceAll(string(p.caseKey(s.by)), "\x00", " ")
		st.Result = "no case for this value"
	}
	switch {
	case body == nil:
	case body == s.otherwise:
		t.saw(body.at)
		st.Result += ": else"
	default:
		t.saw(body.at)
		if st.Result = "holds"; s.by != nil {
			st.Result = "the case at " + body.at.where()
		}
	}
	t.steps = append(t.steps, st)
}
