package format

import (
	"strings"
	"testing"
	"time"

	"mimamori/event"
)

// hostile are what the cutters stumble over if anything: their marks, alone and
// half of a pair, repeated for as long as the line is.
var hostile = []string{
	`"`, `\`, `\"`, `'`, `[`, `]`, `{`, `(`, `<`, `>`, `=`, `:`, ` `, `,`, `;`, `|`, "\t", "\n", "\x1d", `&`, `#`, `%`, `/`, `.`, `-`, `@`, `*`, `a`, `1`, "\xff", "庁",
	`a=`, ` a=`, `a="`, `a="b`, `a="b" `, `a="\" `, `a="b"c `, `a='b `, `a='b=`, `a:"b;`, `a:"\";`, `a: b, `, `a: `, "a:\n", "a: b\n", "a  b  ", "a:  ", "：", "a=b,c ",
	`{"a":`, `[{"a":`, `{"a":[`, `"a":1,`, `"\u00e9",`, `[[`, `{"a":"\`, `<a>`, `<a b="`, `<a b="c"/>`, `</a>`, `<!--`, `<![CDATA[`, `&#1`, `&lt;`,
	`type=A `, `audit(1:`, `msg='a=`, `type="`, `#011`, `a=b|`, `cs1Label=`, `cs1=a cs1Label=b `, `\=`, `\|`, `a|`,
	`1:`, `1.`, `1,`, `10.0.0.1;`, `10.0.0.1,`, `2001:db8::`, `0x`, `%E5`, `(3)w`, `a@b`, `a\`, `://`, `.exe `, `/a`, `[a]`, `Nov `, `%ASA-1-`, `令和8年`,
}

// growth says what is repeated, in what, and what reads it.
type growth struct {
	name             string
	head, unit, tail string
	from             int // the shortest length
	do               func(s string)
}

// linear fails unless what do needs for a byte of a long text is about what it
// needs for one of a short text: sixteen times the length may cost sixteen times
// the time and some more for caches and memory, while a quadratic way would cost
// 256 times. The best of several runs counts: other work on the machine only adds.
func linear(t *testing.T, g growth) {
	t.Helper()
	perByte := func(size int) float64 {
		s := g.head + strings.Repeat(g.unit, size/len(g.unit)) + g.tail
		best := time.Hour
		for try, start := 0, time.Now(); try < 3 || try < 100 && time.Since(start) < 200*time.Microsecond; try++ {
			began := time.Now()
			g.do(s)
			best = min(best, time.Since(began))
		}
		return float64(best) / float64(len(s))
	}
	const factor, allowed = 16, 5
	longest := 256 << 10
	if testing.Short() {
		longest = 16 << 10
	}
	for size := g.from; size < longest; size *= factor {
		short, long := perByte(size), perByte(size*factor)
		for try := 0; try < 4 && long > allowed*max(short, 1); try++ {
			short, long = max(short, perByte(size)), min(long, perByte(size*factor))
		}
		if long > allowed*max(short, 1) {
			t.Errorf("%s: %q and %q repeated: %.1f ns a byte in %d bytes, %.1f in %d", g.name, g.head, g.unit, short, size, long, size*factor)
			return
		}
	}
}

func TestCuttersAreLinearOnHostileLines(t *testing.T) {
	s := builtinSet(t)
	p := s.Parser(Options{})
	pattern := newLike("* *: * [##")
	cutShape := func(sh shape) func(string) {
		return func(text string) {
			p.resetTokens()
			p.cutShape(sh, text)
		}
	}
	for name, c := range map[string]struct {
		head string
		do   func(string)
	}{
		"kv": {"", cutShape(shapeKV)}, "json": {`{"a":`, cutShape(shapeJSON)}, "json array": {`{"a":[`, cutShape(shapeJSON)}, "xml": {"<a><b>", cutShape(shapeXML)},
		"cef": {"CEF:0|a|b|c|d|e|f|", cutShape(shapeCEF)}, "leef": {"LEEF:1.0|a|b|c|d|", cutShape(shapeLEEF)}, "ltsv": {"a:b\tc:d\t", cutShape(shapeLTSV)},
		"labels": {"a: b\n", cutShape(shapeLabels)}, "flat labels": {"a: b  ", cutShape(shapeLabels)}, "records": {"type=A ", cutShape(shapeRecords)},
		"rows": {"a,", func(text string) {
			p.resetTokens()
			p.cutRows("a,b,c", text)
		}},
		"pairs":         {"a:", cutBy(p, &pairs{equals: ":", between: ";"})},
		"pairs, lines":  {"a: ", cutBy(p, &pairs{equals: ": ", between: "\n"})},
		"columns":       {"", cutBy(p, compiledCut(t, `{columns: {separator: blank, labels: true, names: [a, "%{b}/%{c}"]}}`))},
		"columns, tabs": {"", cutBy(p, compiledCut(t, `{columns: {separator: tab, names: [a, b]}}`))},
		"dissect":       {"a ", cutBy(p, compiledCut(t, `{dissect: ["%{a->} %{b#}: %{c!} %{d->}=%{e} for", "%{a} from %{b} to %{c}"]}`))},
		"header":        {"<13>", func(text string) { p.cutHeader(text) }},
		"RFC 5424":      {"<13>1 - h a p m [a ", func(text string) { p.cutHeader(text) }},
		"like":          {"", func(text string) { pattern.opens(text) }},
	} {
		for _, unit := range hostile {
			linear(t, growth{name, c.head, unit, "", 1 << 10, c.do})
		}
	}
}

// cutBy cuts by a cutter of text.
func cutBy(p *Parser, c cutter) func(string) {
	return func(text string) {
		p.resetTokens()
		c.cut(p, p.insideKeys(c), text)
	}
}

// compiledCut compiles a cutter as a format has it.
func compiledCut(t testing.TB, text string) cutter {
	t.Helper()
	s, err := loadText(strings.NewReplacer("cut: kv", "cut: "+text, "keys: [acme, src]", "starts: [a]").Replace(smallFormat))
	if err != nil {
		t.Fatal(err)
	}
	return s.formats[0].cut
}

func TestTransformsAreLinearOnHostileValues(t *testing.T) {
	p := builtinSet(t).Parser(Options{})
	p.x = &event.Builder{}
	for name, do := range textTransforms {
		for _, unit := range hostile {
			linear(t, growth{name, "1", unit, "", 1 << 10, func(s string) { do(p, s) }})
		}
	}
	for name, target := range map[string]string{
		"url": "url.original", "path": "file.path", "account": "user.name", "hostport": "source.address", "hashes": "process", "registry": "registry.path", "addresses": "dns.resolved_ip",
	} {
		do, ok := splitters[name](target)
		if !ok {
			t.Fatal(name)
		}
		for _, unit := range hostile {
			linear(t, growth{name, "", unit, "", 1 << 10, func(s string) { p.x.Reset(); do(p, s) }})
		}
	}
}

// Every format reads a line of its own with one of its values, or its end, grown
// to any length: its regular expressions, what is cut inside, its steps. (Below
// 16 KB regular expressions have another engine, five times as fast.)
func TestFormatsAreLinearOnHostileLines(t *testing.T) {
	s := builtinSet(t)
	p, x := s.Parser(Options{}), &event.Builder{}
	n := 0
	for _, f := range s.formats {
		for i := range f.tests {
			c := &f.tests[i]
			for range 2 {
				unit := hostile[n%len(hostile)]
				at := len(c.line) * (n % 5) / 4
				n++
				linear(t, growth{f.name, c.line[:at], unit, c.line[at:], 16 << 10, func(line string) {
					x.Reset()
					p.Parse(Input{Line: line, Header: c.header, Format: f.name}, x)
				}})
			}
		}
	}
}
