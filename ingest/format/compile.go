package format

import (
	"slices"
	"strings"

	"mimamori/event"
	"mimamori/internal/lang"
)

// defaultLimit is how many fields a format may add to the registry for keys that
// it does not map; `limit` sets another.
const defaultLimit = 256

// compiled is one format, ready to run. It is shared by all parsers.
type compiled struct {
	id      int
	name    string
	title   event.Localized
	module  string
	dataset string
	vendor  string // name space of keys without a mapping
	sender  event.Field
	shape   shape
	cut     cutter // nil where the shape's own cutter does it
	alts    []alternative
	keys    map[string]*keyDef
	slots   int
	exact   map[string]string // other spellings of a key
	wild    []wildcard
	ignore  []string
	absent  []string
	longest int  // of absent
	ecs     bool // keys that are ECS names map to themselves
	generic bool // takes a line only when no other format does
	base    block
	times   []timeSpec
	require []requirement
	limit   int
	tests   []testCase
	src     *source
}

// keyDef is a key that the format names: its slot, and its mapping if it has one.
type keyDef struct {
	slot   int
	mapped bool
	mapping
}

// wildcard renames every key under a prefix: winlog.event_data.* → event_data.*
// With inner, one more part of the name is left out: UserData.*.* → event_data.*
type wildcard struct {
	from, to string
	inner    bool
}

type requirement struct {
	field  event.Field
	reason string
}

// timeSpec is one place where an event's own time may stand.
type timeSpec struct {
	slots    []int
	optional []bool
	layouts  []string
	utc      bool
	when     lang.Program
}

// compiler turns one file into a compiled format.
type compiler struct {
	f      *compiled
	tables map[string]map[string]string
	blocks map[string]*block
	named  map[string]bool // keys that have other spellings
}

const topKeys = "name, title, documentation, module, dataset, vendor, recognise, cut, alias, ignore, absent, ecs, generic, sender, tables, blocks, set, time, fields, then, require, limit, tests"

// compileFile compiles a format file.
func compileFile(name string, text []byte) (*compiled, error) {
	root, err := parseYAML(name, text)
	if err != nil {
		return nil, err
	}
	c := &compiler{f: &compiled{keys: map[string]*keyDef{}, exact: map[string]string{}, limit: defaultLimit, src: root.src}, tables: map[string]map[string]string{}, blocks: map[string]*block{}, named: map[string]bool{}}
	parts := map[string]node{}
	places := map[string]node{}
	known := strings.Split(topKeys, ", ")
	if err := root.each(func(key string, at, val node) *Error {
		if slices.Contains(known, key) {
			parts[key], places[key] = val, at
			return nil
		}
		return at.unknown(key, topKeys)
	}); err != nil {
		return nil, err
	}
	for _, must := range []string{"name", "module", "dataset", "recognise", "cut"} {
		if _, ok := parts[must]; !ok {
			return nil, root.fail("`%s` is missing", must)
		}
	}
	// The order of the parts in the file is free; this order lets later ones use
	// what earlier ones define.
	for _, key := range []string{
		"name", "title", "documentation", "module", "dataset", "vendor", "tables", "sender", "limit",
		"generic", "alias", "ignore", "absent", "ecs", "fields", "blocks", "cut", "set", "time", "then", "require", "recognise", "tests",
	} {
		if val, ok := parts[key]; ok {
			if err := c.part(key, val); err != nil {
				return nil, err
			}
		} else if key == "vendor" {
			c.f.vendor = c.f.dataset
		} else if key == "sender" {
			c.f.sender = event.MustLookup("host.name")
		}
	}
	return c.f, nil
}

// part compiles one top-level key.
func (c *compiler) part(key string, val node) (err *Error) {
	f := c.f
	switch key {
	case "name":
		f.name, err = val.text()
	case "title":
		err = c.title(val)
	case "documentation":
		_, err = val.texts()
	case "module":
		f.module, err = val.text()
	case "dataset":
		f.dataset, err = val.text()
	case "vendor":
		f.vendor, err = val.text()
	case "tables":
		err = val.each(func(name string, _, val node) (err *Error) { c.tables[name], err = c.table(val); return err })
	case "sender":
		var name string
		if name, err = val.text(); err == nil {
			f.sender, err = c.field(name, val)
		}
	case "limit":
		f.limit, err = val.integer()
	case "alias":
		err = c.aliases(val)
	case "ignore":
		f.ignore, err = val.texts()
	case "absent":
		f.absent, err = val.texts()
		for _, s := range f.absent {
			f.longest = max(f.longest, len(s))
		}
	case "ecs":
		f.ecs, err = val.yes()
	case "generic":
		f.generic, err = val.yes()
	case "blocks":
		err = val.each(func(name string, _, val node) (err *Error) { c.blocks[name], err = c.block(val); return err })
	case "cut":
		err = c.cut(val)
	case "fields":
		err = c.fields(val)
	case "set":
		f.base.set, err = c.constants(val, false)
	case "time":
		err = c.times(val)
	case "then":
		f.base.then, err = c.steps(val)
	case "require":
		err = c.required(val)
	case "recognise":
		err = c.recognise(val)
	case "tests":
		err = c.tests(val)
	}
	return err
}

func (c *compiler) title(n node) *Error {
	return n.each(func(key string, at, val node) (err *Error) {
		switch key {
		case "ja":
			c.f.title.JA, err = val.text()
		case "en":
			c.f.title.EN, err = val.text()
		default:
			return at.unknown(key, "ja, en")
		}
		return err
	})
}

// slot returns the slot that holds a key's text while a line is read. A key may
// be written as the device spells it: aliases apply.
func (c *compiler) slot(key string) int {
	if c.f.keys[key] == nil && !c.named[key] {
		key = c.f.canonical(key)
	}
	return c.def(key).slot
}

func (c *compiler) def(key string) *keyDef {
	d := c.f.keys[key]
	if d == nil {
		d = &keyDef{slot: c.f.slots}
		c.f.slots++
		c.f.keys[key] = d
	}
	return d
}

// fields compiles the mapping of keys.
func (c *compiler) fields(n node) *Error {
	return n.each(func(key string, _, val node) (err *Error) {
		d := c.def(key)
		d.mapping, err = c.mapping(val)
		d.mapped = true
		return err
	})
}

// aliases reads other spellings of keys: canonical: [spelling, …].
func (c *compiler) aliases(n node) *Error {
	return n.each(func(key string, at, val node) *Error {
		c.named[key] = true
		spellings, err := val.words()
		if err != nil {
			return err
		}
		for _, s := range spellings {
			if to, isWild := strings.CutSuffix(key, "*"); isWild {
				from, ok := strings.CutSuffix(s, "*")
				if !ok {
					return val.fail("%q needs a * at its end as %q has", s, key)
				}
				from, inner := strings.CutSuffix(from, "*.")
				c.f.wild = append(c.f.wild, wildcard{from, to, inner})
				continue
			}
			if c.f.exact[s] != "" {
				return val.fail("%q is already another spelling of %q", s, c.f.exact[s])
			}
			c.f.exact[s] = key
		}
		return nil
	})
}

// table reads a table, or the name of one.
func (c *compiler) table(n node) (map[string]string, *Error) {
	if !n.isMap() {
		name, err := n.text()
		if err != nil {
			return nil, err
		}
		if t := c.tables[name]; t != nil {
			return t, nil
		}
		if t := builtinTables[name]; t != nil {
			return t, nil
		}
		return nil, n.fail("unknown table %q", name)
	}
	t := map[string]string{}
	err := n.each(func(key string, _, val node) (err *Error) {
		text, err := val.text()
		for k := range strings.SplitSeq(key, ",") {
			t[strings.TrimSpace(k)] = text
		}
		return err
	})
	return t, err
}

// times reads where the event's own time stands.
func (c *compiler) times(n node) *Error {
	for _, it := range n.items() {
		var t timeSpec
		from := it
		if it.isMap() {
			from = node{}
			if err := it.each(func(key string, at, val node) (err *Error) {
				switch key {
				case "from":
					from = val
				case "layout":
					t.layouts, err = val.texts()
				case "zone":
					var zone string
					if zone, err = val.text(); err == nil && zone != "UTC" {
						err = val.fail("only UTC can be named; the collector's zone is set outside formats")
					}
					t.utc = true
				case "when":
					t.when, err = c.when(val)
				default:
					return at.unknown(key, "from, layout, zone, when")
				}
				return err
			}); err != nil {
				return err
			}
			if from.ast == nil {
				return it.fail("`from` is missing: which keys?")
			}
		}
		keys, err := from.words()
		if err != nil {
			return err
		}
		for _, k := range keys {
			name, optional := strings.CutSuffix(k, "?")
			t.slots = append(t.slots, c.slot(name))
			t.optional = append(t.optional, optional)
		}
		c.f.times = append(c.f.times, t)
	}
	return nil
}

func (c *compiler) required(n node) *Error {
	for _, it := range n.items() {
		name, err := it.text()
		if err != nil {
			return err
		}
		f, err := c.field(name, it)
		if err != nil {
			return err
		}
		c.f.require = append(c.f.require, requirement{f, "required field missing: " + name})
	}
	return nil
}
