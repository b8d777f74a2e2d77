// Package place tells a person where in a text a mistake is: file, line,
// column, the line itself and a caret below it. Configuration, rules, formats
// and conditions all report through it. It does no I/O and keeps nothing.
package place

import (
	"fmt"
	"strings"
)

// maxLine is the longest line, in bytes, that an error shows.
const maxLine = 400

// Error is a mistake at a place in a text.
type Error struct {
	File      string // "" for a text that is no file
	Line, Col int    // from 1; Col counts characters
	Msg       string // what is wrong
	Hint      string // what to do; may be ""
	Text      string // the whole text

	Code string   // kind of mistake, for translations; "" where it has none
	Args []string // what Msg names, in its order
}

// Error shows the place, the mistake, what to do, the line and a caret below it.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ":")
	}
	fmt.Fprintf(&b, "%d:%d: %s", e.Line, e.Col, e.Msg)
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	b.WriteString(e.Caret())
	return b.String()
}

// Caret is the line of the mistake with a caret below it, each on its own line
// after a line break; "" when the text has no such line or a very long one.
func (e *Error) Caret() string {
	lines := strings.Split(e.Text, "\n")
	if e.Line < 1 || e.Line > len(lines) {
		return ""
	}
	line := strings.TrimRight(lines[e.Line-1], "\r")
	if len(line) > maxLine {
		return ""
	}
	return "\n  " + line + "\n  " + blanks(line, e.Col-1) + "^"
}

// blanks is as wide as the first n characters of line: full-width characters
// take two columns, tabs stay tabs.
func blanks(line string, n int) string {
	var b strings.Builder
	for _, r := range line {
		if n--; n < 0 {
			break
		}
		switch {
		case r == '\t':
			b.WriteByte('\t')
		case r >= 0x1100:
			b.WriteString("  ")
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// Of finds the line and column of the character with number n, from 0.
func Of(text string, n int) (line, col int) {
	line, col = 1, 1
	for _, r := range text {
		if n--; n < 0 {
			break
		}
		col++
		if r == '\n' {
			line, col = line+1, 1
		}
	}
	return line, col
}

// Nearest returns the candidate that is fewest changes of a character away
// from word, "" when none is near.
func Nearest(word string, candidates []string) string {
	best, least := "", len(word)/3+2
	for _, c := range candidates {
		if d := distance(word, c); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
