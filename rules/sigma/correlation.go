package sigma

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// correlation is a Sigma document's section of that name.
type correlation struct {
	Type      string                       `yaml:"type"`
	Rules     any                          `yaml:"rules"`
	Aliases   map[string]map[string]string `yaml:"aliases"`
	GroupBy   any                          `yaml:"group-by"`
	Timespan  string                       `yaml:"timespan"`
	Condition yaml.MapSlice                `yaml:"condition"`
	Generate  bool                         `yaml:"generate"`
}

// claim marks the rules of a correlation that are only its parts: they are no
// findings of their own unless it asks to generate them.
func (c *converter) claim(d *document) {
	if d.rule.generates() {
		return
	}
	for _, name := range texts(d.rule.Correlation.Rules) {
		if part := c.named[name]; part != nil && part != d {
			part.part = cmp.Or(d.rule.Title, d.rule.ID)
		}
	}
}

// generates: the specification has the key beside correlation, its users also
// inside.
func (r *rule) generates() bool {
	return r.Correlation.Generate || r.Generate != nil && *r.Generate
}

// step is one rule of a correlation.
type step struct {
	name  string
	cond  node
	by    []string // fields of the group key, in the order of group-by
	count int      // of events
	src   *source
}

// correlate writes the rule file of a correlation.
func (c *converter) correlate(w *writer) (string, error) {
	d := w.d
	k := d.rule.Correlation
	steps, missing, err := c.steps(d)
	if err != nil {
		return "", err
	}
	x := &correlated{within: k.Timespan, by: steps[0].by}
	if !timespan.MatchString(k.Timespan) {
		return "", refuse("correlation", "timespan: %q is no time span: 30s, 5m, 1h, 1d", k.Timespan)
	}
	cond, err := readCondition(k.Condition)
	if err != nil {
		return "", err
	}
	switch k.Type {
	case "temporal", "temporal_ordered":
		err = x.temporal(k.Type, steps, cond)
	case "event_count", "value_count", "value_sum", "value_avg", "value_percentile":
		err = x.aggregate(k.Type, steps, cond)
	default:
		err = refuse("correlation", "%q is no type of correlation", k.Type)
	}
	if err != nil {
		return "", err
	}
	var lists []string
	for _, s := range steps {
		lists = append(lists, listsOf(s.cond)...)
	}
	switch {
	case len(missing) > 0:
		w.draft = &refusal{"rule not found", "it correlates " + joinWords(missing) + ", which this import has not"}
	case d.part != "":
		w.draft = &refusal{"part of a correlation", "it is a part of " + d.part + ", which does not ask to generate it"}
	case len(lists) > 0:
		w.draft = &refusal{"placeholder", "it asks the lists " + joinWords(lists) + ": fill them first"}
	}
	if w.draft != nil {
		c.drafts[d] = w.draft
	}
	return w.correlation(x), nil
}

var timespan = regexp.MustCompile(`^[1-9][0-9]*[smhd]$`)

// correlated is a correlation in our words.
type correlated struct {
	kind   string   // of our language, "" where its keys say it
	keys   []string // lines of the section: "count: 10"
	when   node     // of one condition
	steps  []step   // or several
	by     []string
	within string
}

// steps reads the rules of a correlation. Those that are nowhere are told; they
// match nothing.
func (c *converter) steps(d *document) (steps []step, missing []string, err error) {
	k := d.rule.Correlation
	names := texts(k.Rules)
	if len(names) == 0 {
		return nil, nil, refuse("correlation", "it names no rules")
	}
	for _, name := range names {
		part := c.named[name]
		s := step{name: name, count: 1, cond: raw("false"), src: c.m.source(nowhere, d.rule.Taxonomy)}
		if part == nil {
			missing = append(missing, name)
		} else if err := c.step(&s, part, d); err != nil {
			return nil, nil, err
		}
		if s.by, err = s.group(k, name); err != nil {
			return nil, nil, err
		}
		steps = append(steps, s)
	}
	return steps, missing, nil
}

// step takes a rule as a step. A count of events is a step that asks for so
// many.
func (c *converter) step(s *step, part, outer *document) error {
	r := &part.rule
	if part.err != nil {
		return refuse("correlation", "its rule %s: %v", s.name, part.err)
	}
	s.name = cmp.Or(r.Name, r.Title, r.ID)
	if inner := r.Correlation; inner != nil {
		return c.chain(s, inner, outer)
	}
	b, err := c.detect(part)
	if err != nil {
		return refuse("correlation", "its rule %s: %v", s.name, err)
	}
	s.cond, s.src = b.cond, b.src
	return nil
}

// chain takes a correlation as a step of another.
func (c *converter) chain(s *step, inner *correlation, outer *document) error {
	names := texts(inner.Rules)
	k := outer.rule.Correlation
	cond, err := readCondition(inner.Condition)
	switch {
	case err != nil:
		return err
	case inner.Type != "event_count" || k.Type != "temporal" && k.Type != "temporal_ordered" || len(names) != 1:
		return refuse("chained correlation", "%s: only a count of one rule's events can be a step, and only of a temporal correlation", s.name)
	case !slices.Equal(texts(inner.GroupBy), texts(k.GroupBy)):
		return refuse("chained correlation", "%s groups by other fields than the correlation that uses it", s.name)
	}
	part := c.named[names[0]]
	if part == nil || part.rule.Correlation != nil {
		return refuse("chained correlation", "%s counts %s, which is no rule of this import", s.name, names[0])
	}
	if s.count = cond.least(); s.count == 0 {
		return refuse("chained correlation", "%s: only at least so many events can be a step", s.name)
	}
	b, err := c.detect(part)
	if err != nil {
		return refuse("correlation", "its rule %s: %v", names[0], err)
	}
	s.cond, s.src = b.cond, b.src
	return nil
}

// group finds the fields of the group key in the events of one step. Two towns
// never share a group.
func (s *step) group(k *correlation, name string) ([]string, error) {
	by := []string{"municipality"}
	for _, f := range texts(k.GroupBy) {
		if alias, ok := k.Aliases[f]; ok {
			if f, ok = alias[name]; !ok {
				if f, ok = alias[s.name]; !ok {
					return nil, refuse("correlation", "the alias says nothing of %s", name)
				}
			}
		}
		one, err := s.src.one(f)
		if err != nil {
			return nil, err
		}
		by = append(by, one.name)
	}
	return by, nil
}

// bound is one comparison of a correlation's condition.
type bound struct{ op, number string }

// criterion is a correlation's condition.
type criterion struct {
	bounds     []bound
	fields     []string
	percentile string
}

func readCondition(items yaml.MapSlice) (criterion, error) {
	var c criterion
	for _, it := range items {
		key := fmt.Sprint(it.Key)
		switch key {
		case "field":
			c.fields = texts(it.Value)
		case "percentile":
			c.percentile = fmt.Sprint(it.Value)
		case "gt", "gte", "lt", "lte", "eq", "neq":
			s, ok := scalar(it.Value)
			if _, err := strconv.ParseFloat(s, 64); !ok || err != nil {
				return c, refuse("correlation", "condition: %s: %v is no number", key, it.Value)
			}
			c.bounds = append(c.bounds, bound{key, s})
		default:
			return c, refuse("correlation", "condition: %q is not known", key)
		}
	}
	return c, nil
}

// least is n where the condition is at least n, else 0.
func (c criterion) least() int {
	if len(c.bounds) != 1 {
		return 0
	}
	n, err := strconv.Atoi(c.bounds[0].number)
	switch {
	case err == nil && c.bounds[0].op == "gte" && n > 0:
		return n
	case err == nil && c.bounds[0].op == "gt" && n >= 0:
		return n + 1
	}
	return 0
}

// count writes the condition for our key count.
func (c criterion) count() string {
	if n := c.least(); n > 0 {
		return strconv.Itoa(n)
	}
	return c.pairs()
}

// over writes the condition for our key over.
func (c criterion) over() string {
	if len(c.bounds) == 1 && c.bounds[0].op == "gte" {
		return c.bounds[0].number
	}
	return c.pairs()
}

func (c criterion) pairs() string {
	parts := make([]string, len(c.bounds))
	for i, b := range c.bounds {
		parts[i] = b.op + ": " + b.number
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// temporal: all the rules match, in any order or in theirs.
func (x *correlated) temporal(kind string, steps []step, c criterion) error {
	all := c.least() == len(steps) || len(c.bounds) == 1 && c.bounds[0] == bound{"eq", strconv.Itoa(len(steps))}
	if len(c.bounds) > 0 && !all || len(c.fields) > 0 {
		return refuse("correlation", "a %s correlation of only some of its rules", kind)
	}
	if len(steps) < 2 {
		return refuse("correlation", "a %s correlation needs two rules or more", kind)
	}
	if kind == "temporal" {
		x.kind = kind
	}
	x.steps = steps
	return nil
}

// aggregate: the events of all rules together are counted, or a field of them.
func (x *correlated) aggregate(kind string, steps []step, c criterion) error {
	if len(c.bounds) == 0 {
		return refuse("correlation", "a %s correlation needs a condition", kind)
	}
	if kind != "event_count" && len(c.fields) == 0 {
		return refuse("correlation", "a %s correlation needs a field", kind)
	}
	var anyOf or
	var fields []string
	for i, s := range steps {
		if !slices.Equal(s.by, x.by) {
			return refuse("correlation", "its rules call the fields of group-by differently: %s, %s", strings.Join(x.by, ", "), strings.Join(s.by, ", "))
		}
		var here []string
		for _, name := range c.fields {
			f, err := s.src.one(name)
			if err != nil {
				return err
			}
			here = append(here, f.name)
		}
		if i > 0 && !slices.Equal(here, fields) {
			return refuse("correlation", "its rules call the field %s differently", strings.Join(c.fields, ", "))
		}
		fields = here
		anyOf = append(anyOf, s.cond)
	}
	x.when = simplify(anyOf)
	field := strings.Join(fields, ", ")
	if len(fields) > 1 {
		field = "[" + field + "]"
	}
	switch kind {
	case "event_count":
		x.keys = []string{"count: " + c.count()}
	case "value_count":
		x.keys = []string{"distinct: " + field, "count: " + c.count()}
	case "value_sum":
		x.keys = []string{"sum: " + field, "over: " + c.over()}
	case "value_avg":
		x.keys = []string{"avg: " + field, "over: " + c.over()}
	case "value_percentile":
		x.keys = []string{"percentile: " + field, "rank: " + cmp.Or(c.percentile, "50"), "over: " + c.over()}
	}
	return nil
}
