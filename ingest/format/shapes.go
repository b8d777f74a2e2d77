package format

import (
	"slices"
	"strings"
)

// cutFor cuts the body as the format wants it, unless recognition did already.
func (p *Parser) cutFor(f *compiled, h *header) bool {
	if f.cut == nil && slices.Contains(f.shapes, p.cutAs) {
		return true
	}
	p.resetTokens()
	p.cutAs, p.broken, p.extra = shapes, "", p.extra[:0]
	if f.cut != nil && f.tagged && h.whole != "" {
		if !f.cut.cut(p, p.ownKeys(f), h.whole) {
			return false
		}
		h.body, h.app, h.proc = h.whole, "", ""
		return true
	}
	if f.cut != nil {
		return f.cut.cut(p, p.ownKeys(f), h.body)
	}
	for _, sh := range f.shapes {
		if len(f.shapes) == 1 || p.looks(sh, h.body) {
			p.cutAs = sh
			if p.cutShape(sh, h.body) {
				return true
			}
			p.resetTokens()
		}
	}
	return f.readsBody()
}

// looks tells whether a body can be of a shape.
func (p *Parser) looks(sh shape, s string) bool {
	switch sh {
	case shapeJSON:
		return strings.HasPrefix(s, "{")
	case shapeXML:
		return strings.HasPrefix(s, "<")
	case shapeRows:
		return p.header != ""
	case shapeLTSV:
		return looksLTSV(s)
	}
	return true
}

// also notes what a pattern that matched does besides.
func (p *Parser) also(b *block) {
	if b != nil {
		p.extra = append(p.extra, b)
	}
}

// alsoOf does what the best way to recognise a line of a given format does.
func (p *Parser) alsoOf(f *compiled, h *header) {
	var best *alternative
	for i := range f.alts {
		a := &f.alts[i]
		if a.block == nil && best == nil || best != nil && a.spec <= best.spec || len(a.marks) > 0 && a.shape != p.cutAs {
			continue
		}
		if a.matchesKeys(p) && a.matchesText(h.body, h.app) {
			best = a
		}
	}
	if best != nil {
		p.also(best.block)
	}
}

// cutShape cuts a text by its shape; false when it is not of it.
func (p *Parser) cutShape(sh shape, s string) bool {
	switch sh {
	case shapeJSON:
		if i := strings.IndexByte(s, '{'); i >= 0 {
			p.broken = p.cutJSON(s[i:])
		}
	case shapeXML:
		if i := strings.IndexByte(s, '<'); i >= 0 {
			p.broken = p.cutXML(s[i:])
		}
	case shapeKV:
		p.cutKV(s)
	case shapeCEF:
		return p.cutCEF(s)
	case shapeLEEF:
		return p.cutLEEF(s)
	case shapeLTSV:
		return p.cutLTSV(s)
	case shapeRows:
		return p.header != "" && p.cutRows(p.header, s)
	case shapeLabels:
		p.cutLabels(s)
	case shapeRecords:
		p.cutRecords(s)
	}
	return len(p.tokens) > 0
}
