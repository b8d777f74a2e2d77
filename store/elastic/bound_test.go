package elastic

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/lang"
)

// A test of a whole number with a fraction becomes a range of whole numbers.
func TestRangesOfWholeNumbersMeanTheSame(t *testing.T) {
	f := event.MustLookup("source.port")
	near := rapid.OneOf(rapid.SampledFrom([]int64{0, 1, -1, 1 << 53, 1<<53 + 1, -1 << 53, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1}), rapid.Int64())
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.OneOf(rapid.SampledFrom([]float64{0, 0.5, -0.5, 1 << 53, 1 << 63, -1 << 63, 1e300, -1e300}), rapid.Map(near, func(n int64) float64 { return float64(n) }), rapid.Float64()).Draw(t, "x")
		n := near.Draw(t, "n")
		op := rapid.SampledFrom([]lang.Op{lang.Eq, lang.Lt, lang.Le, lang.Gt, lang.Ge}).Draw(t, "op")
		test := &lang.Test{Field: f, Op: op, Values: []event.Value{event.Float(x)}}
		want := (&lang.Expr{Root: test}).Compile(nil)(&one{f, event.Int(n)})
		got := holds(longTest("n", op, test.Values[0]).most, n)
		if got != want {
			t.Fatalf("%d against %v: %v, want %v (%v)", n, x, got, want, longTest("n", op, test.Values[0]).most)
		}
	})
}

// holds evaluates a range of one field.
func holds(q body, n int64) bool {
	r, ok := q["range"].(body)
	if !ok {
		return q["match_all"] != nil
	}
	is := true
	for k, v := range r["n"].(body) {
		is = is && map[string]bool{"lt": n < v.(int64), "lte": n <= v.(int64), "gt": n > v.(int64), "gte": n >= v.(int64)}[k]
	}
	return is
}

// Every spelling that lang takes for a letter is in the pattern of it.
func TestSpellings(t *testing.T) {
	lower := map[rune][]rune{}
	for r := range rune(unicode.MaxRune) {
		if l := unicode.ToLower(r); l != r {
			lower[l] = append(lower[l], r)
		}
	}
	for l, want := range lower {
		if unicode.ToLower(l) != l {
			continue
		}
		got := lowered(l)[1:]
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%c: %q, want %q", l, string(got), string(want))
		}
	}
}

// Our patterns are of the part of Lucene's language that Go's has too.
func TestPatternsMeanWhatTheOperationsMean(t *testing.T) {
	texts := rapid.StringOfN(rapid.SampledFrom([]rune(`aAbkKK.*?\[]{}()|"#@&<>~-^$日ſ `)), 0, 6, -1)
	f := event.MustLookup("user.name")
	rapid.Check(t, func(t *rapid.T) {
		op := rapid.SampledFrom([]lang.Op{lang.Contains, lang.StartsWith, lang.EndsWith, lang.Like, lang.Eq}).Draw(t, "op")
		fold, word, text := rapid.Bool().Draw(t, "fold"), texts.Draw(t, "word"), texts.Draw(t, "text")
		if fold {
			word = strings.ToLower(word)
		}
		pattern, complete := shape(op, word, fold)
		got := regexp.MustCompile(`(?s)\A(?:` + pattern + `)\z`).MatchString(text)
		want := (&lang.Expr{Root: &lang.Test{Field: f, Op: op, Fold: fold, Values: []event.Value{event.String(word)}}}).Compile(nil)(&one{f, event.String(text)})
		if want && !got || complete && want != got {
			t.Fatalf("%q in %q: %v, want %v: %s", word, text, got, want, pattern)
		}
	})
}

func TestPiecesOfAText(t *testing.T) {
	for text, want := range map[string]struct {
		pieces string
		whole  bool
	}{
		"rewal": {"rewal", true}, "10.1.2.3": {"10.1.2.3", true}, "a.b": {"a b", false}, "a=b": {"a b", false}, "日": {"(日)", true}, "日本": {"(日本)", false},
		"ファイル": {"ファイル", true}, "日本ファイル1": {"(日本) ファイル 1", false}, "": {"", false}, "々": {"", false}, ".5": {"5", false}, "ä": {"", false},
	} {
		var parts []string
		list, whole := pieces(text)
		for _, p := range list {
			if p.phrase {
				p.text = "(" + p.text + ")"
			}
			parts = append(parts, p.text)
		}
		if got := strings.Join(parts, " "); got != want.pieces || whole != want.whole {
			t.Errorf("%q: %q %v", text, got, whole)
		}
	}
}
