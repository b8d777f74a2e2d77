package rules

import (
	"fmt"
	"strings"
)

// Error is a mistake in a rule file, at its line and column (both from 1,
// columns in characters).
type Error struct {
	File      string
	Line, Col int
	Msg       string
	Hint      string // what to write instead; may be ""
	source    string
}

// Error shows file:line:column, the message, the line and a caret below it.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg)
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	lines := strings.Split(e.source, "\n")
	if e.Line < 1 || e.Line > len(lines) {
		return b.String()
	}
	line := strings.TrimRight(lines[e.Line-1], "\r")
	if len(line) > 400 {
		return b.String()
	}
	fmt.Fprintf(&b, "\n  %s\n  ", line)
	n := e.Col - 1
	for _, r := range line {
		if n--; n < 0 {
			break
		}
		switch {
		case r == '\t':
			b.WriteByte('\t')
		case r >= 0x1100: // full width
			b.WriteString("  ")
		default:
			b.WriteByte(' ')
		}
	}
	b.WriteByte('^')
	return b.String()
}

// nearest returns the candidate with the smallest edit distance; "" when none is near.
func nearest(word string, candidates []string) string {
	best, least := "", len(word)/3+2
	for _, c := range candidates {
		if d := editDistance(word, c); d < least {
			best, least = c, d
		}
	}
	return best
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
