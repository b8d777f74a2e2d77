package format

import "strings"

// shape says how a line is built, which decides how it is cut and in which key
// space its keys live.
type shape uint8

const (
	shapeText shape = iota // columns, dissect, regex: keys are the format's own
	shapeKV                // key=value pairs
	shapeJSON
	shapeCEF
	shapeLEEF
	shapeLTSV
	shapeXML
	shapeRows    // columns named by the header of their file
	shapeLabels  // lines of `Label: value`
	shapeRecords // lines of pairs, each of a type
	shapes
)

// maxKeys bounds the keys that a parser remembers in one key space. A space that
// is full begins anew with the next line, so that invented keys cost time, but
// neither memory nor other devices' keys. A line alone may go over it once.
const maxKeys = 6000

// maxPath bounds a key with those that it is in, in bytes. What is longer is no
// field; the line as it came still has it.
const maxPath = 512

// key is one key as devices spell it. Devices emit their keys in the same order
// line after line, so each key remembers which two followed it last; a look-up
// is then one string comparison.
type key struct {
	name string // within its object
	path string // dotted, from the line's root
	next [2]*key
	kids *object
	mark int32 // which recognition condition asks for it, -1 when none
	bind []*binding
}

// object is a table of keys: the line itself, or an object inside it.
type object struct {
	path  string // "" or ending in a dot
	first key    // its next is the guess for the first key
	table map[string]*key
}

// keyspace holds every key that a parser has met in lines of one shape.
type keyspace struct {
	root  object
	n     int
	marks map[string]int32
}

// start returns the space's root for a new line.
func (s *keyspace) start() *object {
	if s.n >= maxKeys {
		s.root, s.n = object{}, 0
	}
	return &s.root
}

// find returns the key of that name, remembering that it followed prev; nil when
// the space is full.
func (s *keyspace) find(o *object, prev *key, name string) *key {
	if k := prev.next[0]; k != nil && k.name == name {
		return k
	}
	if k := prev.next[1]; k != nil && k.name == name {
		prev.next[0], prev.next[1] = k, prev.next[0]
		return k
	}
	k := o.table[name]
	if k == nil {
		if k = s.add(o, name); k == nil {
			return nil
		}
	}
	prev.next[0], prev.next[1] = k, prev.next[0]
	return k
}

func (s *keyspace) add(o *object, name string) *key {
	path := o.path + name
	mark, marked := s.marks[path]
	if s.n >= 2*maxKeys || len(path) > maxPath {
		return nil
	}
	s.n++
	path = strings.Clone(path)
	k := &key{name: path[len(o.path):], path: path, mark: -1}
	if marked {
		k.mark = mark
	}
	if o.table == nil {
		o.table = map[string]*key{}
	}
	o.table[k.name] = k
	return k
}

// inside returns the table of the object under k.
func (k *key) inside() *object {
	if k.kids == nil {
		k.kids = &object{path: k.path + "."}
	}
	return k.kids
}

// chain takes the keys of one object as a line brings them, one behind the other.
type chain struct {
	p     *Parser
	space *keyspace
	in    *object
	prev  *key
}

// chain begins a line of a shape.
func (p *Parser) chain(sh shape) chain {
	space := &p.spaces[sh]
	in := space.start()
	return chain{p, space, in, &in.first}
}

// of begins the keys of another object.
func (c *chain) of(in *object) chain { return chain{c.p, c.space, in, &in.first} }

// key is the next key; nil when the space is full.
func (c *chain) key(name string) *key {
	k := c.space.find(c.in, c.prev, name)
	if k != nil {
		c.prev = k
	}
	return k
}

// put emits the next key's value.
func (c *chain) put(name, text string, k kind) { c.p.emit(c.key(name), text, k) }

// kind says what a token's text is.
type kind uint8

const (
	plain      kind = iota // text as it stands, or a JSON number or word
	escaped                // JSON string with backslashes
	quoted                 // key=value text with \" or \\
	cefText                // CEF extension text with backslashes
	doubled                // CSV text with "" for a quote
	array                  // JSON array as it stands
	objectText             // JSON object, kept whole
	xmlText                // XML text with entities
	literal                // an audit record's text in quotes, which is never hexadecimal
)

// token is one key and the text of its value, a view into the line.
type token struct {
	key  *key
	text string
	kind kind
}

// arena gives memory for the few strings that are no views into the line.
// Chunks are never used again, so that the strings live as long as their event.
type arena struct {
	bytes   []byte
	strings []string
}

const arenaChunk = 32 << 10

// room returns a buffer of length 0 with at least n bytes of capacity.
func (a *arena) room(n int) []byte {
	if cap(a.bytes)-len(a.bytes) < n {
		a.bytes = make([]byte, 0, max(n, arenaChunk))
	}
	return a.bytes[len(a.bytes):len(a.bytes):cap(a.bytes)]
}

// keep takes what was written into the buffer of room.
func (a *arena) keep(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if cap(a.bytes)-len(a.bytes) >= len(b) && &a.bytes[:len(a.bytes)+1][len(a.bytes)] == &b[0] {
		a.bytes = a.bytes[:len(a.bytes)+len(b)]
	}
	return view(b)
}

// longer is a list with one string more, in place where the list was the last
// that memory was given to.
func (a *arena) longer(list []string, v string) []string {
	n, k := len(a.strings), len(list)
	if k == 0 || k > n || &a.strings[n-k] != &list[0] || n == cap(a.strings) {
		if cap(a.strings)-n <= k {
			a.strings = make([]string, 0, max(2*k, 256))
		}
		a.list(list)
		n = len(a.strings)
	}
	a.strings = append(a.strings, v)
	return a.strings[n-k : n+1 : n+1]
}

// list copies strings into memory that an event may keep.
func (a *arena) list(items []string) []string {
	if cap(a.strings)-len(a.strings) < len(items) {
		a.strings = make([]string, 0, max(len(items), 256))
	}
	n := len(a.strings)
	a.strings = append(a.strings, items...)
	return a.strings[n:len(a.strings):len(a.strings)]
}
