package format

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mimamori/event"
)

const casesFormat = `name: nested
module: acme
dataset: acme.nested
recognise: [{starts: ["A-", "["]}]
cut: {dissect: ["A-%{id#}: %{text}", "A-%{id#} %{text}", "[x] %{rest}"]}
inside:
  log.syslog.structured_data: kv
  text:
    by: id
    cases:
      "1, 2": {dissect: [{pattern: "%{user!} came from %{ip}", set: {event.action: came}}, "%{user!} went"]}
      "3": {pairs: {between: ",", equals: ": "}}
      "4": kv
      "*": {regex: ['by (?P<user>\w+)']}
set: {event.category: [host]}
fields: {user: user.name, ip: source.ip, Who Is It: user.name, q: user.name, took: {to: event.duration, as: duration}}
tests: [{name: one, line: "A-1: x went", expect: {user.name: x}}]
`

// casesForm is its second form, in a file of its own.
const casesForm = `name: nested-csv
extends: nested
recognise: [{like: ["#,"]}]
cut: {columns: {separator: ",", least: 2, names: [v, kind], by: kind, cases: {"in, out": [user, took], deep: {names: [ip, sub], by: sub, cases: {a: [user], "*": [-, user]}}}}}
tests: [{name: one, line: "1,in,x", expect: {user.name: x}}]
`

func TestValuesInsideAreCutByAnotherValue(t *testing.T) {
	s, err := Load(fstest.MapFS{"a.yaml": {Data: []byte(casesFormat)}, "b.yaml": {Data: []byte(casesForm)}})
	if err != nil {
		t.Fatal(err)
	}
	p := s.Parser(Options{})
	for line, want := range map[string]string{
		"A-1: sato came from 10.0.0.1":                         "nested sato 10.0.0.1 came",
		"A-2 sato went":                                        "nested sato  ",
		"A-2: two words went":                                  "nested   ",
		"A-3: X: 1, 2, Who Is It: sato: a, b":                  "nested sato: a, b  ",
		`A-4: q="sato" r=1`:                                    "nested sato  ",
		"A-99: done by sato":                                   "nested sato  ",
		"A-x: done by sato":                                    "  ",
		`<13>1 - h a - - [e@1 q="sato"] A-9: none`:             "nested sato  ",
		"1,out,sato,1:02:03":                                   "nested-csv sato  ",
		"1,deep,10.0.0.2,a,sato":                               "nested-csv sato 10.0.0.2 ",
		"1,deep,10.0.0.2,b,x,sato,more":                        "nested-csv sato 10.0.0.2 ",
		"1,other,x":                                            "  ",
		`<14>1 - h a - - [e@1 q="sa\]to" s="1"]A-9: x`:         "nested sa\\]to  ",
		"A-3: Who Is It: , Y: 1":                               "nested   ",
		"A-3: \"Who Is It: sato\", no pair, Who Is It: suzuki": "nested suzuki  ",
	} {
		x := &event.Builder{}
		res := p.Parse(Input{Line: line}, x)
		get := func(f string) string { return x.Str(event.MustLookup(f)) }
		got := strings.Join([]string{res.Format, get("user.name"), get("source.ip"), get("event.action")}, " ")
		if res.Format == "" {
			got = "  "
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

func TestDurationsInWords(t *testing.T) {
	p := builtinSet(t).Parser(Options{})
	for in, want := range map[string]time.Duration{
		"0:01:30": 90 * time.Second, "1h:22m:33s": time.Hour + 22*time.Minute + 33*time.Second, "1d 2h:03m:04s": 26*time.Hour + 3*time.Minute + 4*time.Second,
		"2w1d": 15 * 24 * time.Hour, "59": 59 * time.Second, "100:00:00": 100 * time.Hour,
	} {
		if n, ok := parseLong(p.duration(in)); !ok || time.Duration(n) != want {
			t.Errorf("%q is %v, want %v", in, time.Duration(n), want)
		}
	}
	for _, in := range []string{"-", "soon", "1:xx", "9999999999"} {
		if got := p.duration(in); got != in {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestCiscoHeaders(t *testing.T) {
	p := builtinSet(t).Parser(Options{})
	p.clock.ref = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).UnixNano()
	for line, want := range map[string]string{
		"<189>45: R1: 000123: *Nov  1 09:15:02.123 JST: %SYS-5-CONFIG_I: x":         "R1  2026-11-01T00:15:02.123Z",
		"<189>Nov  1 09:15:02 192.0.2.1 45: R1: Nov  1 09:15:03 UTC: %SYS-5-X: x":   "R1  2026-11-01T09:15:03Z",
		"<189>: 2026 Nov  1 09:15:02 JST: %ETHPORT-5-IF_UP: x":                      "  2026-11-01T00:15:02Z",
		"<187>3: RP/0/RSP0/CPU0:Nov  1 09:15:02 JST: ifmgr[204]: %PKT-3-UPDOWN : x": " ifmgr 2026-11-01T00:15:02Z",
		"<166>Nov 01 2026 09:15:02 fw1 : %ASA-6-302013: x":                          "fw1  2026-11-01T00:15:02Z",
		"<166>2026-11-01T00:15:02Z fw1 : %FTD-6-302013: x":                          "fw1  2026-11-01T00:15:02Z",
		"<166>fw1 %ASA-6-302013: x":                                                 "fw1  ",
		"00:01:02: %LINK-3-UPDOWN: x":                                               "  ",
		"Nov  1 09:15:02.5 XYZT: %LINK-3-UPDOWN: x":                                 "  2026-11-01T00:15:02.5Z",
		"2001:db8::1 %LINK-3-UPDOWN: x":                                             "2001:db8::1  ",
	} {
		h := p.cutHeader(line)
		at := ""
		if h.timed {
			at = time.Unix(0, h.time.At).UTC().Format(time.RFC3339Nano)
		}
		if got := h.host + " " + h.app + " " + at; got != want || !strings.HasPrefix(h.body, "%") {
			t.Errorf("%q: got %q, want %q; body %q", line, got, want, h.body)
		}
	}
	for _, line := range []string{`a="%ASA-6-1: x"`, "100 %-5 x", "50% off %SYS", `<13>Nov  1 09:15:02 h app: {"a"} %SYS-5-X: y`} {
		if h := p.cutHeader(line); strings.HasPrefix(h.body, "%") {
			t.Errorf("%q was taken for Cisco's", line)
		}
	}
}

// FuzzPairs: values are parts of the line, quoted or not.
func FuzzPairs(f *testing.F) {
	for _, l := range []string{`[a:"b"; c:"d\"; e"; ]`, "A b: c, d, E: f", "x[", `a:"`, ": ,", "[[[:"} {
		f.Add(l)
	}
	p := builtinSet(f).Parser(Options{})
	f.Fuzz(func(t *testing.T, line string) {
		for _, c := range []*pairs{{":", ";"}, {": ", ","}} {
			p.resetTokens()
			c.cut(p, nil, line)
			inside(t, p, line)
		}
	})
}
