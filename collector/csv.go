package collector

import (
	"bytes"
	"regexp"

	"mimamori/frame"
)

// maxHeader is the longest row that is taken for a header.
const maxHeader = 16 << 10

// csvShape is the layout of CSV files.
type csvShape struct {
	delimiter, quote byte
	preamble         int            // lines before the header
	header           *regexp.Regexp // or what the header is known by
	headerless       bool
}

func newCSVShape(c *CSV) *csvShape {
	s := &csvShape{delimiter: ',', quote: '"', preamble: c.Preamble, header: compiled(c.Header), headerless: c.Headerless}
	if c.Delimiter != "" {
		s.delimiter = c.Delimiter[0]
	}
	if c.Quote != "" {
		s.quote = c.Quote[0]
	}
	return s
}

// columns is what is known of a CSV file so far.
type columns struct {
	lines int    // of the preamble, that were passed
	row   string // the header, "" while it is not known
	at    int64  // where it stands
}

// row finds the first row of data: one line, or more where a quoted field holds
// line ends. A row that is not closed within the limits, or by the time that
// the file is quiet, has a stray quote: then its first line is a record of its
// own, and rows begin anew behind it.
func (f *form) row(data []byte, at int64, end bool) piece {
	n, size := f.first(data, at, end)
	if size == 0 {
		return piece{}
	}
	p := piece{n: n, size: size}
	if f.preface(data[:n]) {
		f.columns.lines++
		return p
	}
	open := f.opens(data[:n], false)
	for lines := 1; open; lines++ {
		next, more := f.first(data[p.size:], at+int64(p.size), end)
		switch {
		case more == 0 && len(data) <= f.maxBytes && !(end && (f.flush || f.final)):
			return piece{}
		case more == 0, lines >= f.maxLines, p.size+more > f.maxBytes:
			return piece{n: n, size: size, flags: frame.Truncated, header: f.columns.row}
		}
		open = f.opens(data[p.size:p.size+next], true)
		p.n, p.size = p.size+next, p.size+more
	}
	f.head(data[:p.n], at)
	p.header = f.columns.row
	return p
}

// preface tells whether a line stands before the header.
func (f *form) preface(line []byte) bool {
	if f.columns.row != "" || f.csv.headerless {
		return f.columns.lines < f.csv.preamble
	}
	if f.csv.header != nil {
		return !f.matches(f.csv.header, line)
	}
	return f.columns.lines < f.csv.preamble || len(line) == 0 || len(line) > maxHeader
}

// head takes the row for the header of those behind it, if it is one: the first,
// or one that the expression fits. (One that comes again is what it was.)
func (f *form) head(row []byte, at int64) {
	c := &f.columns
	switch {
	case f.csv.headerless, len(row) == 0, len(row) > maxHeader, c.row == string(row):
	case c.row == "", f.csv.header != nil && f.matches(f.csv.header, row):
		c.row, c.at = string(row), at
	}
}

// opens tells whether a field in quotes is open at the line's end, having been
// open at its beginning or not.
func (f *form) opens(line []byte, open bool) bool {
	if f.wide != nil {
		line = f.narrow(line)
	}
	if !open && bytes.IndexByte(line, f.csv.quote) < 0 {
		return false
	}
	for begin := !open; len(line) > 0; {
		switch {
		case open:
			i := bytes.IndexByte(line, f.csv.quote)
			if i < 0 {
				return true
			}
			if line = line[i+1:]; len(line) > 0 && line[0] == f.csv.quote {
				line = line[1:] // a quote within quotes
				continue
			}
			open, begin = false, false
		case begin && line[0] == f.csv.quote:
			open, line = true, line[1:]
		case begin && line[0] == ' ' && f.csv.delimiter != ' ':
			line = line[1:]
		default:
			i := bytes.IndexByte(line, f.csv.delimiter)
			if i < 0 {
				return false
			}
			begin, line = true, line[i+1:]
		}
	}
	return open
}

// narrow makes a byte of each unit of UTF-16: ASCII as it is, the rest alike.
func (f *form) narrow(line []byte) []byte {
	f.buf = f.buf[:0]
	low, high := f.order()
	for ; len(line) > 1; line = line[2:] {
		u := line[low]
		if line[high] != 0 {
			u = 0x80
		}
		f.buf = append(f.buf, u)
	}
	return f.buf
}
