package format

import (
	"math/rand/v2"
	"testing"
	"time"

	"mimamori/event"
)

func allTests(s *Set) (out []*testCase, owner []*compiled) {
	for _, f := range s.formats {
		for i := range f.tests {
			if f.tests[i].format == "" {
				out, owner = append(out, &f.tests[i]), append(owner, f)
			}
		}
	}
	return out, owner
}

// Every format's lines against all formats: the winner must win by what it
// fixes, not by its name or by the order of the files.
func TestNoTwoFormatsTakeALineWithEqualRight(t *testing.T) {
	s := builtinSet(t)
	tests, owner := allTests(s)
	for i, c := range tests {
		p := s.Parser(Options{})
		p.header = c.header
		h := p.lineHeader(Input{Line: c.line, Header: c.header})
		p.recognise(&h)
		if len(p.found) == 0 || p.found[0].format != owner[i] {
			t.Errorf("%s: %s: found %d formats, the best is another", owner[i].name, c.name, len(p.found))
			continue
		}
		for _, a := range p.found[1:] {
			if a.format != owner[i] && a.spec == p.found[0].spec {
				t.Errorf("%s: %s: %s has equal right to the line (%d bytes fixed)", owner[i].name, c.name, a.format.name, a.spec)
			}
		}
	}
}

func jsonOf(x *event.Builder) string {
	var b event.Batch
	return string(b.Append(x, event.Ref{}).AppendJSON(nil))
}

func TestAParserWithAHistoryReadsAsAFreshOne(t *testing.T) {
	s := builtinSet(t)
	tests, _ := allTests(s)
	received := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	old := s.Parser(Options{})
	x := &event.Builder{}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		c := tests[r.IntN(len(tests))]
		in := Input{Line: c.line, Header: c.header, Received: received, Hint: "one source"}
		if r.IntN(3) == 0 { // and lines cut off anywhere
			in.Line = in.Line[:r.IntN(len(in.Line))]
		}
		resOld := old.Parse(in, x)
		gotOld := jsonOf(x)
		resNew := s.Parser(Options{}).Parse(in, x)
		if gotNew := jsonOf(x); gotOld != gotNew || resOld != resNew {
			t.Fatalf("with a history: %v %s\nfresh: %v %s", resOld, gotOld, resNew, gotNew)
		}
	}
}

func TestALineThatNoFormatTakesIsKeptWhole(t *testing.T) {
	p := builtinSet(t).Parser(Options{})
	x := &event.Builder{}
	received := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for _, line := range []string{"", " ", "{", "{}", "=", "<13>", "庁内の見慣れない行", "<999>x", "a=b", `{"a":1}`} {
		x.Reset()
		res := p.Parse(Input{Line: line, Received: received}, x)
		if res.Format != "" || res.Reason == "" {
			t.Fatalf("%q: %+v", line, res)
		}
		v, _ := x.Get(event.MustLookup("quarantine"))
		at, _ := x.Get(event.MustLookup("@timestamp"))
		if x.Str(event.MustLookup("message")) != line || x.Str(event.MustLookup("event.original")) != line || x.Str(event.MustLookup("event.kind")) != "event" ||
			len(v.List()) != 1 || v.List()[0] != res.Reason || at.Int() != received.UnixNano() {
			t.Errorf("%q became %s", line, jsonOf(x))
		}
	}
}

func TestAFormatGivenByNameIsNotGuessed(t *testing.T) {
	s := builtinSet(t)
	x := &event.Builder{}
	res := s.Parser(Options{Format: "fortigate"}).Parse(Input{Line: "srcip=10.0.0.1 dstip=10.0.0.2"}, x)
	if res.Format != "fortigate" || x.Str(event.MustLookup("source.ip")) != "10.0.0.1" {
		t.Errorf("%+v %s", res, jsonOf(x))
	}
	x.Reset()
	if res := s.Parser(Options{}).Parse(Input{Line: "a=b", Format: "no-such"}, x); res.Format != "" || res.Reason == "" {
		t.Errorf("%+v", res)
	}
}

func TestReadingDoesNotAllocatePerField(t *testing.T) {
	s := builtinSet(t)
	for _, line := range []string{benchFortiGate, benchSysmon, benchSquid} {
		p := s.Parser(Options{})
		x := &event.Builder{}
		in := Input{Line: line, Received: time.Date(2026, 11, 1, 1, 0, 0, 0, time.UTC)}
		n := testing.AllocsPerRun(500, func() { x.Reset(); p.Parse(in, x) })
		if n > 0.5 {
			t.Errorf("%.2f allocations for %.60s", n, line)
		}
	}
}

func TestKeysThatDevicesInventCostBoundedFields(t *testing.T) {
	s := builtinSet(t)
	p := s.Parser(Options{Format: "fortigate"})
	x := &event.Builder{}
	dropped := 0
	for i := range 40000 {
		x.Reset()
		line := "type=traffic subtype=forward logid=1 " + "hostile" + string(rune('a'+i%26)) + itoa(i) + "=1 srcip=10.0.0.1"
		res := p.Parse(Input{Line: line}, x)
		dropped += res.Dropped
		if x.Str(event.MustLookup("source.ip")) != "10.0.0.1" {
			t.Fatal("a known key was lost")
		}
	}
	if dropped < 39000 || p.spaces[shapeKV].n > 2*maxKeys {
		t.Errorf("dropped %d values, remembers %d keys", dropped, p.spaces[shapeKV].n)
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func TestParsersShareASet(t *testing.T) {
	s := builtinSet(t)
	tests, owner := allTests(s)
	done := make(chan string)
	for range 4 {
		go func() {
			p := s.Parser(Options{})
			x := &event.Builder{}
			wrong := ""
			for i, c := range tests {
				x.Reset()
				if res := p.Parse(Input{Line: c.line, Header: c.header, Received: c.received}, x); res.Format != owner[i].name && owner[i].unwrap.key == "" {
					wrong = c.name
				}
			}
			done <- wrong
		}()
	}
	for range 4 {
		if wrong := <-done; wrong != "" {
			t.Errorf("%s went elsewhere", wrong)
		}
	}
}
