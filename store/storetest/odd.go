package storetest

import (
	"math"
	"strings"

	"mimamori/event"
)

// oddTexts are texts that engines treat differently.
var oddTexts = []string{
	"", "a", "A", "ab", "aB", "SATO", "100%", `a\b`, `C:\Windows\x.exe`, "'; --", `"q"`, "*", "?", "a*b", "x y", "line\nbreak", "nul\x00l",
	"日本", "日本語ログ", "日 本", "日・本", "ファイルサーバ", "ファイル", "接続エラーが発生しました", "か\u3099", "が", "葛\U000e0100城市", "ＡＢ", "ä", "Ä", "ß", "ẞ",
	"\u212aelvin", "kelvin", "\u0130x", "ix", "\u017fato", "ſ", "10.1.2.3", "10.1.2.30", "x10.1.2.3:443", "1.2.3", "sessionid=123456789", "www.example.jp", "a_b", "a.b.c", "it's",
	"7", "-7.25", "007", "1e3", "2026-11-01 09:07:00.5", "2024-12-30T00:00", "(a|b)[c]{1}", "~<1-2>&@#", "🙂 ok", "1️⃣2", "null", "true",
}

var oddAddresses = []string{"10.1.2.3", "10.1.2.200", "10.255.0.1", "172.16.0.1", "172.32.0.1", "1.2.3.4", "255.255.255.255", "0.0.0.0", "2001:db8::1", "fe80::1", "::1"}

// oddEvents appends events that are rare or wrong: no time, no town, times at
// the ends, values of other kinds than their fields, texts that are too long.
func oddEvents(b *event.Batch, x *event.Builder) {
	seq := uint64(0)
	add := func() {
		seq++
		set(x, "event.dataset", event.String("odd"))
		b.Append(x, event.Ref{Collector: "odd", Source: []string{"s1", "s'/2", ""}[seq%3], Epoch: seq % 2, Seq: seq})
	}
	base := func(ns int64) {
		set(x, "@timestamp", event.Time(ns))
		set(x, "municipality", event.String("312011"))
	}
	for i, s := range oddTexts {
		base(began.UnixNano() + int64(i))
		set(x, []string{"event.original", "message"}[i%2], event.String(s))
		set(x, "user.name", event.String(s))
		set(x, "x.vendor", event.String(s))
		set(x, "tags", event.Strings([]string{s, "z" + s}))
		set(x, "host.name", event.String(oddTexts[(i*7+1)%len(oddTexts)]))
		add()
	}
	for i, s := range oddAddresses {
		base(began.UnixNano() - int64(i)*86_400e9)
		set(x, "source.ip", event.Addr(s))
		set(x, "destination.ip", event.Addr(oddAddresses[i*3%len(oddAddresses)]))
		set(x, "related.ip", event.Strings([]string{s, "10.0.0.1"}))
		set(x, "url.domain", event.String(s))
		add()
	}
	for i, n := range []int64{0, 1, -1, 443, 1 << 53, 1<<53 + 1, math.MaxInt64, math.MinInt64} {
		base(began.UnixNano() + int64(i)*3_600e9)
		set(x, "source.port", event.Int(n))
		set(x, "event.duration", event.Int(n/2))
		set(x, "event.risk_score", event.Float([]float64{0, 0.5, -1.25, 443, 1e300, math.Inf(1), math.Copysign(0, -1), math.Inf(-1)}[i]))
		set(x, "file.code_signature.signed", event.Bool(i%2 == 0))
		set(x, "event.created", event.Time([]int64{0, 1, -5_000, began.UnixNano(), math.MaxInt64, 7e18, 1e9, 1e18}[i]))
		add()
	}
	for _, v := range []event.Value{event.Int(7), event.Bool(true), event.Float(0.5), event.Strings([]string{"a", "sato"}), event.Strings([]string{}), event.Time(5e9), event.String("sato"), event.Addr("10.1.2.3")} {
		for _, name := range []string{"x.vendor", "user.name", "tags", "source.ip", "source.port", "event.risk_score"} {
			if numeric(v.Kind()) && (name == "source.port" || name == "event.risk_score") {
				continue // no format puts a number where it is of the wrong kind
			}
			base(began.UnixNano() - 5)
			set(x, name, v)
			add()
		}
	}
	long := strings.Repeat("長いlong ", 6_000)
	for _, s := range []string{long, strings.Repeat("x", 40_000) + "needle"} {
		base(began.UnixNano())
		for _, name := range []string{"user.name", "event.original", "x.vendor", "process.command_line"} {
			set(x, name, event.String(s))
		}
		add()
	}
	for i, ns := range []int64{-1, 0, -5e17, math.MaxInt64 - 1} {
		base(ns)
		set(x, "event.action", event.String([]string{"deny", "close"}[i%2]))
		add()
	}
	set(x, "message", event.String("neither time nor town"))
	add()
	set(x, "municipality", event.String("no code"))
	set(x, "event.original", event.String("no time"))
	add()
	add() // nothing at all
}
