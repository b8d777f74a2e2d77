package format

import (
	"errors"
	"slices"
	"strings"

	"mimamori/event"
	"mimamori/internal/lang"
)

func (c *compiler) steps(n node) ([]step, *Error) {
	var out []step
	for _, it := range n.items() {
		s, err := c.step(it)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (c *compiler) step(n node) (step, *Error) {
	s := step{at: n, body: &block{at: n}}
	var cases node
	err := n.each(func(key string, at, val node) (err *Error) {
		switch key {
		case "when":
			s.when, err = c.when(val)
			s.at = val
			c.f.choices = append(c.f.choices, n)
		case "by":
			s.by, err = c.byFields(val)
			s.at = val
		case "cases":
			cases = val
		case "else":
			s.otherwise, err = c.block(val)
			c.f.choices = append(c.f.choices, val)
		default:
			var known bool
			if known, err = c.blockKey(s.body, key, val); !known {
				return at.unknown(key, "when, by, cases, else, "+blockKeys)
			}
		}
		return err
	})
	if err != nil {
		return s, err
	}
	if (s.when == nil) == (s.by == nil) {
		return s, n.fail("a step has either `when` or `by`")
	}
	if s.by != nil {
		if cases.ast == nil {
			return s, n.fail("`by` needs `cases`")
		}
		s.cases, err = c.cases(cases, len(s.by))
	}
	return s, err
}

// when compiles a condition; its mistakes point into the file.
func (c *compiler) when(n node) (lang.Program, *Error) {
	text, err := n.text()
	if err != nil {
		return nil, err
	}
	e, perr := lang.Parse(text)
	if perr != nil {
		if le, ok := errors.AsType[*lang.Error](perr); ok {
			msg := le.Msg
			if le.Hint != "" {
				msg += " (" + le.Hint + ")"
			}
			return nil, n.at(le.Line, le.Col, msg)
		}
		return nil, n.fail("%v", perr)
	}
	return e.Compile(nil), nil
}

func (c *compiler) byFields(n node) ([]event.Field, *Error) {
	names, err := n.words()
	if err != nil {
		return nil, err
	}
	var out []event.Field
	for _, name := range names {
		f, err := c.field(name, n)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// cases compiles the choices. A choice by several fields writes their values
// behind each other, blanks between; commas separate further last values:
// "Microsoft-Windows-Sysmon 12, 13, 14".
func (c *compiler) cases(n node, fields int) (map[string]*block, *Error) {
	out := map[string]*block{}
	err := n.each(func(key string, at, val node) *Error {
		b, err := c.block(val)
		if err != nil {
			return err
		}
		c.f.choices = append(c.f.choices, val)
		lead := ""
		for i, choice := range strings.Split(key, ",") {
			choice = strings.TrimSpace(choice)
			if i == 0 {
				words := choice
				for range fields - 1 {
					blank := strings.LastIndexByte(words, ' ')
					if blank < 0 {
						return at.fail("%q does not give a value for each of the %d fields", choice, fields)
					}
					words = words[:blank] + "\x00" + words[blank+1:]
				}
				lead, choice = words[:strings.LastIndexByte(words, 0)+1], words[strings.LastIndexByte(words, 0)+1:]
			}
			if slices.Contains(strings.Split(lead+choice, "\x00"), "*") {
				return at.fail("* is no wildcard in `cases` of a step: leave the rest to `else`, or choose by fewer fields")
			}
			if out[lead+choice] != nil {
				return at.fail("%q is chosen twice", choice)
			}
			out[lead+choice] = b
		}
		return nil
	})
	return out, err
}
