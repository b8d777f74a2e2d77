package store

import (
	"regexp"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/lang"
)

// genFields are fields of every type, with and without columns: the x.* ones
// occur too seldom to get any.
var genFields = []string{
	"source.ip", "destination.ip", "source.port", "destination.port", "event.category", "tags", "related.ip",
	"user.name", "host.name", "message", "event.original", "event.risk_score", "event.duration", "event.created",
	"file.code_signature.signed", "url.path", "municipality", "event.dataset", "x.Vendor", "x.vendor", "x.other", "filename",
}

var (
	genTexts = rapid.SampledFrom([]string{"a", "A", "ab", "aB", "sato", "SATO", "Sato_1", "100%", `a\b`, `C:\x`, "'", "''; --", `"q"`, "日本", "日本語ログ", "ＡＢ", "ä", "Ä", "10.1.2.3", "x y", "*", "?", "a*b", "nul\x00l", "\u212aelvin", "\u0130x", "kelvin", "", "line\nbreak", "[]", "{}", "null", "7", "-7.25", "007", "1e3", "0x7", " 7", "7.", "2026-11-01 09:07:00.5", "2023-01-01T07:59:00+00:00", "2024-12-30T00:00", "2026-02-30 00:00", "2026-02-03 24:00", "2026-02-03"})
	genIPs   = rapid.SampledFrom([]string{"10.1.2.3", "10.1.2.200", "10.255.0.1", "172.16.0.1", "172.31.255.255", "172.32.0.1", "192.168.1.1", "1.2.3.4", "11.1.2.3", "2001:db8::1", "2001:db8:ffff::2", "fe80::1", "::1", "255.255.255.255", "0.0.0.0", "100.1.2.3"})
	genNets  = rapid.SampledFrom([]string{"10.0.0.0/8", "10.1.2.0/24", "10.1.2.128/25", "172.16.0.0/12", "192.168.1.1/32", "0.0.0.0/0", "2001:db8::/32", "::/0", "fe80::1/128", "1.0.0.0/9"})
	genInts  = rapid.SampledFrom([]int64{0, 1, -1, 7, 22, 80, 443, 445, 65535, 1 << 31, 1 << 53, 1<<53 + 1, 1<<63 - 1, -1 << 63})
	genNums  = rapid.SampledFrom([]float64{0, 0.5, -1.25, 7, 443, 1e9, 1e300})
	genTimes = rapid.OneOf(rapid.Int64Range(1_700_000_000_000_000_000, 1_700_000_000_000_000_500), rapid.Map(rapid.Int64Range(400_000, 600_000), func(h int64) int64 { return h*3_600_000_000_000 - h%2 }))
)

func genValue(t *rapid.T, f event.Field) event.Value {
	switch f.Type() {
	case event.Long:
		return event.Int(genInts.Draw(t, "int"))
	case event.Double:
		return event.Float(genNums.Draw(t, "float"))
	case event.Boolean:
		return event.Bool(rapid.Bool().Draw(t, "bool"))
	case event.Date:
		return event.Time(genTimes.Draw(t, "time"))
	case event.IP:
		return event.Addr(genIPs.Draw(t, "ip"))
	case event.List:
		return event.Strings(rapid.SliceOfN(rapid.OneOf(genTexts, genIPs), 0, 3).Draw(t, "list"))
	case event.Text:
		v, _ := event.ParseAs(event.Text, genTexts.Draw(t, "text"))
		return v
	}
	if !f.Known() && rapid.IntRange(0, 3).Draw(t, "odd") == 0 {
		// What a parser may put into a vendor's field.
		return rapid.SampledFrom([]event.Value{event.Int(7), event.Strings([]string{"a", "sato"}), event.Strings([]string{}), event.Bool(true), event.Float(0.5)}).Draw(t, "odd value")
	}
	return event.String(rapid.OneOf(genTexts, genIPs).Draw(t, "keyword"))
}

func genField(t *rapid.T) event.Field {
	f, _ := event.Intern(rapid.SampledFrom(genFields).Draw(t, "field"))
	return f
}

// genBatch makes events of which some lack a time, a town or a collector.
func genBatch(t *rapid.T, most int) *event.Batch {
	b, x := &event.Batch{}, new(event.Builder)
	n := rapid.IntRange(1, most).Draw(t, "events")
	for i := range n {
		for range rapid.IntRange(0, 9).Draw(t, "fields") {
			f := genField(t)
			x.Set(f, genValue(t, f))
		}
		if rapid.IntRange(0, 9).Draw(t, "timed") > 0 {
			x.Set(event.MustLookup("@timestamp"), event.Time(genTimes.Draw(t, "at")))
		}
		ref := event.Ref{Collector: "c1", Source: rapid.SampledFrom([]string{"s1", "s'2", ""}).Draw(t, "source"), Epoch: 1 << 63, Seq: uint64(i + 1)}
		if rapid.Bool().Draw(t, "collector") {
			x.Set(event.MustLookup("collector"), event.String(rapid.SampledFrom([]string{"c1", "other"}).Draw(t, "c")))
		}
		b.Append(x, ref)
	}
	return b
}

func genNode(t *rapid.T, depth int) lang.Node {
	kind := rapid.IntRange(0, 11).Draw(t, "node")
	if depth > 0 && kind < 4 {
		var parts []lang.Node
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			parts = append(parts, genNode(t, depth-1))
		}
		switch {
		case kind == 0:
			return lang.And(parts)
		case kind == 1:
			return lang.Or(parts)
		}
		return lang.Not{Node: genNode(t, depth-1)}
	}
	switch kind {
	case 8:
		return lang.Words{Text: lower(rapid.OneOf(genTexts, genIPs).Draw(t, "words"))}
	case 9:
		return genFieldTest(t)
	case 10, 11:
		return lang.Holiday{Field: event.MustLookup("@timestamp")}
	}
	return genTest(t)
}

func lower(s string) string {
	out := []rune{}
	for _, r := range s {
		if r == '\u212a' {
			r = 'k'
		}
		if r == '\u0130' {
			r = 'i'
		}
		if 'A' <= r && r <= 'Z' || r == 'Ä' || 'Ａ' <= r && r <= 'Ｚ' {
			r += 'a' - 'A'
		}
		out = append(out, r)
	}
	return string(out)
}

func genFieldTest(t *rapid.T) lang.Node {
	pairs := [][2]string{{"source.ip", "destination.ip"}, {"user.name", "host.name"}, {"tags", "user.name"}, {"x.Vendor", "user.name"}, {"message", "event.original"}, {"related.ip", "source.ip"}}
	op := lang.Eq
	if rapid.Bool().Draw(t, "numbers") {
		pairs = [][2]string{{"source.port", "destination.port"}, {"event.risk_score", "source.port"}, {"event.created", "@timestamp"}}
		op = rapid.SampledFrom([]lang.Op{lang.Eq, lang.Lt, lang.Le, lang.Gt, lang.Ge}).Draw(t, "op")
	}
	p := rapid.SampledFrom(pairs).Draw(t, "pair")
	l, _ := event.Intern(p[0])
	r, _ := event.Intern(p[1])
	return lang.FieldTest{Left: l, Right: r, Op: op, Fold: op == lang.Eq && rapid.Bool().Draw(t, "fold")}
}

func genTest(t *rapid.T) lang.Node {
	n := &lang.Test{Field: genField(t)}
	if rapid.IntRange(0, 5).Draw(t, "has") == 0 {
		return n
	}
	if n.Field.Type() == event.Date && rapid.Bool().Draw(t, "part") {
		genView(t, n)
		return n
	}
	switch n.Field.Type() {
	case event.Long, event.Double, event.Date, event.Boolean:
		n.Op = rapid.SampledFrom([]lang.Op{lang.Eq, lang.Lt, lang.Le, lang.Gt, lang.Ge}).Draw(t, "op")
		n.Values = []event.Value{genValue(t, n.Field)}
		if n.Op == lang.Eq && rapid.Bool().Draw(t, "two") {
			n.Values = append(n.Values, genValue(t, n.Field))
		}
		if n.Field.Type() == event.Long && rapid.IntRange(0, 4).Draw(t, "float") == 0 {
			n.Values = []event.Value{event.Float(genNums.Draw(t, "float"))}
		}
		return n
	}
	if rapid.IntRange(0, 5).Draw(t, "view") == 0 {
		genView(t, n)
		return n
	}
	n.Op = rapid.SampledFrom([]lang.Op{lang.Eq, lang.Contains, lang.StartsWith, lang.EndsWith, lang.Like, lang.Matches, lang.InCIDR, lang.InList}).Draw(t, "op")
	n.Fold = n.Op < lang.Matches && rapid.Bool().Draw(t, "fold")
	words := rapid.SliceOfN(rapid.OneOf(genTexts, genIPs), 1, 2).Draw(t, "words")
	switch n.Op {
	case lang.Matches:
		n.Regexp = regexp.MustCompile(rapid.SampledFrom([]string{"a", "^a", "(?i)SATO", `\d+$`, "日.語", "^.$", `^\s*$`, `(?:\pL{1000}){0,1}sato`, `\x00`, `(?s)line.break`, `[^\x00-\x{7F}]`}).Draw(t, "pattern"))
		return n
	case lang.InCIDR:
		words = rapid.SliceOfN(genNets, 1, 3).Draw(t, "nets")
	case lang.InList:
		words = []string{rapid.SampledFrom([]string{"known", "unknown"}).Draw(t, "list")}
	case lang.Like:
		words = rapid.SliceOfN(rapid.SampledFrom([]string{"*", "a*", "*a", "?", "a?", "sa*o", `a\*b`, `*\b`, `C:\\x`, "100%", "s_to", "*日本*", "日本??グ", "", "10.*.3", "*\n*"}), 1, 2).Draw(t, "patterns")
	}
	for _, w := range words {
		if n.Fold {
			w = lower(w)
		}
		n.Values = append(n.Values, event.String(w))
	}
	return n
}

func genView(t *rapid.T, n *lang.Test) {
	n.View = lang.View(rapid.IntRange(int(lang.Minute), int(lang.Year)).Draw(t, "view"))
	if n.Field.Type() != event.Date && rapid.Bool().Draw(t, "number") {
		n.View = lang.Number
	}
	n.Op = rapid.SampledFrom([]lang.Op{lang.Eq, lang.Lt, lang.Le, lang.Gt, lang.Ge}).Draw(t, "op")
	for range rapid.IntRange(1, 2).Draw(t, "numbers") {
		n.Values = append(n.Values, rapid.SampledFrom([]event.Value{event.Int(7), event.Int(100), event.Int(59), event.Int(9), event.Int(2023), event.Int(53), event.Float(6.5)}).Draw(t, "number"))
	}
}
