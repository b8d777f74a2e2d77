package format

import "strings"

// columns cuts lines whose values stand in a fixed order.
type columns struct {
	keys  []string
	cols  []column
	sep   byte // ' ' stands for any run of blanks
	least int
}

// column is one value: a key, a pattern inside it, or nothing.
type column struct {
	own     int
	pattern *pattern
}

func (c *columns) names() []string { return c.keys }

// columns compiles the cutter.
func (c *compiler) columns(n node) (cutter, *Error) {
	out := &columns{sep: ' ', least: -1}
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
		case "names":
			for _, it := range val.items() {
				if err := c.column(out, it); err != nil {
					return err
				}
			}
		default:
			return at.unknown(key, "separator, least, names")
		}
		return err
	})
	if err == nil && len(out.cols) == 0 {
		err = n.fail("`names` is missing")
	}
	if out.least < 0 {
		out.least = len(out.cols)
	}
	return out, err
}

func (c *compiler) column(out *columns, n node) *Error {
	name, err := n.text()
	if err != nil {
		return err
	}
	col := column{own: -1}
	switch {
	case strings.Contains(name, "%{"):
		q, err := c.pattern(n, name, &out.keys)
		if err != nil {
			return err
		}
		col.pattern = &q
	case name != "" && name != "-":
		col.own = ownIndex(&out.keys, name)
	}
	out.cols = append(out.cols, col)
	return nil
}

// cut reads the columns. Values in double quotes may hold the separator; "" in
// them is a quote.
func (c *columns) cut(p *Parser, own []*key, s string) bool {
	n, i := 0, 0
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
		if n < len(c.cols) {
			switch col := &c.cols[n]; {
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
