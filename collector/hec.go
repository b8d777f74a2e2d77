package collector

import (
	"bytes"
	"net/http"
)

// Paths of the HTTP Event Collector that take no lines.
const hecAck = "/services/collector/ack"

var hecHealth = map[string]bool{"/services/collector/health": true, "/services/collector/health/1.0": true}

// hecCutter is for events in JSON, one after the other.
func hecCutter(*http.Request) (cutter, error) { return cutEvents, nil }

// cutEvents makes a bodyLine of each JSON object as it was sent: event, time,
// host, source and fields are the prefecture's to read. Objects may follow each
// other with or without blanks between.
//
// A body that does not begin with an object is refused. In one that does,
// everything is kept: what stands between objects, and an object that ends in
// the middle of a string (a newline there is no JSON) or with the body, becomes
// a record of its own and is counted as bad. Refusing the body would lose the
// good events with the bad one where the sender does not send again, and double
// those before it where it does; 200 is true, for all of it is on disk.
func cutEvents(b *body, emit func(bodyLine) error) error {
	s := &eventCutter{emit: emit}
	return b.chunks(func(part []byte, last bool) error {
		for len(part) > 0 {
			n, err := s.step(part)
			if err != nil {
				return err
			}
			part = part[n:]
		}
		if last && s.state != between {
			return s.done(nil, true)
		}
		return nil
	})
}

// Where an eventCutter is.
const (
	between = iota
	inObject
	inString
	inEscape
	inJunk
)

// eventCutter finds where objects end by their brackets; it knows no more of
// JSON.
type eventCutter struct {
	emit  func(bodyLine) error
	held  held
	state int
	depth int
	any   bool // an object has begun
}

// step takes bytes off the front of b and returns how many.
func (s *eventCutter) step(b []byte) (int, error) {
	if s.state == between {
		if n := len(b) - len(bytes.TrimLeft(b, " \t\r\n")); n > 0 {
			return n, nil
		}
		if s.state = inJunk; b[0] == '{' {
			s.state, s.depth, s.any = inObject, 0, true
		}
		if !s.any {
			return 0, errFormat
		}
	}
	if s.state == inJunk {
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			return i + 1, s.done(b[:i], true)
		}
		s.held.keep(b)
		return len(b), nil
	}
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c == '\n' && s.state != inObject:
			return i + 1, s.done(b[:i], true)
		case s.state == inEscape:
			s.state = inString
		case s.state == inString && c == '\\':
			s.state = inEscape
		case c == '"':
			s.state = inObject + inString - s.state // in or out
		case s.state == inString:
			i += plain(b[i:]) - 1
		case c == '{' || c == '[':
			s.depth++
		case c == '}' || c == ']':
			if s.depth--; s.depth == 0 {
				return i + 1, s.done(b[:i+1], false)
			}
		}
	}
	s.held.keep(b)
	return len(b), nil
}

// plain is how many bytes of a string's inside mean nothing; at least the first.
func plain(b []byte) int {
	n := len(b)
	for _, c := range [...]byte{'"', '\\', '\n'} {
		if i := bytes.IndexByte(b[:n], c); i >= 0 {
			n = i
		}
	}
	return max(n, 1)
}

// done ends the bodyLine with the bytes b.
func (s *eventCutter) done(b []byte, bad bool) error {
	s.state = between
	p := s.held.end(b)
	if p.bad = bad; len(p.line) == 0 {
		return nil
	}
	return s.emit(p)
}

// answerHEC answers as Splunk does.
func answerHEC(w http.ResponseWriter, _ *http.Request, o outcome) {
	if o.err != nil {
		r := asRefusal(o.err)
		answerJSON(w, r.status, hecText{Text: r.splunk, Code: r.hec})
		return
	}
	t := hecText{Text: "Success"}
	if o.ack > 0 {
		t.AckID = &o.ack
	}
	answerJSON(w, http.StatusOK, t)
}

type hecText struct {
	Text  string `json:"text"`
	Code  int    `json:"code"`
	AckID *int64 `json:"ackId,omitempty"`
}
