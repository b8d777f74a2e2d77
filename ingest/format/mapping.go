package format

import (
	"slices"
	"strings"
	"time"

	"mimamori/event"
)

// action writes one value into the event. It answers false when the value does
// not fit the field's type.
type action func(p *Parser, v string) bool

// mapping is where the value of one key goes.
type mapping struct {
	acts   []action
	single event.Field // when acts is one plain set of a keyword, long or ip
	op     opcode
	multi  bool   // the target is a list: values of the same key gather
	keep   bool   // kept under the vendor's name too
	unfit  string // the reason when a value does not fit
}

// opcode is what a binding does with a value; the common cases need no call.
type opcode uint8

const (
	opSkip opcode = iota
	opVendor
	opKeyword
	opLong
	opIP
	opActs
)

// transforms from text to text, by the name that `as` gives them.
var textTransforms = map[string]func(p *Parser, v string) string{
	"lower": func(p *Parser, v string) string { return p.mapBytes(v, 'A', 'Z', 0x20) },
	"upper": func(p *Parser, v string) string { return p.mapBytes(v, 'a', 'z', 0x20) },
	"trim":  func(_ *Parser, v string) string { return strings.Trim(v, " \t\r\n\"'") },
	"guid":  func(_ *Parser, v string) string { return strings.Trim(v, "{}") },
	"first": func(_ *Parser, v string) string {
		if i := strings.IndexAny(v, " ,;\t\n"); i > 0 {
			return v[:i]
		}
		return v
	},
	"parens": func(_ *Parser, v string) string {
		if i := strings.IndexByte(v, '('); i >= 0 {
			if j := strings.IndexByte(v[i:], ')'); j > 1 {
				return v[i+1 : i+j]
			}
		}
		return ""
	},
	"basename": func(_ *Parser, v string) string { return v[strings.LastIndexAny(v, `\/`)+1:] },
	"mac":      (*Parser).mac,
}

// units are the durations that become nanoseconds.
var units = map[string]time.Duration{
	"seconds": time.Second, "milliseconds": time.Millisecond, "microseconds": time.Microsecond, "nanoseconds": 1,
}

// splitters spread one value over several fields; the argument is the name of
// the target.
var splitters = map[string]func(target string) (func(p *Parser, v string), bool){
	"url": urlSplitter, "path": pathSplitter, "account": accountSplitter, "hostport": hostportSplitter, "hashes": hashSplitter,
	"registry": registrySplitter, "addresses": addressesSplitter,
}

const mappingKeys = "to, as, table, split, else, keep"

// mapping compiles what stands behind a key in `fields`: a field's name, a
// mapping with options, or a list of these.
func (c *compiler) mapping(n node) (mapping, *Error) {
	var m mapping
	for _, it := range n.items() {
		if err := c.mapInto(&m, it); err != nil {
			return m, err
		}
	}
	if len(m.acts) != 1 {
		m.op = opActs
	}
	return m, nil
}

// mapSpec is a mapping as written.
type mapSpec struct {
	to     []node
	as     []string
	asAt   node
	table  map[string]string
	split  string
	orElse node
}

func (c *compiler) mapInto(m *mapping, n node) *Error {
	var s mapSpec
	if !n.isMap() {
		s.to = []node{n}
	} else if err := c.mapSpec(&s, m, n); err != nil {
		return err
	}
	if len(s.to) == 0 {
		return n.fail("`to` is missing: which field?")
	}
	for i, to := range s.to {
		act, op, f, err := c.target(to, &s, m)
		if err != nil {
			return err
		}
		m.acts = append(m.acts, act)
		m.op, m.single = opActs, f
		if i == 0 && len(s.as) == 0 && s.table == nil && s.orElse.ast == nil && s.split == "" {
			m.op = op
		}
	}
	return nil
}

func (c *compiler) mapSpec(s *mapSpec, m *mapping, n node) *Error {
	return n.each(func(key string, at, val node) (err *Error) {
		switch key {
		case "to":
			s.to = val.items()
		case "as":
			s.as, err = val.words()
			s.asAt = val
		case "table":
			s.table, err = c.table(val)
		case "split":
			s.split, err = val.text()
		case "else":
			s.orElse = val
		case "keep":
			m.keep, err = val.yes()
		default:
			return at.unknown(key, mappingKeys)
		}
		return err
	})
}

// target compiles one target of a mapping.
func (c *compiler) target(to node, s *mapSpec, m *mapping) (action, opcode, event.Field, *Error) {
	name, err := to.text()
	if err != nil {
		return nil, 0, 0, err
	}
	act, op, f, err := c.setter(name, to, s, m)
	if err != nil {
		return nil, 0, 0, err
	}
	if s.orElse.ast != nil {
		other, _, _, err := c.target(s.orElse, &mapSpec{}, m)
		if err != nil {
			return nil, 0, 0, err
		}
		first := act
		act = func(p *Parser, v string) bool { return first(p, v) || other(p, v) }
	}
	if s.split != "" {
		one, sep := act, s.split
		act = func(p *Parser, v string) bool {
			ok := true
			for part := range strings.SplitSeq(v, sep) {
				if part = strings.TrimSpace(part); part != "" {
					ok = one(p, part) && ok
				}
			}
			return ok
		}
	}
	if s.table != nil {
		act = tabled(act, s.table)
	}
	return act, op, f, nil
}

// tabled looks a value up before it is set; "*" is what any other value becomes,
// and without "*" it stays as it is.
func tabled(next action, table map[string]string) action {
	other, any := table["*"]
	return func(p *Parser, v string) bool {
		if w, ok := table[v]; ok {
			v = w
		} else if any {
			v = other
		}
		return v == "" || next(p, v)
	}
}

// setter compiles transforms and the set itself.
func (c *compiler) setter(name string, to node, s *mapSpec, m *mapping) (action, opcode, event.Field, *Error) {
	t, err := c.transforms(name, to, s)
	if err != nil {
		return nil, 0, 0, err
	}
	if ecsAllowed[name] != nil {
		if err := c.checkTable(name, to, s); err != nil {
			return nil, 0, 0, err
		}
	}
	var act action
	op, f := opActs, event.Field(0)
	if t.split != nil {
		act = func(p *Parser, v string) bool { t.split(p, v); return true }
	} else {
		if f, err = c.field(name, to); err != nil {
			return nil, 0, 0, err
		}
		act, op = plainSetter(f)
		m.multi = m.multi || f.Type() == event.List
		m.unfit = "bad type for field " + name
		if t.unit != 0 {
			act = durationSetter(f, t.unit)
		}
		if base, ok := strings.CutSuffix(name, ".address"); ok {
			if a := addressSetter(f, base); a != nil {
				act, op = a, opActs
			}
		}
	}
	for _, change := range slices.Backward(t.chain) {
		next := act
		act = func(p *Parser, v string) bool {
			v = change(p, v)
			return v == "" || next(p, v)
		}
	}
	return act, op, f, nil
}

// transforms is what `as` asks for.
type transforms struct {
	chain []func(*Parser, string) string
	unit  time.Duration
	split func(*Parser, string)
}

func (c *compiler) transforms(name string, to node, s *mapSpec) (out transforms, err *Error) {
	for _, as := range s.as {
		if t := textTransforms[as]; t != nil {
			out.chain = append(out.chain, t)
		} else if u := units[as]; u != 0 {
			out.unit = u
		} else if sp := splitters[as]; sp != nil {
			var ok bool
			if out.split, ok = sp(name); !ok {
				return out, to.fail("`as: %s` does not go with the field %s", as, name)
			}
		} else {
			return out, s.asAt.fail("unknown transform %q (known: %s)", as, strings.Join(transformNames(), ", "))
		}
	}
	return out, nil
}

// checkTable sees to it that a categorisation field gets values that ECS allows
// only: from a table that says what becomes of any other value.
func (c *compiler) checkTable(name string, to node, s *mapSpec) *Error {
	if _, ok := s.table["*"]; !ok {
		return to.fail("%s takes few values: map it by a table with \"*\" (\"\" for none)", name)
	}
	for _, v := range s.table {
		if v != "" {
			if err := to.allowed(name, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func transformNames() []string {
	var names []string
	for n := range textTransforms {
		names = append(names, n)
	}
	for n := range units {
		names = append(names, n)
	}
	for n := range splitters {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// field finds a target field. Names in the format's own name space are interned.
func (c *compiler) field(name string, at node) (event.Field, *Error) {
	if f, ok := event.Lookup(name); ok && (f.Known() || c.ownSpace(name)) {
		return f, nil
	}
	if c.ownSpace(name) {
		if f, ok := event.Intern(name); ok {
			return f, nil
		}
	}
	hint := ""
	if near := event.Nearest(name); near != "" {
		hint = " (did you mean " + near + "?)"
	}
	return 0, at.fail("unknown field %q%s; the format's own fields begin with %s.", name, hint, c.f.vendor)
}

func (c *compiler) ownSpace(name string) bool {
	return strings.HasPrefix(name, c.f.vendor+".") || strings.HasPrefix(name, c.f.module+".")
}

// plainSetter sets a field from text by the field's type.
func plainSetter(f event.Field) (action, opcode) {
	switch f.Type() {
	case event.Long:
		return func(p *Parser, v string) bool {
			n, ok := parseLong(v)
			if ok {
				p.x.Set(f, event.Int(n))
			}
			return ok
		}, opLong
	case event.IP:
		return func(p *Parser, v string) bool {
			a, ok := event.ParseIP(v)
			if ok {
				p.x.Set(f, a)
			}
			return ok
		}, opIP
	case event.Date:
		return func(p *Parser, v string) bool {
			at, ok := p.clock.auto(v)
			if ok {
				p.x.Set(f, event.Time(at))
			}
			return ok
		}, opActs
	case event.List:
		return func(p *Parser, v string) bool { p.addTo(f, v); return true }, opActs
	case event.Keyword:
		return func(p *Parser, v string) bool { p.x.Set(f, event.String(v)); return true }, opKeyword
	}
	t := f.Type()
	return func(p *Parser, v string) bool {
		if t == event.Boolean {
			v = boolWord(v)
		}
		w, ok := event.ParseAs(t, v)
		if ok {
			p.x.Set(f, w)
		}
		return ok
	}, opActs
}

func boolWord(v string) string {
	switch strings.ToLower(v) {
	case "1", "yes", "true", "on":
		return "true"
	case "0", "no", "false", "off":
		return "false"
	}
	return v
}

// parseLong reads decimal or 0x numbers; a fraction of zeros is allowed.
func parseLong(s string) (int64, bool) {
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		return parseHex(s[2:])
	}
	i, neg := 0, false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		i, neg = 1, s[0] == '-'
	}
	if i >= len(s) || len(s)-i > 19 {
		return 0, false
	}
	n := int64(0)
	for ; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			if s[i] == '.' && strings.Trim(s[i:], ".0") == "" {
				break
			}
			return 0, false
		}
		if n = n*10 + int64(c); n < 0 {
			return 0, false
		}
	}
	if neg {
		n = -n
	}
	return n, true
}

func parseHex(s string) (int64, bool) {
	if s == "" || len(s) > 16 {
		return 0, false
	}
	n := uint64(0)
	for i := range len(s) {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		n = n<<4 | uint64(c)
	}
	return int64(n), int64(n) >= 0
}

// durationSetter turns a number (a fraction allowed) of units into nanoseconds.
func durationSetter(f event.Field, unit time.Duration) action {
	return func(p *Parser, v string) bool {
		whole, fraction, _ := strings.Cut(v, ".")
		n, ok := parseLong(whole)
		if !ok || n > int64(1<<62)/int64(unit) || n < 0 {
			return false
		}
		ns, u := n*int64(unit), int64(unit)
		for i := range len(fraction) {
			c := fraction[i] - '0'
			if c > 9 {
				return false
			}
			u /= 10
			ns += int64(c) * u
		}
		p.x.Set(f, event.Int(ns))
		return true
	}
}

// addressSetter sets X.address, and X.ip or X.domain by what the value is.
func addressSetter(f event.Field, base string) action {
	ip, ok := event.Lookup(base + ".ip")
	domain, ok2 := event.Lookup(base + ".domain")
	if !ok || !ok2 {
		return nil
	}
	return func(p *Parser, v string) bool {
		p.x.Set(f, event.String(v))
		if a, ok := event.ParseIP(v); ok {
			p.x.Set(ip, a)
		} else if isName(v) {
			p.x.Set(domain, event.String(v))
		}
		return true
	}
}

// isName tells whether a text can be the name of a host.
func isName(v string) bool {
	if v == "" || len(v) > 255 {
		return false
	}
	letter := false
	for i := range len(v) {
		c := v[i]
		if isLetter(c) || c >= 0x80 {
			letter = true
		} else if !('0' <= c && c <= '9' || c == '.' || c == '-' || c == '_') {
			return false
		}
	}
	return letter
}
