package lang

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
)

func load(t *testing.T, js string) *event.Builder {
	t.Helper()
	x := new(event.Builder)
	if err := x.Decode([]byte(js)); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestEval(t *testing.T) {
	e := load(t, `{"event":{"action":"Deny","category":["network","session"],"original":"Deny TCP 外部"},"source":{"ip":"10.1.2.3","port":445},
		"destination":{"ip":"203.0.113.9"},"user":{"name":"sato"},"process":{"command_line":"powershell -EncodedCommand AAA"},"acme":{"dev":"x","jp":"あ2yx","size":"10.5","at":"2026-11-01T23:07:00Z"}}`)
	for src, want := range map[string]bool{
		`event.action == "Deny"`:                                   true,
		`lower(event.action) == "DENY"`:                            true,
		`event.action == "deny"`:                                   false,
		`event.action != "deny"`:                                   true,
		`event.category == "session"`:                              true,
		`event.category in ["a", "network"]`:                       true,
		`source.port == 445 && inCIDR(source.ip, "10.0.0.0/8")`:    true,
		`445 < source.port`:                                        false,
		`source.port >= 445.0`:                                     true,
		`destination.port < 100`:                                   false,
		`not (destination.port < 100)`:                             true,
		`destination.port != 80`:                                   true,
		`destination.port == nil`:                                  true,
		`has(user.name) and user.name startsWith "sa"`:             true,
		`icontains(process.command_line, "-ENC")`:                  true,
		`process.command_line matches "(?i)-enc\\w+ A+$"`:          true,
		`ilike(process.command_line, "power*-enc?dedcommand*")`:    true,
		`user.name in ["sato", "suzuki"] ? source.port > 1 : true`: true,
		`source.ip == destination.ip`:                              false,
		`text("外部")`:                                               true,
		`acme.dev == "x"`:                                          true,
		`inList(source.ip, "ioc")`:                                 false,
		`like(acme.jp, "*???yx")`:                                  false,
		`like(acme.jp, "*?2?x")`:                                   true,
		`number(acme.size) >= 10.5`:                                true,
		`10 < number(acme.size)`:                                   true,
		`number(acme.size) in [1, 10.5]`:                           true,
		`number(acme.size) not in [1]`:                             true,
		`number(acme.dev) < 5`:                                     false,
		`number(acme.dev) != 5`:                                    true,
		`number(source.port) == 445`:                               true,
		`number(acme.at) > 0`:                                      false,
		`year(acme.at) == 2026 && month(acme.at) == 11`:            true,
		`hour(acme.at) == 23 && minute(acme.at) == 7`:              true,
		`day(acme.at) == 1 && week(acme.at) == 44`:                 true,
		`hour(acme.dev) >= 0`:                                      false,
	} {
		x, err := Parse(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got := x.Compile(nil)(e); got != want {
			t.Errorf("%s: got %v", src, got)
		}
	}
}

func TestErrorsPointAtTheirPlace(t *testing.T) {
	for src, want := range map[string]string{
		`sorce.ip == "10.0.0.1"`:                     `1:1: unknown field "sorce.ip" (did you mean source.ip?)`,
		"event.action == \"a\" &&\n source.prt == 1": `2:2: unknown field "source.prt" (did you mean source.port?)`,
		`source.port == "x"`:                         `1:16: source.port is of type long, which "x" is not (a number without quotes)`,
		`source.ip == "10.0.0.0/8"`:                  `1:14: source.ip is of type ip`,
		`foo(source.ip)`:                             `1:1: unknown function "foo"`,
		`user.name`:                                  `no condition by itself`,
		`user.name == "a" &&`:                        `1:19: unexpected token EOF`,
		`user.name matches "("`:                      `missing closing )`,
		`len(user.name) > 3`:                         `want the name of a field here`,
		`inCIDR(source.ip, "10.0.0.0/99")`:           `is no network`,
		`hour(source.port) > 3`:                      `1:13: source.port is of type long and has no hour`,
		`number(event.created) > 3`:                  `1:14: event.created is of type date and has no number`,
		`number(user.name) > "3"`:                    `number(user.name) is a number, which "3" is not`,
		strings.Repeat("(", 500_000):                 `1:201: brackets nest deeper than 200`,
		strings.Repeat("!", 500_000) + "true":        `1:201: brackets nest deeper than 200, or as many signs`,
		"source.port > " + strings.Repeat("- ", 300): `1:415: brackets nest`,
		strings.Repeat("not\n", 300) + "true":        `201:1: brackets nest`,
		`hour(@timestamp) > 25`:                      `1:20: an hour is a number from 0 to 24 (hour(@timestamp) >= 22)`,
	} {
		_, err := Parse(src)
		var le *Error
		if !errors.As(err, &le) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", src, err, want)
		}
	}
}

func TestHoursAndHolidaysAreOfJapan(t *testing.T) {
	for src, want := range map[string][]string{ // true at 2026-11-23 (Mon, a holiday) 05:59, 2026-11-24 (Tue) 22:00, 2026-11-28 (Sat) 12:30
		`hour(@timestamp) >= 22 or hour(@timestamp) < 6`: {"2026-11-22T20:59:59.999999999Z", "2026-11-24T13:00:00Z"},
		`hour(@timestamp) in [5, 12]`:                    {"2026-11-22T20:59:59.999999999Z", "2026-11-28T03:30:00Z"},
		`12 < hour(@timestamp)`:                          {"2026-11-24T13:00:00Z"},
		`day(@timestamp) == 23`:                          {"2026-11-22T20:59:59.999999999Z"},
		`minute(@timestamp) == 30`:                       {"2026-11-28T03:30:00Z"},
		`week(@timestamp) == 48 and year(@timestamp) == 2026 and month(@timestamp) == 11`: {"2026-11-22T20:59:59.999999999Z", "2026-11-24T13:00:00Z", "2026-11-28T03:30:00Z"},
		`holiday(@timestamp)`: {"2026-11-22T20:59:59.999999999Z", "2026-11-28T03:30:00Z"},
	} {
		x, err := Parse(src)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, at := range []string{"2026-11-22T20:59:59.999999999Z", "2026-11-24T13:00:00Z", "2026-11-28T03:30:00Z"} {
			if x.Compile(nil)(load(t, `{"@timestamp":"`+at+`"}`)) {
				got = append(got, at)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: true at %v, want %v", src, got, want)
		}
	}
}

func TestSearchWords(t *testing.T) {
	e := load(t, `{"event":{"original":"拒否 TCP 10.1.2.3 to evil.example"}}`)
	for src, want := range map[string]bool{
		"": true, "EVIL.example": true, `"tcp 10.1.2.3" 拒否`: true, "拒否　evil": true, "10.1.2.9": false, "a:b-c": false,
	} {
		x, err := ParseSearch(src)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		if got := x.Compile(nil)(e); got != want {
			t.Errorf("%q: got %v", src, got)
		}
	}
	if _, err := ParseSearch(`sorce.ip == "x"`); err == nil {
		t.Error("a mistaken condition was taken for words")
	}
}

func TestContainsFoldAgreesWithLoweringBoth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[aAbBé.ﾊ]{0,30}`).Draw(t, "s")
		w := strings.ToLower(rapid.StringMatching(`[aAbBé.ﾊ]{0,4}`).Draw(t, "w"))
		if got, want := ContainsFold(s, w), strings.Contains(strings.ToLower(s), w); got != want {
			t.Fatalf("%q in %q: %v", w, s, got)
		}
	})
	// A line of the other letter case only: quadratic time would show as minutes.
	if ContainsFold(strings.Repeat("A", 4<<20), "ab") || !ContainsFold(strings.Repeat("A", 4<<20)+"b", "ab") {
		t.Error("a long line of one letter")
	}
}

// TestManyWordsAreAsOneByOne: the pass over many words answers what each alone
// does, for letters that fold in odd ways, too.
func TestManyWordsAreAsOneByOne(t *testing.T) {
	word := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "A", "b", "K", "K", "ſ", "s", "İ", "i", "ı", "外", "ß", "ẞ", "\xff", ".", " "}), 0, 4), func(l []string) string { return strings.Join(l, "") })
	rapid.Check(t, func(t *rapid.T) {
		n := &Test{Op: rapid.SampledFrom([]Op{Contains, StartsWith, EndsWith}).Draw(t, "op"), Fold: rapid.Bool().Draw(t, "fold")}
		var each []func(string) bool
		for _, w := range rapid.SliceOfN(word, manyWords, 2*manyWords).Draw(t, "words") {
			if n.Fold {
				w = strings.ToLower(w)
			}
			v := []event.Value{event.String(w)}
			n.Values = append(n.Values, v...)
			each = append(each, textMatcher(&Test{Op: n.Op, Fold: n.Fold, Values: v}, nil))
		}
		s := word.Draw(t, "text") + word.Draw(t, "more")
		want := slices.ContainsFunc(each, func(one func(string) bool) bool { return one(s) })
		if got := textMatcher(n, nil)(s); got != want {
			t.Fatalf("%q: got %v, want %v", s, got, want)
		}
	})
}
