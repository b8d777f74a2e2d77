package console

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"mimamori/event"
	"mimamori/internal/lang"
)

// narrow adds a condition on a field's value to a search: the search becomes
// "what it was, and this". It answers false where no condition can say so:
// dates, prose and long values.
func narrow(search, field, value string, exclude bool) (string, bool) {
	f, ok := event.Lookup(field)
	if !ok || len(value) > 200 || !utf8.ValidString(value) {
		return "", false
	}
	test := condition(f, value)
	if test == "" {
		return "", false
	}
	if exclude {
		test = strings.Replace(test, " == ", " != ", 1)
	}
	if f.Type() == event.Boolean && exclude {
		test = "not (" + condition(f, value) + ")"
	}
	joined := test
	if old := asCondition(search); old != "" {
		joined = old + " && " + test
	}
	if _, err := lang.Parse(joined); err != nil {
		return "", false // the search itself is mistaken
	}
	return joined, true
}

func condition(f event.Field, value string) string {
	switch f.Type() {
	case event.Date, event.Text:
		return ""
	case event.Long, event.Double:
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			return ""
		}
		return f.Name() + " == " + value
	case event.Boolean:
		if value != "true" && value != "false" {
			return ""
		}
		return f.Name() + " == " + value
	}
	return f.Name() + " == " + strconv.Quote(value)
}

// asCondition writes a search as a condition that others can be joined to by
// &&: bare words become text("…"), alternatives get parentheses.
func asCondition(search string) string {
	e, err := lang.ParseSearch(search)
	if err != nil || strings.TrimSpace(search) == "" {
		return strings.TrimSpace(search)
	}
	words, ok := []lang.Node{e.Root}, true
	if and, isAnd := e.Root.(lang.And); isAnd {
		words = and
	}
	var texts []string
	for _, n := range words {
		w, isWord := n.(lang.Words)
		if ok = ok && isWord; ok {
			texts = append(texts, "text("+strconv.Quote(w.Text)+")")
		}
	}
	if ok {
		return strings.Join(texts, " && ")
	}
	if _, isOr := e.Root.(lang.Or); isOr {
		return "(" + e.Source + ")"
	}
	return strings.TrimSpace(e.Source)
}
