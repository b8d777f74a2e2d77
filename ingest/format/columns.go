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

// cut reads the columns. Values in double quotes may hold the separator; "" in
// them is a quote.
func (c *columns) cut(p *Parser, own []*key, s string) bool {
	n, i := 0, 0
	b, first, chosen := &c.first, 0, "" // the branch, the number of its first column, the value that chooses the next
	for i <= len(s) {
		if c.sep == ' ' {
			for i < len(s) && s[i] == ' ' {
				i++
			}
			if i == len(s) {
				break
			}
		}
		var text string
		k := plain
		if i < len(s) && s[i] == '"' {
			text, k, i = csvQuoted(s, i+1, c.sep)
		} else {
			end := strings.IndexByte(s[i:], c.sep)
			if end < 0 {
				end = len(s) - i
			}
			text = s[i : i+end]
			i += end
		}
		i++
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
	return n >= c.least
}

// labelled takes a value that names itself: `Label: value`.
func (p *Parser) labelled(text string, k kind) bool {
	i := strings.IndexByte(text, ':')
	if i <= 0 || i > 48 || i+1 < len(text) && text[i+1] != ' ' {
		return false
	}
	space := &p.spaces[shapeLabels]
	o := space.start()
	if e := space.find(o, &o.first, text[:i]); e != nil {
		p.emit(e, strings.TrimLeft(text[i+1:], " "), k)
	}
	return true
}

// csvQuoted reads from behind a quote to behind its pair; the pair is the quote
// before the separator or the end.
func csvQuoted(s string, start int, sep byte) (string, kind, int) {
	k := plain
	for i := start; ; {
		j := strings.IndexByte(s[i:], '"')
		if j < 0 { // never closed: the rest of the line
			return s[start:], k, len(s)
		}
		j += i
		switch {
		case j > start && s[j-1] == '\\':
			k = quoted
			i = j + 1
		case j+1 < len(s) && s[j+1] == '"' && sep == ',':
			k = doubled
			i = j + 2
		case j+1 >= len(s) || s[j+1] == sep:
			return s[start:j], k, j + 1
		default:
			i = j + 1
		}
		if i > len(s) {
			return s[start:], k, len(s)
		}
	}
}
