package store

import (
	"encoding/json"
	"strings"

	"mimamori/event"
)

// readRest reads what rows have of the fields outside their columns. It returns
// the rows that have any.
func (g *rowGroup) readRest(fields map[string]event.Field) rowSet {
	some := newRowSet(g.n)
	v := g.own(colRest, event.Keyword)
	if v == nil || len(fields) == 0 {
		return some
	}
	for row := range int32(g.n) {
		text, _ := v.at(row)
		if !mentions(text.Str(), fields) {
			continue
		}
		var obj map[string]json.RawMessage
		if json.Unmarshal([]byte(text.Str()), &obj) != nil {
			continue
		}
		for name, raw := range obj {
			f, ok := fields[name]
			if !ok {
				continue
			}
			if value, ok := restValue(f.Type(), raw); ok {
				g.rest[row] = append(g.rest[row], storedField{f, value})
				some.add(row)
			}
		}
	}
	return some
}

// mentions tells whether a rest may have one of the fields.
func mentions(rest string, fields map[string]event.Field) bool {
	if rest == "" {
		return false
	}
	for name := range fields {
		if strings.Contains(rest, name) || strings.Contains(rest, `\`) {
			return true
		}
	}
	return false
}
