package storetest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/lang"
)

// random compares conditions that nobody thought of.
func random(t *testing.T, s Subject, o *oracle) {
	rapid.Check(t, func(r *rapid.T) {
		text := condition(r, 2)
		if _, err := lang.ParseSearch(text); err != nil {
			r.Fatalf("%s: %v", text, err)
		}
		got, want := map[event.Ref]bool{}, o.find(t, event.Query{Text: text})
		list, total, err := collect(s, event.Query{Text: text, Limit: 5_000})
		if err != nil {
			r.Fatalf("%s: %v", text, err)
		}
		for i := range list {
			got[list[i].Ref] = true
		}
		for _, e := range want {
			if !got[e.Ref] {
				r.Fatalf("%s: it does not find\n%.300s", text, e.AppendJSON(nil))
			}
		}
		if n, err := s.Count(context.Background(), event.Query{Text: text}); len(list) != len(want) || int(total) != len(want) || int(n) != len(want) {
			r.Fatalf("%s: it finds %d, total %d, count %d, want %d (%v)", text, len(list), total, n, len(want), err)
		}
	})
}

// condition makes a condition of the language as text.
func condition(r *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 9).Draw(r, "kind")
	if depth > 0 && kind < 5 {
		a := condition(r, depth-1)
		if kind < 2 {
			return "not (" + a + ")"
		}
		return "(" + a + ")" + []string{" and ", " or "}[kind%2] + "(" + condition(r, depth-1) + ")"
	}
	switch kind {
	case 5:
		return "text(" + quoted(r) + ")"
	case 6:
		f := rapid.SampledFrom([]string{"source.port", "event.duration", "event.risk_score", "destination.port", "number(user.name)", "number(x.vendor)", "hour(@timestamp)", "day(event.created)"}).Draw(r, "number")
		return f + rapid.SampledFrom([]string{" == ", " != ", " < ", " <= ", " > ", " >= "}).Draw(r, "op") + rapid.SampledFrom([]string{"0", "1", "7", "22", "0.5"}).Draw(r, "value")
	case 7:
		nets := rapid.SampledFrom([]string{"10.0.0.0/8", "10.2.0.0/17", "::/0", "2001:db8::/32", "1.2.3.4", "0.0.0.0/1"}).Draw(r, "net")
		return fmt.Sprintf("inCIDR(%s, %q)", rapid.SampledFrom([]string{"source.ip", "destination.ip", "related.ip", "url.domain"}).Draw(r, "field"), nets)
	case 8:
		return "has(" + textField(r) + ")"
	}
	name := rapid.SampledFrom([]string{"contains", "icontains", "startsWith", "istartsWith", "endsWith", "iendsWith", "like", "ilike", "iequals", "=="}).Draw(r, "name")
	if name == "==" {
		return rapid.SampledFrom([]string{"user.name", "tags", "x.vendor", "event.original", "url.domain"}).Draw(r, "equal field") + " in [" + quoted(r) + ", " + quoted(r) + "]"
	}
	words := quoted(r)
	if strings.HasSuffix(name, "like") {
		words = rapid.SampledFrom([]string{`"*a*"`, `"?"`, `"??"`, `"*o*o*"`, `"S*"`, `"*\\\\*"`, `"*日本*"`, `"10.?.*"`, `"*"`, `"a\\*b"`}).Draw(r, "pattern")
	}
	if strings.HasPrefix(name, "i") || strings.HasSuffix(name, "like") {
		return name + "(" + textField(r) + ", " + words + ")"
	}
	return textField(r) + " " + name + " " + words
}

func textField(r *rapid.T) string {
	return rapid.SampledFrom([]string{"user.name", "host.name", "tags", "x.vendor", "event.original", "message", "source.ip", "event.action", "url.original", "fortinet.fortigate.service", "event.category"}).Draw(r, "text field")
}

// quoted is a text of the corpus, a piece of one, or something else.
func quoted(r *rapid.T) string {
	s := rapid.SampledFrom(append([]string{"srcip=10.2", "deny", "TCP_", "svchost", "www.example", "HTTPS", "オ", "語ロ", "zz"}, oddTexts...)).Draw(r, "text")
	if runes := []rune(s); len(runes) > 2 && rapid.Bool().Draw(r, "piece") {
		from := rapid.IntRange(0, len(runes)-2).Draw(r, "from")
		s = string(runes[from : from+rapid.IntRange(1, len(runes)-from).Draw(r, "length")])
	}
	if strings.ContainsRune(s, 0) {
		s = "nul"
	}
	return strconv.Quote(s)
}
