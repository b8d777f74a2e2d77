package enrich

import (
	"slices"
	"strings"

	"mimamori/event"
)

// checksums spells checksums in small letters, spreads what a device wrote into
// one field (MD5=…,SHA256=…) over the fields, and looks for indicators. What is
// no checksum of the field's kind stays as it is: some devices keep other things
// there.
func (s *Session) checksums() {
	changed := false
	for i := range checksums {
		for _, f := range checksums[i].fields {
			v, ok := s.x.Get(f)
			if !ok {
				continue
			}
			text := v.Str()
			if strings.IndexByte(text, '=') > 0 {
				if s.spread(f, text) {
					changed = true
				}
				text = s.x.Str(f)
			}
			if len(text) != 2*checksums[i].size || !allHex(text) {
				continue
			}
			if hasCapital(text) {
				text = strings.ToLower(text)
				s.x.Set(f, event.String(text))
				changed = true
			}
			if len(s.tables.lists) > 0 {
				s.buf, _ = appendHash(s.buf[:0], text)
				s.search(kindHash, f, text)
			}
		}
	}
	if changed {
		s.relateChecksums()
	}
}

// spread reads NAME=checksum, one behind the other, into the fields beside f.
func (s *Session) spread(f event.Field, text string) bool {
	object, _, _ := strings.Cut(f.Name(), ".hash.")
	var found []struct {
		field event.Field
		sum   string
	}
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '|' }) {
		_, sum, ok := strings.Cut(one, "=")
		at := slices.IndexFunc(checksums[:], func(c checksumFields) bool { return 2*c.size == len(sum) })
		if !ok || at < 0 || !allHex(sum) {
			continue // imphash and others have fields of their own, or none
		}
		for _, g := range checksums[at].fields {
			if strings.HasPrefix(g.Name(), object+".hash.") && !strings.HasPrefix(strings.ToUpper(one), "IMPHASH") {
				found = append(found, struct {
					field event.Field
					sum   string
				}{g, strings.ToLower(sum)})
			}
		}
	}
	if len(found) == 0 {
		return false
	}
	s.x.Delete(f)
	for _, x := range found {
		add(s.x, x.field, event.String(x.sum))
	}
	return true
}

// relateChecksums writes related.hash anew.
func (s *Session) relateChecksums() {
	var list []string
	if v, ok := s.x.Get(fRelatedHash); ok {
		for _, h := range v.List() {
			if strings.IndexByte(h, '=') > 0 {
				continue // it was spread
			}
			if allHex(h) {
				h = strings.ToLower(h)
			}
			list = append(list, h)
		}
		s.x.Delete(fRelatedHash)
	}
	for i := range checksums {
		for _, f := range checksums[i].fields {
			if h := s.x.Str(f); h != "" {
				list = append(list, h)
			}
		}
	}
	s.x.Add(fRelatedHash, list...)
}

func allHex(s string) bool {
	for i := range len(s) {
		if !isHex(s[i]) {
			return false
		}
	}
	return s != ""
}

func hasCapital(s string) bool {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return true
		}
	}
	return false
}
