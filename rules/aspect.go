package rules

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/internal/lang"
)

// aspect is one thing that a rule says: a text, items in no order, or a
// condition. exact tells apart what text and items leave out; note says so.
type aspect struct {
	field, text string
	items       []string
	cond        *shape
	exact, note string
}

// aspects are all that a rule says, in the order of a rule file. What is not
// there is left out.
func (r *Rule) aspects() []aspect {
	datasets := r.Datasets
	if len(datasets) == 0 {
		datasets = []string{"any"}
	}
	out := []aspect{
		{field: "title.ja", text: r.Title.JA},
		{field: "title.en", text: r.Title.EN},
		{field: "severity", text: r.Severity.String()},
		{field: "status", text: string(r.Status)},
		{field: "owner", text: r.Owner},
		{field: "attack", items: r.Attack},
		{field: "source.dataset", items: datasets},
	}
	out = append(out, conditionOf("when", r.When)...)
	out = append(out, r.Correlate.aspects()...)
	if s := r.Suppress; s != nil {
		out = append(out, aspect{field: "suppress.by", text: fieldNames(s.By)}, aspect{field: "suppress.for", text: spanText(s.For)})
	}
	out = append(out, aspect{field: "explain.ja", text: r.Explain.JA}, aspect{field: "explain.en", text: r.Explain.EN})
	out = append(out, inOrder("respond", r.Respond)...)
	out = append(out, aspect{field: "references", items: r.References})
	out = append(out, inOrder("falsepositives", r.FalsePos)...)
	allow := aspect{field: "allow"}
	for _, a := range r.Allow {
		allow.items = append(allow.items, a.text())
	}
	out = append(out, allow)
	for _, code := range slices.Sorted(maps.Keys(r.Towns)) {
		out = append(out, aspect{field: "municipalities." + code, text: r.Towns[code].local()})
	}
	return append(out, testsOf(r.Tests))
}

func conditionOf(field string, e *lang.Expr) []aspect {
	if e == nil {
		return nil
	}
	s := shapeOf(e.Root)
	return []aspect{{field: field, cond: &s}}
}

// inOrder is of sentences whose order counts.
func inOrder(field string, s event.Steps) []aspect {
	return []aspect{
		{field: field + ".ja", items: s.JA, text: counted(len(s.JA), "sentences"), exact: strings.Join(s.JA, "\n"), note: "in another order"},
		{field: field + ".en", items: s.EN, text: counted(len(s.EN), "sentences"), exact: strings.Join(s.EN, "\n"), note: "in another order"},
	}
}

func testsOf(list []Case) aspect {
	a := aspect{field: "tests", text: counted(len(list), "tests"), note: "others"}
	for _, c := range list {
		a.exact += fmt.Sprintln(c.Name, c.Alerts, c.Events, c.Lists)
	}
	return a
}

func written(e *lang.Expr) string {
	if e == nil {
		return ""
	}
	return shapeOf(e.Root).text
}

func counted(n int, what string) string { return strconv.Itoa(n) + " " + what }

func (a Allow) text() string {
	text := "when: " + written(a.When) + "; owner: " + a.Owner + "; reason: " + a.Reason
	if a.Municipality != "" {
		text += "; municipality: " + a.Municipality
	}
	if a.Expires.IsZero() {
		return text
	}
	return text + "; expires: " + a.Expires.In(calendar.JST()).AddDate(0, 0, -1).Format(time.DateOnly)
}
