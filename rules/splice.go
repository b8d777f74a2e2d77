package rules

import (
	"slices"
	"strings"
)

// replace puts another value in the place of a plain one, of none, or of [].
func (e *editor) replace(p ypair, value string) {
	src := []rune(e.src)
	from := offset(src, p.line, p.col)
	if colon := slices.Index(src[from:], ':'); p.value.kind == yamlNull && colon >= 0 {
		e.splice(from+colon+1, from+colon+1, " "+value)
		return
	}
	from = offset(src, p.value.line, p.value.col)
	to := from + len([]rune(p.value.text))
	switch {
	case p.value.kind == yamlSeq:
		to = from + 2
	case from < len(src) && (src[from] == '"' || src[from] == '\''):
		to += 2
	}
	e.splice(from, min(to, len(src)), value)
}

func (e *editor) splice(from, to int, text string) {
	src := []rune(e.src)
	e.src = string(src[:from]) + text + string(src[to:])
}

// insert puts a text before a line, or at the end.
func (e *editor) insert(line int, text string) {
	if e.src != "" && !strings.HasSuffix(e.src, "\n") {
		e.src += "\n"
	}
	lines := strings.SplitAfter(e.src, "\n")
	at := min(line, len(lines)) - 1
	e.src = strings.Join(lines[:at], "") + text + "\n" + strings.Join(lines[at:], "")
}

// pair is what a mapping has under a key; nil is nothing.
func (n *ynode) pair(key string) *ypair {
	if n == nil {
		return nil
	}
	if i := slices.IndexFunc(n.pairs, func(p ypair) bool { return p.key == key }); i >= 0 {
		return &n.pairs[i]
	}
	return nil
}

// last is the line on which the last word of a value stands.
func (n *ynode) last() int {
	line := n.line + strings.Count(strings.TrimSuffix(n.text, "\n"), "\n")
	for _, p := range n.pairs {
		line = max(line, p.line, p.value.last())
	}
	for _, it := range n.items {
		line = max(line, it.last())
	}
	return line
}

// atTop puts a key at the file's end, but before changes and the comment on it.
func (e *editor) atTop(text, key string) {
	p := e.root.pair("changes")
	if p == nil || key == "changes" {
		e.insert(1<<30, text)
		return
	}
	lines, at := strings.Split(e.src, "\n"), p.line
	for at > 1 && strings.HasPrefix(lines[at-2], "#") {
		at--
	}
	e.insert(at, text)
}
