package rules

import "unicode"

// within moves a line and column inside a YAML value to its place in the file.
// It walks value and file side by side over what is no blank, and so holds for
// plain, quoted, literal and folded scalars alike.
func within(file string, key ypair, value string, line, col int) (int, int) {
	src := []rune(file)
	at, quote := valueStart(src, key)
	l, c, end := 1, 1, at
	for _, r := range value {
		here := l > line || l == line && c >= col
		if r == '\n' {
			l, c = l+1, 1
		} else {
			c++
		}
		if unicode.IsSpace(r) {
			if here {
				break // between words: right after the last one
			}
			continue
		}
		at = seek(src, at, quote, r)
		if here {
			return lineCol(src, at)
		}
		at++
		end = at
	}
	return lineCol(src, end)
}

// seek finds the next character r of the value, past blanks and escape marks.
func seek(src []rune, at int, quote, r rune) int {
	for at < len(src) {
		next := rune(0)
		if at+1 < len(src) {
			next = src[at+1]
		}
		switch {
		case quote == '"' && src[at] == '\\' && (next == 'n' || next == 't' || next == 'r' || next == '\n'):
			at += 2
		case quote == '"' && src[at] == '\\', quote == '\'' && src[at] == '\'' && next == '\'':
			return at + 1
		case src[at] == r:
			return at
		default:
			at++
		}
	}
	return at
}

// valueStart finds where the value of a key begins, and its quote if it has one.
func valueStart(src []rune, key ypair) (int, rune) {
	at := offset(src, key.line, key.col)
	for at < len(src) && src[at] != ':' {
		at++
	}
	at++
	for at < len(src) && src[at] == ' ' {
		at++
	}
	if at >= len(src) {
		return at, 0
	}
	switch src[at] {
	case '|', '>':
		for at < len(src) && src[at] != '\n' {
			at++
		}
	case '"', '\'':
		return at + 1, src[at]
	}
	return at, 0
}

func offset(src []rune, line, col int) int {
	l, c, at := 1, 1, 0
	for at < len(src) && (l < line || l == line && c < col) {
		if src[at] == '\n' {
			l, c = l+1, 0
		}
		c++
		at++
	}
	return at
}

func lineCol(src []rune, at int) (int, int) {
	line, col := 1, 1
	for i := 0; i < at && i < len(src); i++ {
		if src[i] == '\n' {
			line, col = line+1, 0
		}
		col++
	}
	return line, col
}
