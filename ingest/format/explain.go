package format

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"mimamori/event"
)

// Explanation is what happened to a line on its way to an event.
type Explanation struct {
	Line    string          `json:"line"`
	Format  string          `json:"format"` // "" when none took the line
	Reason  string          `json:"reason,omitempty"`
	Dropped int             `json:"dropped,omitempty"`
	Steps   []Step          `json:"steps"`
	Event   json.RawMessage `json:"event"`
}

// Step is one step: what was looked at, what the format says about it, and what
// that changed.
type Step struct {
	Stage      string      `json:"stage"`            // header, recognise, inside, map, set, when, by, time, …
	At         string      `json:"at,omitempty"`     // file:line:column of what the format says
	Says       string      `json:"says,omitempty"`   // the format's own words there
	Key        string      `json:"key,omitempty"`    // of the line
	Value      string      `json:"value,omitempty"`  // as it stands in the line
	Did        []string    `json:"did,omitempty"`    // transforms and look-ups, with what went in and what came out
	Result     string      `json:"result,omitempty"` // where the changes alone do not tell it
	Changes    []Change    `json:"changes,omitempty"`
	Candidates []Candidate `json:"candidates,omitempty"`
}

// Change is a field before and after a step; "" is a field that is not there.
type Change struct {
	Field  string `json:"field"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Candidate is a format that was looked at for a line.
type Candidate struct {
	Format string `json:"format"`
	At     string `json:"at"`    // of the way to recognise it that came furthest
	Bytes  int    `json:"bytes"` // that its conditions fix; the most wins
	Taken  bool   `json:"taken"`
	Why    string `json:"why"`
}

// Explain reads a line as a Parser does and tells every step. The event is the
// one that Parse gives: the steps are noted while the same code runs.
func (s *Set) Explain(in Input, opts Options) Explanation {
	p := s.Parser(opts)
	p.trace = &trace{}
	x := &event.Builder{}
	res := p.Parse(in, x)
	p.did("rest", node{})
	out := Explanation{Line: in.Line, Format: res.Format, Reason: res.Reason, Dropped: res.Dropped, Steps: p.trace.steps}
	var b event.Batch
	out.Event = b.Append(x, event.Ref{}).AppendJSON(nil)
	return out
}

// where writes a node's place.
func (n node) where() string {
	if n.ast == nil {
		return ""
	}
	at := n.start().Position
	return fmt.Sprintf("%s:%d:%d", n.src.name, at.Line, at.Column)
}

// says gives a node's own words, on one line.
func (n node) says() string {
	if n.ast == nil {
		return ""
	}
	return cutText(strings.Join(strings.Fields(n.ast.String()), " "), 160)
}

// cutText shortens a text for people.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
