package sigma

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/rules"
)

// The oracle: what the specification says of one "field|modifiers: values",
// word by word, over an event of plain texts.

type naiveEvent map[string]string

type naiveItem struct {
	field  string
	mods   []string
	values []any // string, int, bool, nil
}

func (it naiveItem) has(mod string) bool {
	return slices.Contains(it.mods, mod)
}

func (it naiveItem) holds(e naiveEvent) bool {
	text, there := e[it.field]
	one := func(v any) bool {
		if v == nil {
			return !there
		}
		if it.has("exists") {
			return there == v.(bool)
		}
		return there && it.value(e, text, fmt.Sprint(v))
	}
	all, some := true, false
	for _, v := range it.values {
		all, some = all && one(v), some || one(v)
	}
	got := some
	if it.has("all") {
		got = all
	}
	return got != it.has("neq")
}

func (it naiveItem) value(e naiveEvent, text, v string) bool {
	for _, part := range []string{"minute", "hour", "day", "week", "month", "year"} {
		if it.has(part) {
			at, err := time.Parse("2006-01-02 15:04:05", text)
			if err != nil {
				return false
			}
			_, week := at.ISOWeek()
			text = fmt.Sprint(map[string]int{"minute": at.Minute(), "hour": at.Hour(), "day": at.Day(), "week": week, "month": int(at.Month()), "year": at.Year()}[part])
			if !it.has("gt") && !it.has("gte") && !it.has("lt") && !it.has("lte") {
				return text == v
			}
		}
	}
	switch {
	case it.has("re"):
		for _, flag := range []string{"i", "m", "s"} {
			if it.has(flag) {
				v = "(?" + flag + ")" + v
			}
		}
		return regexp.MustCompile(v).MatchString(text)
	case it.has("cidr"):
		a, err := netip.ParseAddr(text)
		return err == nil && netip.MustParsePrefix(v).Contains(a)
	case it.has("gt"), it.has("gte"), it.has("lt"), it.has("lte"):
		x, err := strconv.ParseFloat(text, 64)
		y, _ := strconv.ParseFloat(v, 64)
		return err == nil && (it.has("gt") && x > y || it.has("gte") && x >= y || it.has("lt") && x < y || it.has("lte") && x <= y)
	case it.has("fieldref"):
		other, ok := e[v]
		return ok && (text == other || !it.has("cased") && strings.EqualFold(text, other))
	}
	for _, form := range it.forms(v) {
		if !it.has("cased") {
			form, text = strings.ToLower(form), strings.ToLower(text)
		}
		if wild(text, form) {
			return true
		}
	}
	return false
}

// forms spells out the encodings of a value, with the wildcards around it.
func (it naiveItem) forms(v string) []string {
	forms := []string{v}
	escape := func(s string) string {
		return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(s)
	}
	for _, m := range it.mods {
		var next []string
		for _, f := range forms {
			switch m {
			case "windash":
				next = append(next, dashed(f)...)
			case "base64":
				next = append(next, escape(base64.StdEncoding.EncodeToString([]byte(unescape(f)))))
			case "base64offset": // what of the encoding only the value's own bits decide
				for shift := range 3 {
					data := unescape(f)
					enc := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + data + "yyy"))
					from, to := (shift*8+5)/6, (shift+len(data))*8/6
					next = append(next, escape(enc[from:to]))
				}
			case "wide", "utf16le", "utf16be":
				s := ""
				for _, r := range unescape(f) {
					if m == "utf16be" {
						s += "\x00" + string(r)
					} else {
						s += string(r) + "\x00"
					}
				}
				next = append(next, escape(s))
			case "contains":
				next = append(next, "*"+f+"*")
			case "startswith":
				next = append(next, f+"*")
			case "endswith":
				next = append(next, "*"+f)
			default:
				next = append(next, f)
			}
		}
		forms = next
	}
	return forms
}

func unescape(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\*`, `*`, `\?`, `?`).Replace(s)
}

// dashed replaces every dash that begins an option by each kind.
func dashed(s string) []string {
	at := regexp.MustCompile(`(^|[^A-Za-z0-9_])[-/–—―][A-Za-z0-9_]`).FindStringIndex(s)
	if at == nil {
		return []string{s}
	}
	head, tail := s[:at[0]], []rune(s[at[0]:])
	if !strings.ContainsRune("-/–—―", tail[0]) || len(tail) > 1 && strings.ContainsRune("-/–—―", tail[1]) {
		head, tail = head+string(tail[0]), tail[1:]
	}
	var out []string
	for _, rest := range dashed(string(tail[1:])) {
		for _, d := range "-/–—―" {
			out = append(out, head+string(d)+rest)
		}
	}
	return out
}

// wild matches a Sigma value against a text as a whole.
func wild(text, v string) bool {
	switch {
	case v == "":
		return text == ""
	case v[0] == '*':
		return wild(text, v[1:]) || text != "" && wild(text[1:], v)
	case v[0] == '?':
		return text != "" && wild(string([]rune(text)[1:]), v[1:])
	case v[0] == '\\' && len(v) > 1 && strings.ContainsRune(`*?\`, rune(v[1])):
		return text != "" && text[0] == v[1] && wild(text[1:], v[2:])
	}
	return text != "" && text[0] == v[0] && wild(text[1:], v[1:])
}

func TestTheOracleKnowsTheSpecificationsEscapes(t *testing.T) {
	for _, c := range []struct {
		text, value string
		want        bool
	}{
		{`a\b`, `a\b`, true}, {`a\b`, `a\\b`, true}, {`a*`, `a\*`, true}, {`ab`, `a\*`, false}, {`a\b`, `a\\*`, true}, {`a\*`, `a\\\*`, true}, {`a\\b`, `a\\\\b`, true}, {`a\\b`, `a\\\b`, true},
	} {
		if got := wild(c.text, c.value); got != c.want {
			t.Errorf("%q %q: %v", c.text, c.value, got)
		}
		if got := parsePattern(c.value).regexp().MatchString(c.text); got != c.want {
			t.Errorf("pattern %q %q: %v", c.text, c.value, got)
		}
	}
}

// chains of modifiers, with the values that they take and texts near them.
var chains = []struct {
	mods   []string
	values []any
	texts  []string
	single bool
}{
	{mods: nil, values: []any{"a", "A*", "?b", `a\*`, `\\b`, "", 7, "日本"}, texts: []string{"a", "ab", "A", "a*", `\b`, "", "7", "日本"}},
	{mods: []string{"contains"}, values: []any{"a", "b?c", `*`, `\?`, `\\`}, texts: []string{"xax", "bXc", "", "?", `\`, "q"}},
	{mods: []string{"startswith"}, values: []any{"a", "b*c", "ö"}, texts: []string{"ab", "bxxcd", "ba", "Ö1"}},
	{mods: []string{"endswith"}, values: []any{`\a.exe`, "b"}, texts: []string{`C:\A.exe`, "ab", "ba"}},
	{mods: []string{"re"}, values: []any{"^a.b$", "A+", `\d{2}`}, texts: []string{"axb", "a\nb", "AA", "12", "x\naxb"}},
	{mods: []string{"re", "i"}, values: []any{"^a.b$", "Q"}, texts: []string{"AXB", "q", "a\nb"}},
	{mods: []string{"re", "m"}, values: []any{"^a.b$"}, texts: []string{"x\naxb", "axb", "a\nb"}},
	{mods: []string{"re", "s"}, values: []any{"^a.b$"}, texts: []string{"a\nb", "x\naxb", "axb"}},
	{mods: []string{"re", "i", "m", "s"}, values: []any{"^A.b$"}, texts: []string{"a\nb", "x\naxb", "axc"}},
	{mods: []string{"cidr"}, values: []any{"10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"}, texts: []string{"10.1.2.3", "192.0.2.9", "2001:db8::1", "x", "11.1.1.1"}},
	{mods: []string{"exists"}, values: []any{true, false}, texts: []string{"a", ""}, single: true},
	{mods: []string{"gt"}, values: []any{5, 7.5}, texts: []string{"6", "5", "x", "-1", "8.0", "0x9"}},
	{mods: []string{"gte"}, values: []any{5}, texts: []string{"6", "5", "x", "4.99"}},
	{mods: []string{"lt"}, values: []any{5}, texts: []string{"6", "5", "x", "-1"}},
	{mods: []string{"lte"}, values: []any{5, -3}, texts: []string{"6", "5", "x", "+5"}},
	{mods: []string{"windash", "contains"}, values: []any{" -a", "/b -c", "a-b", " –x"}, texts: []string{"q /a", "-b /c", "a/b", "/b –c", "q -x", "―b —c"}},
	{mods: []string{"contains", "windash"}, values: []any{" -a"}, texts: []string{"q /a", "q a"}},
	{mods: []string{"base64"}, values: []any{"ping", "x"}, texts: []string{"cGluZw==", "eA==", "ping"}},
	{mods: []string{"base64", "contains"}, values: []any{"ping"}, texts: []string{"x cGluZw== y", "ping"}},
	{mods: []string{"base64offset", "contains"}, values: []any{"ping x"}, texts: []string{"cGluZyB4", "eHBpbmcgeHk=", "eHhwaW5nIHg=", "ping x"}},
	{mods: []string{"wide", "base64offset", "contains"}, values: []any{"ping"}, texts: []string{"cABpAG4AZwA=", "eABwAGkAbgBnAA==", "cGluZw=="}},
	{mods: []string{"utf16be", "base64", "contains"}, values: []any{"a"}, texts: []string{"AGE=", "YQA="}},
	{mods: []string{"utf16le"}, values: []any{"ab"}, texts: []string{"a\x00b\x00", "ab"}},
	{mods: []string{"wide", "contains"}, values: []any{"ab"}, texts: []string{"xa\x00b\x00", "ab"}},
	{mods: []string{"fieldref"}, values: []any{"Other", "Third"}, texts: []string{"a", "A", "b"}},
	{mods: []string{"minute"}, values: []any{7, 0}, texts: []string{"2026-11-01 09:07:00", "2026-11-01 09:00:59", "x"}},
	{mods: []string{"hour"}, values: []any{9, 0}, texts: []string{"2026-11-01 09:07:00", "2026-11-01 00:00:00", "9"}},
	{mods: []string{"hour", "gte"}, values: []any{22}, texts: []string{"2026-11-01 23:07:00", "2026-11-01 09:07:00"}},
	{mods: []string{"day"}, values: []any{1, 31}, texts: []string{"2026-11-01 09:07:00", "2026-12-31 09:07:00"}},
	{mods: []string{"week"}, values: []any{1, 44, 53}, texts: []string{"2026-11-01 09:07:00", "2027-01-01 00:00:00", "2024-12-30 00:00:00"}},
	{mods: []string{"month"}, values: []any{11, 2}, texts: []string{"2026-11-01 09:07:00", "2026-02-01 09:07:00"}},
	{mods: []string{"year", "lt"}, values: []any{2027}, texts: []string{"2026-11-01 09:07:00", "2027-11-01 09:07:00"}},
}

func drawItem(t *rapid.T) naiveItem {
	c := rapid.SampledFrom(chains).Draw(t, "chain")
	it := naiveItem{field: rapid.SampledFrom([]string{"One", "Two"}).Draw(t, "field"), mods: c.mods}
	values := rapid.SliceOfN(rapid.SampledFrom(c.values), 1, 3)
	if c.single {
		values = rapid.SliceOfN(rapid.SampledFrom(c.values), 1, 1)
	}
	it.values = values.Draw(t, "values")
	extra := func(name string, possible bool) {
		if possible && rapid.IntRange(0, 3).Draw(t, name) == 0 {
			it.mods = append(it.mods[:len(it.mods):len(it.mods)], name)
		}
	}
	plain := len(c.mods) == 0 || c.mods[0] == "contains" || c.mods[0] == "startswith" || c.mods[0] == "endswith" || c.mods[0] == "fieldref"
	extra("all", !c.single)
	extra("neq", true)
	extra("cased", plain)
	if plain && it.mods == nil && rapid.IntRange(0, 4).Draw(t, "null") == 0 {
		it.values = append(it.values, nil)
	}
	return it
}

func (it naiveItem) yaml() string {
	key := strings.Join(append([]string{it.field}, it.mods...), "|")
	var values []string
	for _, v := range it.values {
		switch v := v.(type) {
		case nil:
			values = append(values, "null")
		case string:
			values = append(values, yamlText(v))
		default:
			values = append(values, fmt.Sprint(v))
		}
	}
	if len(values) == 1 {
		return yamlText(key) + ": " + values[0]
	}
	return yamlText(key) + ": [" + strings.Join(values, ", ") + "]"
}

// convert makes our rule of one Sigma file.
func convert(t interface{ Fatal(...any) }, data []byte) *rules.Rule {
	m, err := loadMappings()
	if err != nil {
		t.Fatal(err)
	}
	docs := readFile("x.yml", data)
	c := newConverter(m, docs)
	text, err := c.file(docs[0])
	if err != nil {
		t.Fatal(err, string(data))
	}
	r, err := rules.Parse(docs[0].id+".yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Status = rules.Stable
	return r
}

func matches(t interface{ Fatal(...any) }, r *rules.Rule, e naiveEvent) bool {
	set, err := rules.NewSet(r)
	if err != nil {
		t.Fatal(err)
	}
	x, b, n := new(event.Builder), event.Batch{}, 0
	for k, v := range e {
		f, _ := event.Intern("winlog.event_data." + k)
		x.Set(f, event.String(v))
	}
	x.Set(event.MustLookup("winlog.channel"), event.String("Security"))
	rules.NewEngine(set, rules.Options{}).Match(b.Append(x, event.Ref{}), func(*rules.Rule) { n++ })
	return n > 0
}

// TestEveryModifierMeansWhatTheOracleSays draws rules of two selections, with
// every modifier and quantifier of the specification, and events near them.
func TestEveryModifierMeansWhatTheOracleSays(t *testing.T) {
	used, hits := map[string]int{}, 0
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawItem(t), drawItem(t)
		type cond struct {
			text string
			want func(x, y bool) bool
		}
		c := rapid.SampledFrom([]cond{
			{"sel_a", func(x, _ bool) bool { return x }},
			{"sel_a and sel_b", func(x, y bool) bool { return x && y }},
			{"sel_a and not sel_b", func(x, y bool) bool { return x && !y }},
			{"1 of sel_*", func(x, y bool) bool { return x || y }},
			{"all of sel_*", func(x, y bool) bool { return x && y }},
			{"not 1 of them", func(x, y bool) bool { return !(x || y) }},
			{"not all of them", func(x, y bool) bool { return !(x && y) }},
			{"sel_b or not (sel_a and not sel_b)", func(x, y bool) bool { return y || !(x && !y) }},
			{"1 of *_a", func(x, _ bool) bool { return x }},
		}).Draw(t, "condition")
		rule := sigmaRule("product: windows, service: security", "sel_a: {"+a.yaml()+"}\nsel_b: {"+b.yaml()+"}\n_not: {One: never}\ncondition: "+c.text)
		r := convert(t, rule)
		for range 4 {
			e := naiveEvent{}
			for _, name := range []string{"One", "Two", "Other", "Third"} {
				if rapid.IntRange(0, 5).Draw(t, "there") > 0 {
					texts := rapid.SampledFrom(chains).Draw(t, "texts").texts
					for _, it := range []naiveItem{a, b} {
						for _, k := range chains {
							if it.field == name && len(k.mods) <= len(it.mods) && strings.Join(k.mods, "|") == strings.Join(it.mods[:len(k.mods)], "|") {
								texts = k.texts
							}
						}
					}
					e[name] = rapid.SampledFrom(texts).Draw(t, "text")
				}
			}
			want := c.want(a.holds(e), b.holds(e))
			if got := matches(t, r, e); got != want {
				t.Fatalf("%s\n%q: got %v, want %v", rule, e, got, want)
			}
			if want {
				hits++
			}
		}
		for _, m := range append(a.mods, b.mods...) {
			used[m]++
		}
	})
	if hits == 0 {
		t.Error("no rule ever matched")
	}
	for _, m := range []string{"contains", "startswith", "endswith", "all", "neq", "cased", "re", "i", "m", "s", "cidr", "exists", "gt", "gte", "lt", "lte", "windash", "base64", "base64offset", "wide", "utf16le", "utf16be", "fieldref", "minute", "hour", "day", "week", "month", "year"} {
		if used[m] == 0 && !testing.Short() {
			t.Logf("the modifier %s was not drawn", m)
		}
	}
}
