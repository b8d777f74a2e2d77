package format

import (
	"errors"
	"testing"
	"testing/fstest"
	"time"
)

const childFormat = `name: child
extends: small
recognise:
  - starts: ["CEF:0|Acme|"]
cut: cef
alias:
  src: [sourceAddress]
  "*": ["ACME*"]
inside:
  kind: {dissect: [{pattern: "%{type}:%{subtype}", set: {event.reason: two}}, "%{type}"]}
fields:
  dst: destination.ip
  subtype: user.name
then:
  - when: has(source.ip)
    join: {url.full: "%{source.ip}%{user.name}/x", url.original: "%{source.ip}-%{user.email}"}
tests:
  - name: one
    line: CEF:0|Acme|P|1|2|3|4|sourceAddress=10.0.0.1 ACMEdst=10.0.0.2 kind=a:b
    expect: {source.ip: 10.0.0.1, destination.ip: 10.0.0.2, user.name: b, event.reason: two, url.full: 10.0.0.1b/x, event.category: [network], acme.small.type: a}
    absent: [url.original]
`

func TestAFormatExtendsAnother(t *testing.T) {
	s, err := Load(fstest.MapFS{"a.yaml": {Data: []byte(childFormat)}, "small.yaml": {Data: []byte(smallFormat)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Test(s) {
		t.Error(f)
	}
	for _, c := range []struct{ parent, child string }{
		{smallFormat, "name: child\nextends: nobody\n"},
		{"name: small\nextends: child\n", "name: child\nextends: small\n"},
	} {
		_, err := Load(fstest.MapFS{"a.yaml": {Data: []byte(c.child)}, "small.yaml": {Data: []byte(c.parent)}})
		var e *Error
		if !errors.As(err, &e) || e.Line != 2 {
			t.Errorf("%q: error is %v", c.child, err)
		}
	}
}

func TestTheBodyIsCutByPatternsBesideItsPairs(t *testing.T) {
	more := `inside: {body: {dissect: ["%{before} a=%{}", "%{before}"]}}`
	get := parseShape(t, shaped{shape: "kv", recognise: "keys: [a]", key: "before", more: more}, Input{Line: "Deny tcp a=1 b=2"})
	check(t, get, map[string]string{"user.name": "Deny tcp", "acme.kv.b": "2"})
	get = parseShape(t, shaped{shape: "kv", recognise: `starts: ["no "]`, key: "before", more: more}, Input{Line: "no pairs"})
	check(t, get, map[string]string{"user.name": "no pairs"})
}

func TestHeadersOfSophosAndMeraki(t *testing.T) {
	p := builtinSet(t).Parser(Options{})
	at := time.Date(2026, 11, 3, 0, 15, 2, 0, time.UTC).UnixNano()
	h := p.cutHeader("<30>2026:11:03-09:15:02 utm1 ulogd[1]: id=1")
	if h.time.At != at || h.host != "utm1" || h.app != "ulogd" || h.body != "id=1" {
		t.Errorf("%+v", h)
	}
	if h = p.cutHeader("<134>1 1793664902.5 MX1 flows src=1 dst=2 x=3"); h.body != "1 1793664902.5 MX1 flows src=1 dst=2 x=3" || h.host != "" {
		t.Errorf("%+v", h)
	}
	for _, line := range []string{"2026:11:3-09:15:02 utm1 a: b=1", "2026:11:03 09:15:02 utm1 a: b=1", "2026:11:03-"} {
		if h = p.cutHeader(line); h.timed {
			t.Errorf("%q has a time: %+v", line, h)
		}
	}
}

func TestHostOfAddressAndPort(t *testing.T) {
	host := textTransforms["host"]
	for in, want := range map[string]string{"192.0.2.1:80": "192.0.2.1", "192.0.2.1": "192.0.2.1", "[2001:db8::1]:443": "2001:db8::1", "[2001:db8::1]": "2001:db8::1", "2001:db8::1": "2001:db8::1", "": ""} {
		if got := host(nil, in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func TestLEEFWithEscapedTabs(t *testing.T) {
	check(t, parseShape(t, shaped{shape: "leef", recognise: `starts: ["1.0|"]`, key: "usrName"}, Input{Line: "1.0|A|P|1|id|src=10.0.0.1#011usrName=sato hanako#011msg=a"}), map[string]string{
		"user.name": "sato hanako", "acme.leef.src": "10.0.0.1", "acme.leef.msg": "a",
	})
}
