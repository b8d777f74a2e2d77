package format

import (
	"strings"

	"mimamori/event"
)

// maxColumns bounds the columns that a header names; values beyond them are
// counted and stay in the line.
const maxColumns = 512

// What a parser remembers of headers beside the last.
const (
	maxHeaders = 64
	maxHeader  = 16 << 10 // bytes of one
)

// header of rows: the names of the columns, as the file's header line gives
// them. Lines of one source share it, so it is read once.
type rowHeader struct {
	text string
	keys []*key
	sep  byte // ' ' stands for any run of blanks
}

// readHeader takes a header apart: CSV, TSV, or values between semicolons or
// bars, whichever occurs most, or blanks where none of these occurs; the headers
// of W3C extended logs ("#Fields: a b", of Exchange "#Fields: a,b") and of Zeek
// ("#fields<tab>a<tab>b") too.
func (p *Parser) readHeader(text string) {
	if p.rows.text == text && p.rows.keys != nil {
		return
	}
	if h, ok := p.headers[text]; ok {
		p.rows = h
		return
	}
	keys := p.chain(shapeRows)
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
	for v := (values{s: names, sep: h.sep, rows: true}); len(h.keys) < maxColumns; {
		name, k, ok := v.next()
		if !ok {
			break
		}
		if k == doubled {
			name = strings.ReplaceAll(name, `""`, `"`)
		}
		h.keys = append(h.keys, keys.key(strings.TrimSpace(name)))
	}
	if p.rows = h; len(text) > maxHeader {
		return
	}
	if len(p.headers) >= maxHeaders {
		clear(p.headers)
	}
	p.headers[h.text] = h
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
	for v := (values{s: strings.TrimRight(s, "\r\n"), sep: p.rows.sep, rows: true}); n < 2*maxColumns; n++ {
		text, k, ok := v.next()
		switch {
		case !ok:
			return n > 1
		case n < len(p.rows.keys):
			p.emit(p.rows.keys[n], text, k)
		default:
			p.dropped++
		}
	}
	return n > 1
}

// rowsDataset is the dataset of header rows.
const rowsDataset = "csv.header"

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
	x.Set(p.fields.dataset, event.String(rowsDataset))
	x.Set(p.fields.category, event.Strings(p.arena.list([]string{"file"})))
	x.Set(p.fields.message, event.String(line))
	p.setTime(Claim{}, false)
}
