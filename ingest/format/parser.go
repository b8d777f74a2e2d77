package format

import (
	"slices"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
)

// Options configure a parser.
type Options struct {
	Location *time.Location   // the zone of times that name none; nil is Asia/Tokyo
	Now      func() time.Time // for lines without a received time; nil is time.Now
	Format   string           // a format's name for every line; "" or "auto" recognises each line
}

// Input is one line.
type Input struct {
	Line     string    // without the line end; the event's strings are views into it
	Header   string    // of the file that the line is a row of, "" for none
	Received time.Time // when the collector took it; zero is unknown
	Hint     string    // the source, "" when unknown; see Parser.Parse
	Format   string    // a format's name; "" leaves it to Options.Format
}

// Result tells how a line was read.
type Result struct {
	Format  string // the format's name, "" when none took the line, "header" for the header row of a file
	Reason  string // "" when all is good, else the first reason why the event is quarantined
	Dropped int    // values that no field could be given to: they stand in event.original only
	Claim   Claim  // the time that the line says of itself
}

// Parser reads lines. One goroutine uses one parser.
type Parser struct {
	set    *Set
	opts   Options
	clock  clock
	utc    clock
	fields parserFields

	spaces  [shapes]keyspace
	own     [][]*key // per format: the keys of its cutter
	vendors []int    // per format: fields added for keys without a mapping

	f       *compiled // the format of this line
	x       *event.Builder
	tokens  []token
	spare   []token
	walker  *compiled // whose arrays are walked while JSON is cut; nil while it is recognised
	bits    []uint64  // recognition marks of this line
	hits    []int32
	found   []*alternative
	left    []some // openings that the line can have
	cutAs   shape
	rows    rowHeader
	headers map[string]rowHeader
	header  string            // of this line's file
	broken  string            // why JSON or XML is incomplete
	extra   []*block          // of the patterns that matched
	inner   map[cutter][]*key // the keys of cutters of values
	raw     []string
	rawGen  []uint32
	gen     uint32
	list    []string // of related.*, while it is gathered
	arena   arena
	buf     []byte
	literal bool // the value that is mapped stood in quotes, where that matters
	reason  string
	dropped int
	now     int64
	claim   Claim
	trace   *trace // notes the steps for Explain; nil in ordinary use
}

// parserFields are the fields that every event has.
type parserFields struct {
	header                                                                 headerFields
	related                                                                []related
	timestamp, original, dataset, module, kind, category, message, quarant event.Field
	types, claimed                                                         event.Field
}

// Parser makes a parser.
func (s *Set) Parser(opts Options) *Parser {
	if opts.Location == nil {
		opts.Location = calendar.JST()
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Format == "auto" {
		opts.Format = ""
	}
	f := event.MustLookup
	p := &Parser{
		set: s, opts: opts, clock: clock{zone: opts.Location}, utc: clock{zone: time.UTC},
		own: make([][]*key, len(s.formats)), inner: map[cutter][]*key{}, headers: map[string]rowHeader{}, vendors: make([]int, len(s.formats)),
		fields: parserFields{newHeaderFields(), newRelated(), f("@timestamp"), f("event.original"), f("event.dataset"), f("event.module"), f("event.kind"), f("event.category"), f("message"), f("quarantine"), f("event.type"), f("time.claimed")},
	}
	marks, slots := 0, 0
	for sh := range p.spaces {
		p.spaces[sh] = keyspace{marks: s.index.marks[sh]}
		marks = max(marks, len(s.index.marks[sh]))
	}
	for _, c := range s.formats {
		slots = max(slots, c.slots)
	}
	p.bits = make([]uint64, marks/64+1)
	p.raw, p.rawGen = make([]string, slots), make([]uint32, slots)
	return p
}

// Parse reads one line into x, which it adds to. It never fails: a line that no
// format takes becomes an event with the line as its message and the reason in
// the field quarantine. The strings it sets are views into the line or memory of
// their own; they stay valid as long as somebody holds them.
//
// The answer depends on the line, the format given and the clock alone, never on
// earlier lines: recognition reads the keys while it cuts the line once, so that
// remembering what the source sent last (Hint) would save nothing.
func (p *Parser) Parse(in Input, x *event.Builder) Result {
	p.x, p.reason, p.dropped, p.extra, p.broken, p.claim = x, "", 0, p.extra[:0], "", Claim{}
	p.nextLine()
	received := in.Received
	if received.IsZero() {
		received = p.opts.Now()
	}
	p.now = received.UnixNano()
	p.clock.ref, p.utc.ref = p.now, p.now
	p.resetTokens()
	p.header = in.Header
	x.Set(p.fields.original, event.String(in.Line))
	res := Result{}
	h := p.lineHeader(in)
	if in.Header != "" && sameRow(in.Line, in.Header) {
		p.headerRow(in.Line)
		return Result{Format: headerFormat}
	}
	if p.trace != nil {
		p.trace.header(p, in, &h)
	}
	f := p.choose(in.Format, &h)
	if f == nil {
		p.unknown(in.Line, &h)
	} else {
		res.Format = f.name
		p.fill(f, &h)
		if f.unwrap.key != "" {
			if g := p.unwrapped(f, &h); g != nil {
				res.Format = g.name
			}
		}
	}
	res.Reason, res.Dropped, res.Claim = p.reason, p.dropped, p.claim
	return res
}

// nextLine forgets the texts of the line before.
func (p *Parser) nextLine() {
	if p.gen++; p.gen == 0 {
		clear(p.rawGen)
		p.gen = 1
	}
}

// lineHeader takes the syslog header off a line; a row of a file has none.
func (p *Parser) lineHeader(in Input) header {
	if in.Header != "" {
		return header{body: in.Line}
	}
	return p.cutHeader(in.Line)
}

// choose finds the format and leaves its tokens in p.tokens.
func (p *Parser) choose(name string, h *header) *compiled {
	if name == "" || name == "auto" {
		name = p.opts.Format
	}
	if name != "" {
		f := p.set.byName[name]
		if f == nil {
			p.fail("no format named " + name)
			return nil
		}
		p.cutAs = shapes // nothing is cut yet
		if !p.cutFor(f, h) {
			p.fail("not a line of the format " + name)
			return nil
		}
		p.alsoOf(f, h)
		return f
	}
	f := p.recognised(h)
	if f == nil {
		p.fail("no format")
	}
	return f
}

// recognised finds the format by what the line says.
func (p *Parser) recognised(h *header) *compiled {
	p.recognise(h)
	if p.trace != nil {
		p.trace.candidates(p, h)
	}
	for i, a := range p.found {
		if slices.ContainsFunc(p.found[:i], func(b *alternative) bool { return a.format == b.format }) {
			continue
		}
		taken := p.cutFor(a.format, h)
		if p.trace != nil {
			p.trace.judged(a, taken)
		}
		if taken {
			p.also(a.block)
			return a.format
		}
	}
	return nil
}

func (p *Parser) resetTokens() {
	p.tokens, p.hits, p.walker = p.tokens[:0], p.hits[:0], nil
	clear(p.bits)
}

// ownKeys returns the keys of a format's cutter.
func (p *Parser) ownKeys(f *compiled) []*key {
	if p.own[f.id] == nil {
		p.own[f.id] = newOwn(f.cut)
	}
	return p.own[f.id]
}

// emit takes one pair; k is nil when its key has no room.
func (p *Parser) emit(k *key, text string, kd kind) {
	if k == nil || len(p.tokens) >= maxTokens {
		p.dropped++
		return
	}
	if k.mark >= 0 {
		p.mark(k)
	}
	p.tokens = append(p.tokens, token{k, text, kd})
}

// Unknown is the module and dataset of lines that no format takes.
const Unknown = "unknown"

// unknown keeps a line that no format took.
func (p *Parser) unknown(line string, h *header) {
	x := p.x
	x.Set(p.fields.kind, event.String("event"))
	x.Set(p.fields.module, event.String(Unknown))
	x.Set(p.fields.dataset, event.String(Unknown))
	x.Set(p.fields.message, event.String(line))
	p.setHeader(h, p.fields.header.sender)
	p.did("unknown", node{})
	p.setTime(h.time, h.timed)
	p.did("time", node{})
}

// fill writes the event of a line whose format and tokens are known.
func (p *Parser) fill(f *compiled, h *header) {
	x := p.x
	x.Set(p.fields.kind, event.String("event"))
	x.Set(p.fields.module, event.String(f.module))
	x.Set(p.fields.dataset, event.String(f.dataset))
	p.did("format", node{})
	p.setHeader(h, f.sender)
	p.did("header", node{})
	for i := range f.base.set {
		x.Set(f.base.set[i].field, f.base.set[i].value)
	}
	p.did("set", node{})
	p.walkArrays(f)
	if f.inside != nil {
		p.cutInside(f, h)
	}
	p.apply(f, 0)
	for _, b := range p.extra {
		b.run(p)
	}
	runSteps(p, f.base.then)
	p.verdict()
	p.did("verdict", node{})
	p.relate()
	p.did("related", node{})
	at, ok := p.ownTime(f)
	if !ok {
		at, ok = h.time, h.timed
	}
	p.setTime(at, ok)
	p.did("time", node{})
	if p.broken != "" {
		p.fail(p.broken)
	}
	for i := range f.require {
		if _, ok := x.Get(f.require[i].field); !ok {
			p.fail(f.require[i].reason)
		}
	}
	p.did("require", node{})
}

// fail notes a reason for quarantine.
func (p *Parser) fail(reason string) {
	if p.reason == "" {
		p.reason = reason
	}
	p.addTo(p.fields.quarant, reason)
}
