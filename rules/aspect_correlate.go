package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"mimamori/event"
)

// aspects of a correlation, none of nil.
func (c *Correlate) aspects() []aspect {
	if c == nil {
		return nil
	}
	out := []aspect{{field: "correlate.type", text: c.Type}}
	add := func(field, text string) {
		out = append(out, aspect{field: "correlate." + field, text: text})
	}
	add("fields", fieldNames(c.Fields))
	add("count", c.Count.String())
	if c.Over.Op != "" {
		add("over", c.Over.String())
	}
	for _, n := range []struct {
		field string
		is    float64
	}{{"rank", c.Rank}, {"spike", c.Spike}, {"regular", c.Regular}} {
		if n.is != 0 {
			add(n.field, number(n.is))
		}
	}
	add("by", fieldNames(c.By))
	add("within", spanText(c.Within))
	add("lateness", spanText(c.Lateness))
	if slices.Contains(keysOf[c.Type].may, "learn") {
		add("learn", spanText(c.Learn))
	}
	var names []string
	for i, s := range c.Steps {
		name := strconv.Itoa(i + 1)
		if s.Name != "" && !slices.Contains(names, s.Name) {
			name = s.Name
		}
		names = append(names, name)
	}
	add("steps", strings.Join(names, ", "))
	for i, s := range c.Steps {
		field := "correlate.steps." + names[i]
		out = append(out, conditionOf(field+".when", s.When)...)
		out = append(out, aspect{field: field + ".count", text: strconv.Itoa(s.Count)}, aspect{field: field + ".by", text: fieldNames(s.By)})
	}
	return append(out, conditionOf("correlate.until", c.Until)...)
}

// counts says in one line what is counted; "" of nil.
func (c *Correlate) counts() string {
	var parts []string
	for _, a := range c.aspects() {
		if name := strings.TrimPrefix(a.field, "correlate."); a.text != "" && !strings.Contains(name, ".") {
			parts = append(parts, name+" "+a.text)
		}
	}
	return strings.Join(parts, ", ")
}

func fieldNames(fields []event.Field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name()
	}
	return strings.Join(names, ", ")
}

// spanText writes a time span as a rule file does: 90s, 5m, 14d.
func spanText(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d != 0 && d%unit.of == 0 {
			return strconv.FormatInt(int64(d/unit.of), 10) + unit.name
		}
	}
	return d.String()
}
