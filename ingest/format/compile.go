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
	tagged  bool // what looks like a program's name before the body belongs to it
	shape   shape
	shapes  []shape // all shapes that the format's lines come in; the first is shape
	cut     cutter  // nil where the shape's own cutter does it
	alts    []alternative
	keys    map[string]*keyDef
	slots   int
	exact   map[string]string // other spellings of a key
	wild    []wildcard
	ignore  []string
	absent  []string
	lengths uint64 // of absent, a bit each, so that most texts need no look
	ecs     bool   // keys that are ECS names map to themselves
	generic bool   // takes a line only when no other format does
	base    block
	times   []timeSpec
	inside  []nested
	named   map[string]*namedList // by the path of the array
	walk    map[string]bool       // arrays that are walked element by element
	unwrap  envelope
	require []requirement
	limit   int
	tests   []testCase
	src     *source
	root    node

	mappings, choices []node // all that the file and what it extends say
	layer             int    // which of the file systems it came from
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
	upper    bool // the rest begins with a capital: win.eventdata.^* → event_data.*
}

type requirement struct {
	field  event.Field
	reason string
}

// timeSpec is one place where an event's own time may stand.
type timeSpec struct {
	at       node
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

	parts     map[string][]node // of the files that this one extends, by their top-level keys
	extending bool              // what is compiled is theirs
	spaces    []string          // their own name spaces
}

const topKeys = "name, extends, title, documentation, module, dataset, vendor, recognise, cut, inside, named, unwrap, alias, ignore, absent, ecs, generic, sender, tag, tables, blocks, set, time, fields, then, require, limit, tests"

// compileFile compiles a format file; bases are the files that it may extend.
func compileFile(root node, bases map[string]node) (*compiled, error) {
	c := &compiler{f: &compiled{keys: map[string]*keyDef{}, exact: map[string]string{}, limit: defaultLimit, src: root.src, root: root}, tables: map[string]map[string]string{}, blocks: map[string]*block{}, named: map[string]bool{}}
	parts := map[string]node{}
	known := strings.Split(topKeys, ", ")
	if err := root.each(func(key string, at, val node) *Error {
		if slices.Contains(known, key) {
			parts[key] = val
			return nil
		}
		return at.unknown(key, topKeys)
	}); err != nil {
		return nil, err
	}
	if err := c.extend(parts, bases); err != nil {
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
		"name", "title", "documentation", "module", "dataset", "vendor", "tables", "sender", "tag", "limit",
		"generic", "alias", "ignore", "absent", "ecs", "fields", "blocks", "cut", "inside", "named", "unwrap", "set", "time", "then", "require", "recognise", "tests",
	} {
		if val, ok := parts[key]; ok {
			if err := c.partOf(key, val); err != nil {
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
		err = val.each(func(name string, _, val node) (err *Error) {
			c.tables[name], err = c.table(val)
			return err
		})
	case "sender":
		var name string
		if name, err = val.text(); err == nil {
			f.sender, err = c.field(name, val)
		}
	case "tag":
		var s string
		if s, err = val.text(); err == nil && s != "body" {
			err = val.fail("`tag: body` is all that can be said of it")
		}
		f.tagged = true
	case "limit":
		f.limit, err = val.integer()
	case "alias":
		err = c.aliases(val)
	case "ignore":
		f.ignore, err = c.more(f.ignore, val)
	case "absent":
		f.absent, err = c.more(f.absent, val)
		for _, s := range f.absent {
			f.lengths |= 1 << min(len(s), 63)
		}
	case "ecs":
		f.ecs, err = val.yes()
	case "generic":
		f.generic, err = val.yes()
	case "blocks":
		err = val.each(func(name string, _, val node) (err *Error) {
			c.blocks[name], err = c.block(val)
			return err
		})
	case "cut":
		err = c.cut(val)
	case "inside":
		f.inside, err = c.inside(val)
	case "named":
		err = c.namedLists(val)
	case "unwrap":
		err = c.envelope(val)
	case "fields":
		err = c.fields(val)
	case "set":
		var set []constant
		set, err = c.constants(val, false)
		f.base.set = append(f.base.set, set...)
	case "time":
		err = c.times(val)
	case "then":
		var then []step
		then, err = c.steps(val)
		f.base.then = append(f.base.then, then...)
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
