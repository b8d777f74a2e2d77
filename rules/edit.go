package rules

import "strings"

// editor changes a YAML text in place, a few words at a time. It does not know
// every way of writing YAML: whoever uses it compares what the text then says
// with what it should.
type editor struct {
	*decoder
	root  *ynode // nil while there are only comments
	wrong error  // the text can no longer be read
}

// parse reads the text as it is.
func (e *editor) parse() error {
	e.root = nil
	if !strings.ContainsFunc(uncommented(e.src), func(r rune) bool { return r > ' ' }) {
		return nil
	}
	root, err := parseYAML(e.src)
	if err != nil {
		e.fail(err.Line, err.Col, err.Hint, "%s", err.Msg)
		return e.joined()
	}
	if e.root = root; root.kind != yamlMap {
		e.fail(root.line, root.col, "", "an override must be a mapping, not %s", root.kind)
		return e.joined()
	}
	return nil
}

// uncommented is a text without the lines that are comments.
func uncommented(src string) string {
	var b strings.Builder
	for l := range strings.Lines(src) {
		if !strings.HasPrefix(strings.TrimSpace(l), "#") {
			b.WriteString(l)
		}
	}
	return b.String()
}

// set gives the key at the end of a path a value, and makes what is not there.
func (e *editor) set(path []string, value string) {
	if e.wrong != nil {
		return
	}
	n := e.root
	for i, key := range path {
		p := n.pair(key)
		switch {
		case p == nil && i == 0:
			e.atTop(nested(path, value, true), key)
		case p == nil:
			e.into(n, nested(path[i:], value, false))
		case i == len(path)-1:
			e.replace(*p, value)
		case p.value.kind == yamlNull:
			e.replace(*p, "{"+nested(path[i+1:], value, false)+"}")
		default:
			n = p.value
			continue
		}
		break
	}
	e.wrong = e.parse()
}

// add appends an item to a list of the file, which stands at its end.
func (e *editor) add(key, item string) {
	if e.wrong != nil {
		return
	}
	switch p := e.root.pair(key); {
	case p == nil:
		e.atTop(key+":\n  - "+item, key)
	case len(p.value.items) == 0:
		e.replace(*p, "["+item+"]")
	default:
		line := strings.Split(e.src, "\n")[p.value.items[0].line-1]
		e.insert(p.value.last()+1, line[:len(line)-len(strings.TrimLeft(line, " "))]+"- "+item)
	}
	e.wrong = e.parse()
}

// nested writes a value below its keys; codes are in quotes.
func nested(path []string, value string, top bool) string {
	key := path[0]
	if key[0] <= '9' {
		key = `"` + key + `"`
	}
	switch {
	case len(path) == 1:
		return key + ": " + value
	case top:
		return key + ":\n  " + nested(path[1:], value, false)
	}
	return key + ": {" + nested(path[1:], value, false) + "}"
}

// into puts a key into a mapping: after what is there, or first within braces.
func (e *editor) into(n *ynode, text string) {
	src := []rune(e.src)
	at := offset(src, n.line, n.col)
	switch before := strings.TrimRight(string(src[:at]), " \n"); {
	case len(n.pairs) == 0: // {}
		e.splice(at+1, at+1, text)
	case strings.HasSuffix(before, "{"):
		e.splice(at, at, text+", ")
	default:
		e.insert(n.last()+1, strings.Repeat(" ", n.col-1)+text)
	}
}
