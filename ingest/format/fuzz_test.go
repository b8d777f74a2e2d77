package format

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
)

func seed(f *testing.F) *Set {
	s := builtinSet(f)
	tests, _ := allTests(s)
	for _, c := range tests {
		f.Add(c.line)
	}
	for _, l := range []string{"", "<", "<1>1 ", `a="`, `a="\`, `{"a":[{"b":`, "CEF:0|||||||a=\\", `{"\ud83d\ude00":"\u00"}`, "a==b=c", "\x00\xff="} {
		f.Add(l)
	}
	return s
}

// FuzzParse: whatever comes in becomes an event that keeps the line.
func FuzzParse(f *testing.F) {
	f.Add(`<13>Nov 22 10:00:00 host app: a=1`)
	p := seed(f).Parser(Options{})
	x := &event.Builder{}
	f.Fuzz(func(t *testing.T, line string) {
		x.Reset()
		res := p.Parse(Input{Line: line, Received: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}, x)
		if x.Str(event.MustLookup("event.original")) != line || x.Str(event.MustLookup("event.kind")) == "" || x.Str(event.MustLookup("event.dataset")) == "" {
			t.Errorf("%q: %+v %s", line, res, jsonOf(x))
		}
		at, ok := x.Get(event.MustLookup("@timestamp"))
		if !ok || at.Int() < oldest {
			t.Errorf("%q: @timestamp is %v", line, at.Text())
		}
		_, quarantined := x.Get(event.MustLookup("quarantine"))
		if quarantined != (res.Reason != "") {
			t.Errorf("%q: reason %q", line, res.Reason)
		}
		if out := jsonOf(x); !json.Valid([]byte(out)) {
			t.Errorf("%q: %s", line, out)
		}
	})
}

// inside tells whether every token's text is a part of the line.
func inside(t *testing.T, p *Parser, line string) {
	t.Helper()
	for _, k := range p.tokens {
		if !strings.Contains(line, k.text) {
			t.Errorf("%q: %s=%q is not in the line", line, k.key.path, k.text)
		}
	}
}

// FuzzKV: values are parts of the line.
func FuzzKV(f *testing.F) {
	f.Add(`<13>Nov 22 10:00:00 host app: a=1`)
	p := seed(f).Parser(Options{})
	f.Fuzz(func(t *testing.T, line string) {
		p.resetTokens()
		p.cutKV(line)
		inside(t, p, line)
	})
}

// FuzzCEF: values are parts of the line.
func FuzzCEF(f *testing.F) {
	f.Add(`<13>Nov 22 10:00:00 host app: a=1`)
	p := seed(f).Parser(Options{})
	f.Fuzz(func(t *testing.T, line string) {
		p.resetTokens()
		p.cutCEF(line)
		inside(t, p, line)
	})
}

// FuzzLEEF: values are parts of the line, unless a relay's #011 became tabs.
func FuzzLEEF(f *testing.F) {
	f.Add("LEEF:2.0|a|b|c|d|x7c|e=1|f=2")
	f.Add("LEEF:1.0|a|b|c|d|e=1 2\tf=3")
	p := seed(f).Parser(Options{})
	f.Fuzz(func(t *testing.T, line string) {
		p.resetTokens()
		p.cutLEEF(line)
		if !strings.Contains(line, "#011") {
			inside(t, p, line)
		}
	})
}

// FuzzLTSV: values are parts of the line.
func FuzzLTSV(f *testing.F) {
	f.Add("host:10.0.0.1\tident:-\treq:GET / HTTP/1.1")
	p := seed(f).Parser(Options{})
	f.Fuzz(func(t *testing.T, line string) {
		p.resetTokens()
		p.cutLTSV(line)
		inside(t, p, line)
	})
}

// FuzzColumns: values are parts of the line, whatever separates them.
func FuzzColumns(f *testing.F) {
	p := seed(f).Parser(Options{})
	var cutters []cutter
	for _, text := range []string{
		`{columns: {separator: blank, names: [a, "%{b}/%{c}", d]}}`, `{columns: {separator: ",", least: 1, labels: true, names: [a, b]}}`,
		`{columns: {separator: tab, names: [a], by: a, cases: {x: [b], "*": [c, d]}}}`,
	} {
		cutters = append(cutters, compiledCut(f, text))
	}
	f.Add(`a b/c "d \" e" f`)
	f.Fuzz(func(t *testing.T, line string) {
		for _, c := range cutters {
			p.resetTokens()
			c.cut(p, p.insideKeys(c), line)
			inside(t, p, line)
		}
	})
}

// FuzzDissect: a text made by a pattern is cut into what it was made of; of any
// other text values are parts.
func FuzzDissect(f *testing.F) {
	p := seed(f).Parser(Options{})
	c := compiledCut(f, `{dissect: ["%{a} -> %{b->} [%{c#}]: %{d!}"], regex: ['^(?P<x>\w+) .*?(?P<y>\d+)$']}`)
	f.Add("a -> b   [1]: d")
	f.Fuzz(func(t *testing.T, line string) {
		p.resetTokens()
		c.cut(p, p.insideKeys(c), line)
		inside(t, p, line)
		if strings.Contains(line, " ->") || strings.HasSuffix(line, " -") || strings.Contains(line+" ", " -> ") {
			return
		}
		p.resetTokens()
		if !c.cut(p, p.insideKeys(c), line+" -> b [12]: d") || p.tokens[0].text != line || p.tokens[3].text != "d" {
			t.Errorf("%q did not come back: %v", line, p.tokens)
		}
	})
}

// FuzzSyslog: nothing of a line is lost behind its header.
func FuzzSyslog(f *testing.F) {
	f.Add(`<13>Nov 22 10:00:00 host app: a=1`)
	p := seed(f).Parser(Options{})
	f.Fuzz(func(t *testing.T, line string) {
		h := p.cutHeader(line)
		if !strings.Contains(line, h.body) || h.sd != h.body && !strings.HasSuffix(strings.TrimRight(line, "\r\n\x00"), h.body) {
			t.Errorf("%q: body %q", line, h.body)
		}
		for _, part := range []string{h.host, h.app, h.proc, h.msg, h.sd} {
			if !strings.Contains(line, part) {
				t.Errorf("%q: %q", line, part)
			}
		}
	})
}

// FuzzJSON: what encoding/json takes for an object, the cutter reads to its end,
// and texts at the top level are the same.
func FuzzJSON(f *testing.F) {
	f.Add(`{"` + strings.Repeat("0", maxPath+1) + `":"0"}`)
	f.Add(`<13>Nov 22 10:00:00 host app: a=1`)
	p := seed(f).Parser(Options{})
	f.Fuzz(func(t *testing.T, line string) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "{") {
			return
		}
		p.resetTokens()
		broken := p.cutJSON(line)
		var want map[string]any
		if json.Unmarshal([]byte(line), &want) != nil {
			return
		}
		if broken != "" {
			t.Fatalf("%q: %s", line, broken)
		}
		got := map[string]string{}
		for i := range p.tokens {
			k := &p.tokens[i]
			if k.kind == plain || k.kind == escaped {
				got[k.key.path] = p.text(k, &binding{})
			}
		}
		for name, v := range want {
			s, ok := v.(string)
			if !ok || len(name) > maxPath || strings.ContainsAny(name, "\\.") || !isASCII(name+s) || len(got) > 1000 {
				continue
			}
			if got[name] != s {
				t.Errorf("%q: %q is %q, want %q", line, name, got[name], s)
			}
		}
	})
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 || s[i] < 0x20 {
			return false
		}
	}
	return true
}

// Pairs written in any quoting come back.
func TestPairsComeBack(t *testing.T) {
	p := builtinSet(t).Parser(Options{})
	rapid.Check(t, func(r *rapid.T) {
		sep := rapid.SampledFrom([]string{" ", ",", "\t", "  ", ", ", ";", "|"}).Draw(r, "separator")
		n := rapid.IntRange(1, 8).Draw(r, "pairs")
		var want [][2]string
		var parts []string
		for i := range n {
			k := rapid.StringMatching(`[a-z_]{1,6}`).Draw(r, "key") + itoa(i)
			plainText := rapid.StringMatching(`[A-Za-z0-9./:_-]{0,10}`).Draw(r, "plain")
			v := plainText
			text := k + "=" + v
			if rapid.Bool().Draw(r, "quoted") {
				v = rapid.StringMatching(`([A-Za-z0-9./:_ ,庁内"-]|\\){0,12}[a-z庁]`).Draw(r, "text")
				text = k + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
			}
			want, parts = append(want, [2]string{k, v}), append(parts, text)
		}
		line := strings.Join(parts, sep)
		p.resetTokens()
		p.cutKV(line)
		if len(p.tokens) != n {
			r.Fatalf("%q: %d pairs, want %d", line, len(p.tokens), n)
		}
		for i := range p.tokens {
			if got := p.text(&p.tokens[i], &binding{}); p.tokens[i].key.name != want[i][0] || got != want[i][1] {
				r.Fatalf("%q: %s=%q, want %q", line, p.tokens[i].key.name, got, want[i])
			}
		}
	})
}

// Lines made to hurt take time in proportion to their length.
func TestHostileLinesCostLinearTime(t *testing.T) {
	if testing.Short() {
		t.Skip("megabytes of hostile lines")
	}
	p := builtinSet(t).Parser(Options{})
	x := &event.Builder{}
	const size = 2 << 20
	for _, unit := range []string{`{"a":`, `[`, `{"a":[`, `a="b `, `a="b" `, `"`, `\`, `a=`, `a="x"y`, `="`, ` `, `,`, `{"\u0061":"\n",`, `CEF:0|a`, `x=\= `, `a1=b a1Label=c `, `<1>`, `Nov  1 09:15:02 `, `<a>`, `<a b="c"/>`, `<Data>x</Data>`, "a:b\t", "type=a ", "audit(", "a: b\n", "type=a\n"} {
		for _, head := range []string{"", `{"Event":{"System":{"EventID":1,"x":`, `type=traffic subtype=x logid=1 `, "CEF:0|a|b|c|d|e|1|", "<1>1 - - - - - [a ", "<Event><System>", "LEEF:1.0|a|b|c|d|", "x:1\ty:2\t", "Nov  1 09:15:02 h sshd[1]: ", "type=a msg=audit(1:2): ", `{"EventID":1,"Channel":"x","Message":"`} {
			line := head + strings.Repeat(unit, size/len(unit))
			x.Reset()
			start := time.Now()
			p.Parse(Input{Line: line}, x)
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("%.40q…: %v", line, took)
			}
		}
	}
	for s := range p.spaces {
		if n := p.spaces[s].n; n > 2*maxKeys {
			t.Errorf("%d keys are remembered", n)
		}
	}
}
