package format

import (
	"strings"
	"testing"
	"time"

	"mimamori/internal/calendar"
)

func TestSyslogHeadersAsDevicesSendThem(t *testing.T) {
	jst := calendar.JST()
	at := time.Date(2026, 11, 1, 9, 15, 2, 0, jst)
	for _, c := range []struct {
		name, line, host, app, proc, body string
		pri                               int
		at                                time.Time
	}{
		{"RFC 3164", "<34>Nov  1 09:15:02 srv1 su[12]: 'su root' failed", "srv1", "su", "12", "'su root' failed", 34, at},
		{"no PRI", "Nov  1 09:15:02 srv1 su: failed", "srv1", "su", "", "failed", -1, at},
		{"no host", "<34>Nov  1 09:15:02 su[12]: failed", "", "su", "12", "failed", 34, at},
		{"a year before the time", "<34>Nov  1 2026 09:15:02 srv1 su: failed", "srv1", "su", "", "failed", 34, at},
		{"a year behind the time", "<34>Nov  1 09:15:02 2026 srv1 su: failed", "srv1", "su", "", "failed", 34, at},
		{"a weekday", "<34>Sun Nov  1 09:15:02 2026 srv1 su: failed", "srv1", "su", "", "failed", 34, at},
		{"milliseconds", "<34>Nov  1 09:15:02.500 srv1 su: failed", "srv1", "su", "", "failed", 34, at.Add(500 * time.Millisecond)},
		{"ISO 8601", "<34>2026-11-01T09:15:02+09:00 srv1 su: failed", "srv1", "su", "", "failed", 34, at},
		{"ISO 8601 in UTC, no PRI", "2026-11-01T00:15:02Z srv1 su[1]: failed", "srv1", "su", "1", "failed", -1, at},
		{"ISO 8601 of any program's own log", "2026-11-01T00:15:02Z INFO started", "", "", "", "2026-11-01T00:15:02Z INFO started", -1, time.Time{}},
		{"RFC 5424", "<34>1 2026-11-01T09:15:02.000Z srv1 app 12 ID47 [a@1 b=\"c]\" d=\"\\\"\"][e@1] \ufeffhello", "srv1", "app", "12", "hello", 34, at.Add(9 * time.Hour)},
		{"RFC 5424 with nothing", "<34>1 - - - - - -", "", "", "", "", 34, time.Time{}},
		{"octet count", "58 <34>1 2026-11-01T09:15:02+09:00 srv1 app - - - hello", "srv1", "app", "", "hello", 34, at},
		{"pairs behind PRI", "<189>date=2026-11-01 time=09:15:02 type=x", "", "", "", "date=2026-11-01 time=09:15:02 type=x", 189, time.Time{}},
		{"pairs behind a time", "<189>Nov  1 09:15:02 date=2026-11-01 type=x", "", "", "", "date=2026-11-01 type=x", 189, at},
		{"a Cisco mnemonic is no tag", "<166>Nov 01 2026 09:15:02: %ASA-6-302013: Built", "", "", "", "%ASA-6-302013: Built", 166, at},
		{"a Cisco mnemonic behind host and colon", "<166>Nov 01 2026 09:15:02 fw1 : %ASA-6-302013: Built", "fw1", "", "", "%ASA-6-302013: Built", 166, at},
		{"JSON is its own body", ` {"a":"<34>Nov  1 09:15:02 x y: z"}`, "", "", "", `{"a":"<34>Nov  1 09:15:02 x y: z"}`, -1, time.Time{}},
		{"JSON behind host and tag", `<13>Nov  1 09:15:02 srv1 app: {"a":1}`, "srv1", "app", "", `{"a":1}`, 13, at},
		{"CEF is no tag", "<13>Nov  1 09:15:02 srv1 CEF:0|a|b", "srv1", "", "", "CEF:0|a|b", 13, at},
		{"no header at all", "error: something failed", "", "", "", "error: something failed", -1, time.Time{}},
		{"a PRI that is none", "<1234>x", "", "", "", "<1234>x", -1, time.Time{}},
		{"an address as host", "<13>Nov  1 09:15:02 2001:db8::1 app: x", "2001:db8::1", "app", "", "x", 13, at},
		{"a day without its blank", "<13>Nov 1 09:15:02 srv1 app: x", "srv1", "app", "", "x", 13, at},
		{"a zone behind the time", "<13>Nov  1 00:15:02 UTC srv1 app: x", "srv1", "app", "", "x", 13, at},
	} {
		p := builtinSet(t).Parser(Options{})
		p.clock.ref = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).UnixNano()
		h := p.cutHeader(c.line)
		if h.host != c.host || h.app != c.app || h.proc != c.proc || h.body != c.body || h.pri != c.pri || h.timed == c.at.IsZero() || h.timed && h.time.At != c.at.UnixNano() {
			t.Errorf("%s: %+v (time %v)", c.name, h, time.Unix(0, h.time.At).In(jst))
		}
	}
}

func TestAYearIsChosenNearestToReceipt(t *testing.T) {
	p := builtinSet(t).Parser(Options{})
	for _, c := range []struct {
		received time.Time
		text     string
		year     int
	}{
		{time.Date(2027, 1, 1, 0, 5, 0, 0, calendar.JST()), "Dec 31 23:59:59", 2026},
		{time.Date(2026, 12, 31, 23, 59, 0, 0, calendar.JST()), "Jan  1 00:00:30", 2027},
		{time.Date(2026, 6, 1, 0, 0, 0, 0, calendar.JST()), "Jun  1 00:00:00", 2026},
		{time.Date(2028, 3, 1, 0, 0, 0, 0, calendar.JST()), "Feb 29 12:00:00", 2028},
	} {
		p.clock.ref = c.received.UnixNano()
		ns, ok := p.clock.auto(c.text)
		if got := time.Unix(0, ns).In(calendar.JST()).Year(); !ok || got != c.year {
			t.Errorf("%s received %v: year %d, want %d", c.text, c.received, got, c.year)
		}
	}
}

func TestTimesInTheSpellingsOfDevices(t *testing.T) {
	want := time.Date(2026, 11, 1, 0, 15, 2, 0, time.UTC)
	p := builtinSet(t).Parser(Options{})
	p.clock.ref = want.UnixNano()
	for _, s := range []string{
		"1793492102", "1793492102.000", "1793492102000", "1793492102000000", "1793492102000000000",
		"2026-11-01T09:15:02", "2026-11-01 09:15:02", "2026/11/01 09:15:02", "2026-11-01T00:15:02Z", "2026-11-01T00:15:02.000Z",
		"2026-11-01 09:15:02 +0900", "2026-11-01T09:15:02+09:00", "2026-11-01 00:15:02 UTC", "01/Nov/2026:09:15:02 +0900",
		"Nov  1 09:15:02", "Nov 1 2026 09:15:02", "Nov 01 2026 09:15:02 JST", "Sun Nov  1 09:15:02 2026", "Sun, 01 Nov 2026 09:15:02 +0900",
		"01 Nov 2026 09:15:02", "Nov 01, 2026 09:15:02", "2026-11-1 9:15:02",
	} {
		ns, ok := p.clock.auto(s)
		if !ok || ns != want.UnixNano() {
			t.Errorf("%q: %v, %v", s, ok, time.Unix(0, ns).UTC())
		}
	}
	for _, s := range []string{"", "x", "12:00:00", "2026-13-01 00:00:00", "2026-11-01", "99", "99999999999999999999", "Nov 1", strings.Repeat("9", 40)} {
		if ns, ok := p.clock.auto(s); ok && s != "2026-11-01" {
			t.Errorf("%q is taken for %v", s, time.Unix(0, ns).UTC())
		}
	}
}
