package drift

import (
	"math/bits"
	"strings"

	"mimamori/event"
)

// mask is a set of fields.
type mask [event.MaxFields / 64]uint64

func (m *mask) add(f event.Field)      { m[f>>6] |= 1 << (f & 63) }
func (m *mask) has(f event.Field) bool { return m[f>>6]>>(f&63)&1 != 0 }

// list names the fields in it.
func (m *mask) list() []event.Field {
	var out []event.Field
	for w, set := range m {
		for ; set != 0; set &= set - 1 {
			out = append(out, event.Field(w<<6+bits.TrailingZeros64(set)))
		}
	}
	return out
}

// fields are those that are looked at, by purpose.
type fields struct {
	dataset, code, action, quarantine event.Field

	unread  []event.Field // tells that a line could not be read
	kinds   []event.Field // tell kinds of events apart
	content *mask         // what a format fills
}

// ours are fields, or what their names contain, that are no work of a format:
// of the way of a line, and of enrichment, which operators change.
var ours = []string{
	"@timestamp", "tags", "quarantine", "message", "municipality", "zone", "collector", "input", "received", "time.", "related.",
	"event.original", "event.ingested", "event.kind", "event.dataset", "event.module", "event.code", "event.action", "event.category", "event.type", "event.outcome",
	"log.", ".geo.", ".as.", ".zone", "user_agent.", "threat.", ".asset.", "network.direction", "registered_domain", "subdomain", "top_level_domain", "asset", "labels",
}

func newFields() fields {
	f := event.MustLookup
	x := fields{dataset: f("event.dataset"), code: f("event.code"), action: f("event.action"), quarantine: f("quarantine"), content: &mask{}}
	x.unread, x.kinds = []event.Field{x.quarantine}, []event.Field{min(x.code, x.action), max(x.code, x.action)}
	for w := range x.content { // vendors' fields come later
		x.content[w] = ^uint64(0)
	}
	for _, field := range event.Fields() {
		for _, name := range ours {
			if own := field.Name(); own == name || strings.HasSuffix(name, ".") && strings.HasPrefix(own, name) || name[0] == '.' && strings.Contains(own, name) ||
				strings.HasSuffix(own, "."+name) {
				x.content[field>>6] &^= 1 << (field & 63)
			}
		}
	}
	return x
}

// rises tells whether more of a field is worth an alarm: unknown keys, and
// lines that can't be read.
func (x *fields) rises(f event.Field) bool { return f == x.quarantine || !f.Known() }
