package sigma

import (
	"regexp"
	"strconv"
	"strings"
)

// node is a condition under construction: and, or, not or raw.
type node interface{ precedence() int }

type (
	and []node
	or  []node
	not struct{ node }
	raw string // an expression
)

func (and) precedence() int { return 2 }
func (or) precedence() int  { return 1 }
func (not) precedence() int { return 3 }
func (r raw) precedence() int {
	switch {
	case callStart.MatchString(string(r)):
		return 4
	case strings.Contains(string(r), " || ") || strings.Contains(string(r), " && "):
		return 1
	}
	return 3 // a comparison: not needs brackets around it
}

var callStart = regexp.MustCompile(`^(has|text|inCIDR|inList|like|i(equals|contains|startsWith|endsWith|like|matches))\([^&|]*$`)

// simplify flattens and drops lists of one.
func simplify(n node) node {
	switch n := n.(type) {
	case and:
		var out and
		for _, x := range n {
			switch x := simplify(x).(type) {
			case and:
				out = append(out, x...)
			default:
				out = append(out, x)
			}
		}
		if len(out) == 1 {
			return out[0]
		}
		return out
	case or:
		var out or
		for _, x := range n {
			switch x := simplify(x).(type) {
			case or:
				out = append(out, x...)
			default:
				out = append(out, x)
			}
		}
		if len(out) == 1 {
			return out[0]
		}
		return out
	case not:
		inner := simplify(n.node)
		if x, ok := inner.(not); ok {
			return x.node
		}
		return not{inner}
	}
	return n
}

// text writes the condition over several lines, indented by depth.
func text(n node, depth int) string {
	pad := "\n" + strings.Repeat("  ", depth)
	switch n := n.(type) {
	case and:
		return joined(n, pad+"&& ", depth, n.precedence())
	case or:
		return joined(n, pad+"|| ", depth, n.precedence())
	case not:
		return "not " + enclosed(n.node, depth, 4)
	case raw:
		return string(n)
	}
	return ""
}

func joined(parts []node, sep string, depth, precedence int) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = enclosed(p, depth, precedence+1)
	}
	return strings.Join(out, sep)
}

func enclosed(n node, depth, precedence int) string {
	if n.precedence() >= precedence {
		return text(n, depth)
	}
	return "(" + text(n, depth+1) + ")"
}

var listCall = regexp.MustCompile(`inList\([^,]+, ["` + "`" + `]\*?([^"` + "`" + `*]+)`)

// listsOf names the lists that a condition asks.
func listsOf(n node) []string {
	var out []string
	for _, m := range listCall.FindAllStringSubmatch(text(n, 0), -1) {
		out = append(out, m[1])
	}
	return out
}

// quoted writes a string constant; raw when it holds backslashes, to stay readable.
func quoted(s string) string {
	if strings.Contains(s, `\`) && strconv.CanBackquote(s) && !strings.Contains(s, "\t") && !strings.HasSuffix(s, " ") {
		return "`" + s + "`"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff:
			b.WriteString(`\u` + hex4(r))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func hex4(r rune) string {
	s := strconv.FormatInt(int64(r), 16)
	return strings.Repeat("0", max(0, 4-len(s))) + s
}

// call writes fn(field, values…), long lists over several lines.
func call(fn, field string, values []string) raw {
	q := make([]string, len(values))
	width := 0
	for i, v := range values {
		q[i] = quoted(v)
		width += len(q[i]) + 2
	}
	if width > 100 && len(q) > 1 {
		return raw(fn + "(" + field + ",\n      " + strings.Join(q, ",\n      ") + ")")
	}
	return raw(fn + "(" + field + ", " + strings.Join(q, ", ") + ")")
}
