package rules

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestABoundHoldsWhereAllItsComparisonsDo: none says what trying finds, and
// what String writes is read as the same.
func TestABoundHoldsWhereAllItsComparisonsDo(t *testing.T) {
	naive := map[string]func(v, n float64) bool{
		"gte": func(v, n float64) bool { return v >= n }, "gt": func(v, n float64) bool { return v > n },
		"lte": func(v, n float64) bool { return v <= n }, "lt": func(v, n float64) bool { return v < n },
		"eq": func(v, n float64) bool { return v == n }, "neq": func(v, n float64) bool { return v != n },
	}
	rapid.Check(t, func(t *rapid.T) {
		var b *Bound
		given := map[string]float64{}
		for _, op := range rapid.SliceOfNDistinct(rapid.SampledFrom(boundOps), 1, 4, rapid.ID).Draw(t, "ops") {
			given[op] = float64(rapid.IntRange(1, 6).Draw(t, "n"))
		}
		for i := range boundOps {
			op := boundOps[len(boundOps)-1-i]
			if n, ok := given[op]; ok {
				b = &Bound{op, n, b}
			}
		}
		some := false
		for v := -0.5; v <= 8; v += 0.25 {
			all := true
			for op, n := range given {
				all = all && naive[op](v, n)
			}
			some = some || all
			if b.holds(v) != all {
				t.Fatalf("%v of %v: %v", b, v, !all)
			}
		}
		if b.none() == some {
			t.Fatalf("%v holds for none: %v", b, !some)
		}
		r, err := Parse("r.yaml", []byte("id: r\ntitle: {en: r}\nwhen: has(user.name)\ncorrelate: {count: "+b.String()+", within: 1m}\n"))
		switch {
		case some && err != nil:
			t.Fatal(err)
		case !some && (err == nil || !strings.Contains(err.Error(), "r.yaml:4:1: count: no number is so")):
			t.Fatalf("%v: %v", b, err)
		case some && r.Correlate.Count.String() != b.String():
			t.Fatalf("%v came back as %v", b, r.Correlate.Count)
		}
	})
}

func TestMistakesInBoundsAndSteps(t *testing.T) {
	steps := `steps: [{name: a, when: has(user.name)}, {name: b, when: has(host.name)}]`
	for section, want := range map[string]string{
		`{count: {}, within: 1m}`:                                                                           "r.yaml:4:20: count has no comparison",
		`{count: {gte: x}, within: 1m}`:                                                                     "r.yaml:4:26: gte must be a number",
		`{distinct: user.name, count: {gte: 5, lt: 20000}, within: 1m}`:                                     "r.yaml:4:1: count: at most 10000 different values",
		`{type: absence, count: {gte: 5, lt: 20}, within: 1m}`:                                              "count: of type absence is a least number",
		`{sum: destination.port, over: {gt: 2, lt: 2}, within: 1m}`:                                         "over: no number is so",
		`{avg: [destination.port, source.port], over: 2, within: 1m}`:                                       "avg is of one field",
		`{type: temporal, count: 3, within: 1m, ` + steps + `}`:                                             "count: there are not so many steps",
		`{type: temporal, count: {lt: 2}, within: 1m, ` + steps + `}`:                                       "count: of type temporal is a least number",
		`{count: 2, within: 1m, ` + steps + `}`:                                                             "count is not for type sequence",
		`{type: threshold, count: 2, within: 1m, ` + strings.Replace(steps, "name: a", "count: 2", 1) + `}`: "a threshold counts the events of all steps",
	} {
		_, err := Parse("r.yaml", []byte("id: r\ntitle: {en: r}\nwhen: has(user.name)\ncorrelate: "+section+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %s\n%v", section, want, err)
		}
	}
}
