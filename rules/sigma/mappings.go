package sigma

import (
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
}

type mappings map[string]entry

// source is a log source, ready for use.
type source struct {
	when   string
	prefix string
	fields map[string][]field
}

func loadMappings() (*mappings, error) {
	m := mappings{}
	if err := yaml.UnmarshalWithOptions(mappingsYAML, &m, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("sigma: mappings.yaml: %w", err)
	}
	return &m, nil
}

func (m mappings) find(l logSource) (*source, error) {
	dash := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	key := dash(l.Product) + "/" + dash(l.Category) + "/" + dash(l.Service)
	e, ok := m[key]
	if !ok {
		return nil, refuse("log source not mapped", "%s", key)
	}
	s := &source{when: e.gate(), prefix: e.Prefix, fields: map[string][]field{}}
	for base := e.Like; base != ""; base = m[base].Like {
		s.prefix = orElse(s.prefix, m[base].Prefix)
		s.add(m[base])
	}
	s.add(e)
	return s, nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (e entry) gate() string {
	list := func(name string, values []string) string {
		q := make([]string, len(values))
		for i, v := range values {
			q[i] = quoted(v)
		}
		if len(q) == 1 {
			return name + " == " + q[0]
		}
		return name + " in [" + strings.Join(q, ", ") + "]"
	}
	switch {
	case len(e.Sysmon) > 0:
		return list("winlog.channel", []string{"Microsoft-Windows-Sysmon/Operational"}) + " && " + list("winlog.event_id", e.Sysmon)
	case len(e.Channel) > 0:
		return list("winlog.channel", e.Channel)
	}
	return e.When
}

func (s *source) add(e entry) {
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
	if f, ok := s.fields[strings.ToLower(name)]; ok {
		return slices.Clone(f), nil
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
