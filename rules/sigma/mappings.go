package sigma

import (
	"cmp"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"mimamori/event"
)

//go:embed mappings.yaml
var mappingsYAML []byte

// entry is one log source as mappings.yaml writes it.
type entry struct {
	Like    string                                  `yaml:"like"`
	When    string                                  `yaml:"when"`
	Sysmon  []string                                `yaml:"sysmon"`
	Channel []string                                `yaml:"channel"`
	Fields  map[string]any                          `yaml:"fields"`
	Values  map[string]map[string]map[string]string `yaml:"values"`
	Prefix  string                                  `yaml:"prefix"`

	By       map[string]string `yaml:"by"`
	Suppress []string          `yaml:"suppress"`
}

type mappings map[string]entry

// source is a log source, ready for use.
type source struct {
	when   string
	prefix string
	fields map[string][]field

	by       map[string]string // Sigma field -> the one to group by, where fields has several
	suppress []string          // fields that tell whose events are one alert
	ecs      bool              // the rule's fields are called as ours
}

func loadMappings() (*mappings, error) {
	m := mappings{}
	if err := yaml.UnmarshalWithOptions(mappingsYAML, &m, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("sigma: mappings.yaml: %w", err)
	}
	return &m, nil
}

// nowhere is the entry for rules of which only the name is known.
const nowhere = "-/-/-"

// find returns the log source of a rule.
func (m mappings) find(l logSource, taxonomy string) (*source, error) {
	switch taxonomy {
	case "", "sigma", "ecs":
	default:
		return nil, refuse("taxonomy", "%q is neither sigma nor ecs", taxonomy)
	}
	if _, ok := m[l.key()]; !ok || l.key() == nowhere {
		return nil, refuse("log source not mapped", "%s", l.key())
	}
	return m.source(l.key(), taxonomy), nil
}

// source puts an entry over those that it is like.
func (m mappings) source(key, taxonomy string) *source {
	s := &source{when: m[key].gate(), ecs: taxonomy == "ecs", fields: map[string][]field{}, by: map[string]string{}, suppress: []string{"host.name", "user.name"}}
	chain := []entry{m[key]}
	for base := m[key].Like; base != ""; base = m[base].Like {
		chain = append(chain, m[base])
	}
	for _, e := range slices.Backward(chain) {
		s.prefix = cmp.Or(e.Prefix, s.prefix)
		s.add(e)
	}
	return s
}

func (e entry) gate() string {
	switch {
	case len(e.Sysmon) > 0:
		return string(call("iequals", "winlog.channel", []string{"Microsoft-Windows-Sysmon/Operational"})) + " && " + among("winlog.event_id", e.Sysmon)
	case len(e.Channel) > 0:
		return string(call("iequals", "winlog.channel", e.Channel))
	}
	return e.When
}

// among writes that a field is one of some values.
func among(name string, values []string) string {
	q := make([]string, len(values))
	for i, v := range values {
		q[i] = quoted(v)
	}
	if len(q) == 1 {
		return name + " == " + q[0]
	}
	return name + " in [" + strings.Join(q, ", ") + "]"
}

func (s *source) add(e entry) {
	for name, to := range e.By {
		s.by[strings.ToLower(name)] = to
	}
	if len(e.Suppress) > 0 {
		s.suppress = e.Suppress
	}
	for name, to := range e.Fields {
		var out []field
		switch to := to.(type) {
		case string:
			out = []field{{name: to}}
		case []any:
			for _, t := range to {
				out = append(out, field{name: fmt.Sprint(t)})
			}
		}
		for i := range out {
			out[i].values = e.Values[name][out[i].name]
		}
		s.fields[strings.ToLower(name)] = out
	}
}

var blank = regexp.MustCompile(`\s+`)

// field finds the names of a Sigma field; none when it is not mapped.
func (s *source) field(name string) ([]field, error) {
	if f, ok := s.fields[strings.ToLower(name)]; ok && !s.ecs {
		return slices.Clone(f), nil
	}
	if _, ok := event.Lookup(name); ok && s.ecs {
		return []field{{name: name}}, nil
	}
	if s.prefix == "" {
		return nil, refuse("field not mapped", "%s", name)
	}
	full := s.prefix + blank.ReplaceAllString(name, "")
	if _, ok := event.Intern(full); !ok {
		return nil, refuse("field not mapped", "%s is no field name", full)
	}
	return []field{{name: full}}, nil
}

// one finds the one field to group by, or to count.
func (s *source) one(name string) (field, error) {
	if to, ok := s.by[strings.ToLower(name)]; ok && !s.ecs {
		return field{name: to}, nil
	}
	all, err := s.field(name)
	if err == nil && len(all) > 1 {
		err = refuse("field of several names", "%s: %s and others", name, all[0].name)
	}
	if err != nil {
		return field{}, err
	}
	return all[0], nil
}
