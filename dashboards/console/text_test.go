package console

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mimamori/internal/lang"
)

// Keys that are put together at run time begin with one of these.
func runtimeKeys() []string {
	return []string{"severity.", "level.", "state.", "role.", "resolution.", "action.", "range.", "field.", "error.", "history.", "users.", "done.", "auth.", "mistake.", "subject.", "erasure."}
}

func TestEveryTextIsThereInBothLanguages(t *testing.T) {
	texts := must(loadTexts())
	used := map[string]bool{}
	for _, pattern := range []string{"*.go", "*.templ"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) < 5 {
			t.Fatalf("%v, %v", files, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_templ.go") {
				continue
			}
			source := string(must(os.ReadFile(file)))
			for _, m := range regexp.MustCompile(`"([a-z@]+(?:\.[a-z0-9_@-]+)*)"`).FindAllStringSubmatch(source, -1) {
				used[m[1]] = true
			}
			for _, m := range regexp.MustCompile(`T\("([^"]+)"[,)]`).FindAllStringSubmatch(source, -1) {
				if _, ok := texts[m[1]]; !ok {
					t.Errorf("%s uses %q, which messages.tsv lacks", file, m[1])
				}
			}
		}
	}
	holes := regexp.MustCompile(`\{\d`)
	for key, m := range texts {
		runtime := slices.ContainsFunc(runtimeKeys(), func(p string) bool { return strings.HasPrefix(key, p) })
		if !used[key] && !runtime {
			t.Errorf("nobody uses %s", key)
		}
		ja, en := holes.FindAllString(m.ja, -1), holes.FindAllString(m.en, -1)
		slices.Sort(ja)
		slices.Sort(en)
		if !slices.Equal(slices.Compact(ja), slices.Compact(en)) && !strings.HasPrefix(key, "list.") {
			t.Errorf("%s: the languages take different arguments: %q, %q", key, m.ja, m.en)
		}
		if regexp.MustCompile(`[\x{3040}-\x{30ff}\x{4e00}-\x{9fff}]`).MatchString(m.en) {
			t.Errorf("%s: the English has Japanese in it: %q", key, m.en)
		}
	}
	for _, pe := range []string{"notfound", "slow", "toolong", "invalid", "internal", "crossorigin", "link"} {
		for _, part := range []string{"what", "why", "now"} {
			if _, ok := texts["error."+pe+"."+part]; !ok {
				t.Errorf("error.%s.%s is missing", pe, part)
			}
		}
	}
}

func TestTextsTakeArguments(t *testing.T) {
	for _, c := range []struct {
		text string
		args []any
		want string
	}{
		{"{0} {0:alert|alerts}", []any{1}, "1 alert"},
		{"{0} {0:alert|alerts}", []any{"2"}, "2 alerts"},
		{"{1}の{0}", []any{"b", "a"}, "aのb"},
		{"{0}", []any{"{0}"}, "{0}"},
		{"{5}x", nil, "x"},
		{"no hole }{", nil, "no hole }{"},
	} {
		if got := fill(c.text, c.args); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func TestNumbersAndTimesReadWell(t *testing.T) {
	v := &view{Lang: japanese, texts: must(loadTexts())}
	for in, want := range map[any]string{0: "0", 999: "999", 1000: "1,000", int64(-1234567): "-1,234,567", -123: "-123", uint64(33465203): "33,465,203", 0.25: "0.3", 812.4: "812", 0.0: "0"} {
		if got := v.Num(in); got != want {
			t.Errorf("%v: got %s, want %s", in, got, want)
		}
	}
}

// TestMistakesInConditionsAreToldInJapanese makes each kind of mistake.
func TestMistakesInConditionsAreToldInJapanese(t *testing.T) {
	v := &view{Lang: japanese, texts: must(loadTexts())}
	for _, text := range []string{
		`user.name == "a" &&`, `sorce.ip == "x"`, `foo(source.ip)`, `has(a, b)`, `text(1)`, `contains(source.port, "1")`, `user.name matches "("`,
		`inCIDR(source.ip, "10.0.0.0/99")`, `source.port + 1`, `source.port < source.ip`, `source.port < nil`, `user.name < "a"`, `user.name in user.id`,
		`user.name in [user.id]`, `source.port == "x"`, `len(user.name) > 3`, `[1]`, `user.name`, strings.Repeat(" ", lang.MaxSource) + "true",
	} {
		_, err := lang.Parse(text)
		var e *lang.Error
		if !errors.As(err, &e) {
			t.Errorf("%.60s: %v", text, err)
			continue
		}
		if told := v.mistake(e); e.Code == "" || told == e.Msg || strings.Contains(told, "{") {
			t.Errorf("%.60s: code %q is told as %q", text, e.Code, told)
		}
	}
}
