package format

import "strings"

// columns cuts lines whose values stand in a fixed order.
type columns struct {
	keys  []string
	first branch
	sep   byte // ' ' stands for any run of blanks
	least int

	labels bool // a value `Label: value` bears its own name
}

// column is one value: a key, a pattern inside it, or nothing.
type column struct {
	own     int
	pattern *pattern
}

func (c *columns) names() []string { return c.keys }

// columns compiles the cutter.
func (c *compiler) columns(n node) (cutter, *Error) {
	out := &columns{sep: ' ', least: -1, first: branch{by: -1}}
	err := n.each(func(key string, at, val node) (err *Error) {
		switch key {
		case "separator":
			var s string
			if s, err = val.text(); err != nil {
				return err
			}
			switch s {
			case "blank":
				s = " "
			case "tab":
				s = "\t"
			}
			if len(s) != 1 {
				return val.fail("a separator is one byte, blank or tab")
			}
			out.sep = s[0]
		case "least":
			out.least, err = val.integer()
		case "labels":
			out.labels, err = val.yes()
		default:
			return c.branchKey(out, &out.first, at, val)
		}
		return err
	})
	if err == nil {
		err = out.first.check(n)
	}
	if out.least < 0 {
		out.least = len(out.first.cols)
	}
	return out, err
}

// cut reads the columns.
func (c *columns) cut(p *Parser, own []*key, s string) bool {
	n := 0
	b, first, chosen := &c.first, 0, "" // the branch, the number of its first column, the value that chooses the next
	for v := (values{s: s, sep: c.sep}); ; {
		text, k, ok := v.next()
		if !ok {
			return n >= c.least
		}
		if c.labels && p.labelled(text, k) {
			n++
			continue
		}
		if n-first == len(b.cols) && b.by >= 0 {
			next := b.cases[chosen]
			if next == nil {
				next = b.cases["*"]
			}
			if next == nil {
				return false
			}
			b, first = next, n
		}
		if n-first == b.by {
			chosen = text
		}
		if n-first < len(b.cols) {
			switch col := &b.cols[n-first]; {
			case col.pattern != nil:
				if !col.pattern.match(p, own, text) && n < c.least {
					return false
				}
			case col.own >= 0:
				p.emit(own[col.own], text, k)
			}
		} else {
			p.dropped++
		}
		n++
	}
}

// labelled takes a value that names itself: `Label: value`.
func (p *Parser) labelled(text string, k kind) bool {
	i := strings.IndexByte(text, ':')
	if i <= 0 || i > 48 || i+1 < len(text) && text[i+1] != ' ' {
		return false
	}
	keys := p.chain(shapeLabels)
	keys.put(text[:i], strings.TrimLeft(text[i+1:], " "), k)
	return true
}
