package format

import (
	"strings"

	"mimamori/event"
)

// maxColumns bounds the columns that a header names; values beyond them are
// counted and stay in the line.
const maxColumns = 512

// header of rows: the names of the columns, as the file's header line gives
// them. Lines of one source share it, so it is read once.
type rowHeader struct {
	text string
	keys []*key
	sep  byte // ' ' stands for any run of blanks
}

// readHeader takes a header apart: CSV, TSV, or values between semicolons or
// bars, whichever occurs most, or blanks where none of these occurs; the headers of W3C extended logs ("#Fields: a b", of Exchange "#Fields: a,b")
// and of Zeek ("#fields<tab>a<tab>b") too.
func (p *Parser) readHeader(text string) {
	if p.rows.text == text && p.rows.keys != nil {
		return
	}
	space := &p.spaces[shapeRows]
	o := space.start()
	h := rowHeader{text: strings.Clone(text), sep: ','}
	names := strings.TrimRight(strings.TrimPrefix(text, "\ufeff"), "\r\n")
	if rest, ok := cutFoldPrefix(names, "#fields"); ok && rest != "" {
		if h.sep = ' '; rest[0] == '\t' {
			h.sep = '\t'
		}
		if names = strings.TrimLeft(rest, ": \t"); strings.IndexByte(names, ',') > 0 && !strings.ContainsAny(names, " \t") {
			h.sep = ',' // Exchange
		}
	} else {
		most := strings.Count(names, ",")
		for _, sep := range []byte{'\t', ';', '|'} {
			if n := strings.Count(names, string(sep)); n > most {
				most, h.sep = n, sep
			}
		}
		if most == 0 && strings.IndexByte(names, ' ') > 0 {
			h.sep = ' '
		}
	}
	prev := &o.first
	eachColumn(names, h.sep, func(name string, k kind) bool {
		if k == doubled {
			name = strings.ReplaceAll(name, `""`, `"`)
		}
		e := space.find(o, prev, strings.TrimSpace(name))
		if e != nil {
			prev = e
		}
		h.keys = append(h.keys, e)
		return len(h.keys) < maxColumns
	})
	p.rows = h
}

func cutFoldPrefix(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// cutRows cuts a row by the header of its file.
func (p *Parser) cutRows(header, s string) bool {
	p.readHeader(header)
	for _, k := range p.rows.keys { // the header shows the format, however short the row is
		if k != nil && k.mark >= 0 {
			p.mark(k)
		}
	}
	n := 0
	eachColumn(strings.TrimRight(s, "\r\n"), p.rows.sep, func(text string, k kind) bool {
		if n < len(p.rows.keys) {
			p.emit(p.rows.keys[n], text, k)
		} else {
			p.dropped++
		}
		n++
		return n < 2*maxColumns
	})
	return n > 1
}

// eachColumn calls do with each value, until it answers false. Values in double
// quotes may hold the separator; "" in them is a quote.
func eachColumn(s string, sep byte, do func(text string, k kind) bool) {
	for i := 0; i <= len(s); {
		if sep == ' ' {
			i += blanks(s[i:])
			if i == len(s) {
				return
			}
		}
		var text string
		k := plain
		if i < len(s) && s[i] == '"' {
			text, k, i = rowQuoted(s, i+1, sep)
		} else {
			end := strings.IndexByte(s[i:], sep)
			if end < 0 {
				end = len(s) - i
			}
			text = s[i : i+end]
			i += end
		}
		i++
		if !do(text, k) {
			return
		}
	}
}

// rowQuoted reads from behind a quote to behind its pair, as RFC 4180 has it; a
// quote that is never closed takes the rest.
func rowQuoted(s string, start int, sep byte) (string, kind, int) {
	k := plain
	for i := start; ; {
		j := strings.IndexByte(s[i:], '"')
		if j < 0 {
			return s[start:], k, len(s)
		}
		j += i
		if j+1 < len(s) && s[j+1] == '"' {
			k, i = doubled, j+2
			continue
		}
		if j+1 >= len(s) || s[j+1] == sep {
			return s[start:j], k, j + 1
		}
		i = j + 1
	}
}

// headerFormat is what Result.Format says of a file's header row.
const headerFormat = "header"

// sameRow tells whether a row is the header itself, as the collector sends it on:
// the byte order mark or the line end may be left of either.
func sameRow(line, header string) bool {
	trim := func(s string) string { return strings.TrimRight(strings.TrimPrefix(s, "\ufeff"), "\r\n") }
	return trim(line) == trim(header)
}

// headerRow writes the event of a header row: it names columns and tells of
// nothing that happened, so that it is no data, and no fault either.
func (p *Parser) headerRow(line string) {
	x := p.x
	x.Set(p.fields.kind, event.String("event"))
	x.Set(p.fields.module, event.String("csv"))
	x.Set(p.fields.dataset, event.String("csv.header"))
	x.Set(p.fields.category, event.Strings(p.arena.list([]string{"file"})))
	x.Set(p.fields.message, event.String(line))
	p.setTime(Claim{}, false)
}
