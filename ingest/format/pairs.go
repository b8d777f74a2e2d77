package format

import "strings"

// pairs cuts keys and values that stand between other texts than kv knows:
// `Key: value, Other Key: value`, `[key:"value"; other:"value"]`, or `Name = "v"`
// line by line. A key is a few words that begin with a letter and stand behind
// what is between two pairs. A part without a key belongs to the value before it,
// unless lines or tabs are between pairs.
type pairs struct {
	equals, between string
}

// names is empty: the keys are those of the line, in the space of kv.
func (*pairs) names() []string { return nil }

// pairs compiles the cutter.
func (c *compiler) pairs(n node) (cutter, *Error) {
	out := &pairs{}
	err := n.each(func(key string, at, val node) (err *Error) {
		switch key {
		case "equals":
			out.equals, err = val.text()
		case "between":
			out.between, err = val.text()
			switch out.between {
			case "line":
				out.between = "\n"
			case "tab":
				out.between = "\t"
			}
		default:
			return at.unknown(key, "between, equals")
		}
		return err
	})
	if err == nil && (out.equals == "" || strings.Trim(out.between, " ") == "") {
		err = n.fail("pairs needs `between` and `equals`, and no blanks alone")
	}
	return out, err
}

func (c *pairs) cut(p *Parser, _ []*key, s string) bool {
	keys := p.chain(shapeKV)
	if i := strings.IndexByte(s, '['); i >= 0 && i < 64 && i < strings.Index(s, c.equals) {
		s = s[i+1:] // [key:"value"; …]
	}
	name, value, k := "", "", plain
	flush := func() {
		if name != "" {
			keys.put(name, value, k)
		}
	}
	strict := strings.TrimSpace(c.between) == ""
	closed := true // false once a quote was never closed: no later one is then either
	for i, begin := 0, 0; i < len(s); {
		for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
			i++
		}
		w := c.label(s[i:])
		if w > 0 {
			flush()
			name = s[i : i+w]
			for i += w + len(c.equals); i < len(s) && (s[i] == ' ' || s[i] == '\t'); {
				i++
			}
			begin, k = i, plain
			if closed && i < len(s) && s[i] == '"' {
				var text string
				var kd kind
				var end int
				if text, kd, end, closed = c.quoted(s, i+1); closed {
					value, k, i = text, kd, end
					flush()
					name = ""
				}
			}
		}
		end := strings.Index(s[i:], c.between)
		if end < 0 {
			end = len(s) - i
		}
		if i += end; w > 0 || !strict {
			value = strings.TrimRight(s[min(begin, i):i], " \t\r\n")
		}
		i += len(c.between)
	}
	flush()
	return len(p.tokens) > 0
}

// label measures the key that s begins with, 0 for none.
func (c *pairs) label(s string) int {
	i := 0
	for i < len(s) && i < 48 && (keyBytes[s[i]] && s[i] != '[' && s[i] != ']' || s[i] == ' ' || s[i] == '/') {
		i++
	}
	for i > 0 && s[i-1] == ' ' && !strings.HasPrefix(s[i:], c.equals) {
		i--
	}
	if i == 0 || !isLetter(s[0]) && s[0] != '_' && s[0] < 0x80 || !strings.HasPrefix(s[i:], c.equals) {
		return 0
	}
	return i
}

// quoted reads from behind a quote to its pair, which stands before a separator
// or the end.
func (c *pairs) quoted(s string, start int) (string, kind, int, bool) {
	k := plain
	for i := start; i < len(s); i++ {
		switch s[i] {
		case '\\':
			k = quoted
			i++
		case '"':
			rest := strings.TrimLeft(s[i+1:], " ]")
			if rest == "" || strings.HasPrefix(rest, c.between) || strings.HasPrefix(rest, "\r"+c.between) {
				return s[start:i], k, i + 1, true
			}
		}
	}
	return "", plain, start, false
}
