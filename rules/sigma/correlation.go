package sigma

import (
	"cmp"
	"regexp"
	"slices"

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
