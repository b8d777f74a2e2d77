package format

import "strings"

// cutLabels cuts text that tells its values by labels, as the messages of
// Windows do:
//
//	Subject:
//		Account Name:		sato
//	Logon Type:			3
//
// Keys are labels.Subject.Account Name and labels.Logon Type. A heading holds
// for the lines that are indented under it. `Label = value` and `Label=value`
// are read alike. Where a relay made one line of the text, two blanks or more
// end a value, and a label without a value is a heading.
func (p *Parser) cutLabels(s string) {
	root := p.chain(shapeLabels)
	all := root.key("labels")
	if all == nil {
		return
	}
	top := root.of(all.inside())
	c := labelCutter{top: top, under: top}
	if strings.IndexByte(s, '\n') < 0 {
		c.flat(s)
		return
	}
	for line := range strings.SplitSeq(s, "\n") {
		c.line(line)
	}
}

// labelCutter holds the keys of all labels, and of those under the last heading.
type labelCutter struct{ top, under chain }

func (c *labelCutter) line(s string) {
	text := strings.TrimLeft(s, " \t\u3000")
	indented := len(text) < len(s)
	text = strings.TrimRight(text, " \t\r")
	label, value, ok := cutLabel(text)
	if !ok {
		return
	}
	if !indented {
		c.under = c.top
	}
	switch {
	case value != "":
		c.under.put(label, value, plain)
	case !indented:
		c.heading(label)
	}
}

// flat reads a text that was made one line.
func (c *labelCutter) flat(s string) {
	label := ""
	for s != "" {
		s = strings.TrimLeft(s, " \t")
		end := len(s)
		for i := range len(s) {
			if s[i] == '\t' || s[i] == ' ' && i+1 < len(s) && s[i+1] == ' ' {
				end = i
				break
			}
		}
		part := s[:end]
		s = s[end:]
		name, value, ok := cutLabel(part)
		switch {
		case ok:
			if label != "" {
				c.under = c.top
				c.heading(label)
			}
			if label = name; value != "" {
				c.under.put(name, value, plain)
				label = ""
			}
		case label != "":
			c.under.put(label, part, plain)
			label = ""
		}
	}
}

func (c *labelCutter) heading(name string) {
	if k := c.top.key(name); k != nil {
		c.under = c.top.of(k.inside())
	}
}

// cutLabel splits `Label: value`; a label is at most 64 bytes and the mark that
// ends it is a colon before a blank or the end, a full-width colon, or an equals
// sign.
func cutLabel(s string) (label, value string, ok bool) {
	for i := 0; i < len(s) && i <= 64; i++ {
		n := 0
		switch c := s[i]; {
		case c == '=' || c == ':' && (i+1 == len(s) || s[i+1] == ' ' || s[i+1] == '\t'):
			n = 1
		case c == 0xEF && strings.HasPrefix(s[i:], "：") || c == 0xC2 && strings.HasPrefix(s[i:], "\u00a0:"): // French has a blank before it
			n = 3
		}
		if n > 0 {
			return strings.TrimRight(s[:i], " \t"), strings.Trim(s[i+n:], " \t"), i > 0
		}
	}
	return "", "", false
}
