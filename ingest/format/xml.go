package format

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// xmlCutter walks an XML document once and emits a token per leaf element and
// per attribute. Keys are paths below the root, without name-space prefixes:
// System.EventID, System.Provider.Name. An element with an attribute Name and no
// elements inside, such as Windows' <Data Name="Image">, is named by it:
// EventData.Image; those without, one after another, are param1, param2 … There
// are no entities but XML's own, so that none can grow.
type xmlCutter struct {
	p     *Parser
	space *keyspace
	s     string
	i     int
}

// cutXML cuts a line that is an XML document. It answers "" or why the text is
// no complete XML; the tokens up to there stand.
func (p *Parser) cutXML(s string) string {
	c := xmlCutter{p: p, space: &p.spaces[shapeXML], s: s}
	o := c.space.start()
	if !c.prolog() || !c.root(o) {
		return "XML is broken, cut off, or has a DOCTYPE"
	}
	return ""
}

// prolog passes over what stands before the root.
func (c *xmlCutter) prolog() bool {
	for {
		c.i += len(c.s[c.i:]) - len(strings.TrimLeft(c.s[c.i:], " \t\r\n\ufeff"))
		rest := c.s[c.i:]
		switch {
		case strings.HasPrefix(rest, "<?"):
			if !c.past("?>") {
				return false
			}
		case strings.HasPrefix(rest, "<!--"):
			if !c.past("-->") {
				return false
			}
		default:
			return len(rest) > 1 && rest[0] == '<' && rest[1] != '!'
		}
	}
}

// past goes behind the next occurrence of a text.
func (c *xmlCutter) past(text string) bool {
	j := strings.Index(c.s[c.i:], text)
	if j < 0 {
		c.i = len(c.s)
		return false
	}
	c.i += j + len(text)
	return true
}

// tag is a start tag.
type tag struct {
	name   string
	named  string // value of the attribute Name
	attrs  string // text of the attributes
	closed bool   // <a/>
}

// open reads a start tag from its '<'.
func (c *xmlCutter) open() (t tag, ok bool) {
	c.i++
	start := c.i
	for c.i < len(c.s) && c.s[c.i] > ' ' && c.s[c.i] != '>' && c.s[c.i] != '/' {
		c.i++
	}
	t.name = local(c.s[start:c.i])
	from := c.i
	for c.i < len(c.s) {
		switch b := c.s[c.i]; b {
		case '"', '\'':
			j := strings.IndexByte(c.s[c.i+1:], b)
			if j < 0 {
				return t, false
			}
			c.i += j + 1
		case '>':
			end := c.i
			if t.closed = c.s[end-1] == '/' && end-1 >= from; t.closed {
				end--
			}
			t.attrs = c.s[from:end]
			c.i++
			t.named = attribute(t.attrs, "Name")
			return t, t.name != ""
		case '<':
			return t, false
		}
		c.i++
	}
	return t, false
}

// local is a name without its prefix.
func local(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }

// nextAttr takes an attribute off the front of a tag's text.
func nextAttr(s string) (name, value, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t\r\n")
	eq := strings.IndexByte(s, '=')
	if eq <= 0 {
		return "", "", "", false
	}
	name = strings.TrimRight(s[:eq], " \t\r\n")
	s = strings.TrimLeft(s[eq+1:], " \t\r\n")
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return "", "", "", false
	}
	end := strings.IndexByte(s[1:], s[0])
	if end < 0 {
		return "", "", "", false
	}
	return name, s[1 : 1+end], s[end+2:], true
}

func attribute(attrs, want string) string {
	for {
		name, value, rest, ok := nextAttr(attrs)
		if !ok {
			return ""
		}
		if name == want {
			return value
		}
		attrs = rest
	}
}

// root reads the root element: its children are keys of o.
func (c *xmlCutter) root(o *object) bool {
	t, ok := c.open()
	return ok && (t.closed || c.children(o, 0))
}

// children reads the content of an element that holds elements, to behind its
// end tag.
func (c *xmlCutter) children(o *object, depth int) bool {
	keys := chain{c.p, c.space, o, &o.first}
	params := 0
	for {
		j := strings.IndexByte(c.s[c.i:], '<')
		if j < 0 {
			return false
		}
		c.i += j
		rest := c.s[c.i:]
		switch {
		case strings.HasPrefix(rest, "</"):
			return c.past(">")
		case strings.HasPrefix(rest, "<!--"):
			if !c.past("-->") {
				return false
			}
			continue
		case strings.HasPrefix(rest, "<![CDATA["):
			if !c.past("]]>") {
				return false
			}
			continue
		case strings.HasPrefix(rest, "<!"), strings.HasPrefix(rest, "<?"):
			return false
		}
		t, ok := c.open()
		if !ok {
			return false
		}
		name := t.name
		if t.named != "" && (name == "Data" || name == "ComplexData") {
			name = t.named
		} else if name == "Data" {
			name = paramNames[min(params, len(paramNames)-1)]
			params++
		}
		k := keys.key(name)
		if k != nil {
			c.attributes(k, t, name)
		}
		if t.closed {
			continue
		}
		if !c.content(k, depth) {
			return false
		}
	}
}

// paramNames are what Windows calls values without a name.
var paramNames = [...]string{
	"param1", "param2", "param3", "param4", "param5", "param6", "param7", "param8", "param9", "param10",
	"param11", "param12", "param13", "param14", "param15", "param16", "param17", "param18", "param19", "param20",
}

// attributes emits a tag's attributes as keys below it.
func (c *xmlCutter) attributes(k *key, t tag, name string) {
	if strings.IndexByte(t.attrs, '=') < 0 {
		return
	}
	in := k.inside()
	keys := chain{c.p, c.space, in, &in.first}
	attrs := t.attrs
	for {
		at, value, rest, ok := nextAttr(attrs)
		if !ok {
			return
		}
		attrs = rest
		if at == "Name" && name == t.named || at == "xmlns" || strings.HasPrefix(at, "xmlns:") || value == "" {
			continue
		}
		keys.put(local(at), value, xmlKind(value))
	}
}

// content reads what stands in an element: text, or elements.
func (c *xmlCutter) content(k *key, depth int) bool {
	start := c.i
	j := strings.IndexByte(c.s[c.i:], '<')
	if j < 0 {
		return false
	}
	text, rest := c.s[start:start+j], c.s[start+j:]
	if strings.HasPrefix(rest, "</") {
		c.i = start + j
		if text != "" {
			c.p.emit(k, text, xmlKind(text))
		}
		return c.past(">")
	}
	if strings.HasPrefix(rest, "<![CDATA[") && strings.TrimSpace(text) == "" {
		from := start + j + len("<![CDATA[")
		c.i = from
		if !c.past("]]>") {
			return false
		}
		c.p.emit(k, c.s[from:c.i-len("]]>")], plain)
		return c.past(">")
	}
	if k == nil || depth >= maxDepth {
		return c.skip()
	}
	if k.mark >= 0 {
		c.p.mark(k)
	}
	return c.children(k.inside(), depth+1)
}

// skip passes over the content of an element that is too deep, or whose key has
// no room, and counts it.
func (c *xmlCutter) skip() bool {
	c.p.dropped++
	for open := 1; open > 0; {
		j := strings.IndexByte(c.s[c.i:], '<')
		if j < 0 {
			return false
		}
		c.i += j
		switch {
		case strings.HasPrefix(c.s[c.i:], "</"):
			open--
			if !c.past(">") {
				return false
			}
		case strings.HasPrefix(c.s[c.i:], "<!"):
			if !c.past(">") {
				return false
			}
		default:
			t, ok := c.open()
			if !ok {
				return false
			}
			if !t.closed {
				open++
			}
		}
	}
	return true
}

func xmlKind(s string) kind {
	if strings.IndexByte(s, '&') >= 0 {
		return xmlText
	}
	return plain
}

// xmlUnescape resolves &lt; &gt; &amp; &quot; &apos; and numbers; others stay.
func (p *Parser) xmlUnescape(s string) string {
	b := p.arena.room(len(s))
	for {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			return p.arena.keep(append(b, s...))
		}
		b = append(b, s[:i]...)
		s = s[i:]
		end := strings.IndexByte(s[:min(len(s), 12)], ';')
		if end < 0 {
			b, s = append(b, '&'), s[1:]
			continue
		}
		r, ok := xmlEntity(s[1:end])
		if !ok {
			b, s = append(b, '&'), s[1:]
			continue
		}
		b, s = utf8.AppendRune(b, r), s[end+1:]
	}
}

func xmlEntity(name string) (rune, bool) {
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, ok := strings.CutPrefix(name, "#")
	if !ok || digits == "" {
		return 0, false
	}
	base := 10
	if digits[0] == 'x' || digits[0] == 'X' {
		base, digits = 16, digits[1:]
	}
	n, err := strconv.ParseUint(digits, base, 21)
	return rune(n), err == nil && n <= utf8.MaxRune
}
