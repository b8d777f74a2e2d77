package sigma

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"mimamori/rules"
)

// Report says what an import did.
type Report struct {
	Total    int            `json:"total"` // documents seen: rules, correlations, filters
	Imported int            `json:"imported"`
	Refused  int            `json:"refused"`
	Reasons  map[string]int `json:"reasons"`  // refused, by kind of reason
	Refusals []Refusal      `json:"refusals"` // each of them

	Drafts  []Refusal `json:"drafts"`  // imported, but they don't run: why
	Filters []Filter  `json:"filters"` // and how many rules each applies to
	Tests   Tests     `json:"tests"`

	Update
}

// Refusal is one rule that was not imported, or not to run.
type Refusal struct {
	File   string `json:"file"`
	ID     string `json:"id"`
	Title  string `json:"title"`
	Kind   string `json:"kind"` // one of the keys of Report.Reasons
	Detail string `json:"detail"`
}

// Filter is a filter of the specification, and to how many rules it was added.
type Filter struct {
	File  string `json:"file"`
	Title string `json:"title"`
	Rules int    `json:"rules"`
}

// Options of an import. The zero value is valid.
type Options struct {
	Regression fs.FS // tests.jsonl.gz and events.jsonl.gz, from which the rules' tests are made; may be nil
	DryRun     bool  // say what would change, write nothing
}

// refusal is why a rule cannot be expressed.
type refusal struct{ kind, detail string }

// Error joins kind and detail.
func (r *refusal) Error() string { return r.kind + ": " + r.detail }

func refuse(kind, format string, args ...any) error {
	return &refusal{kind, fmt.Sprintf(format, args...)}
}

// Import converts every rule below src and brings the folder out, which is made
// if need be, up to date: one <id>.yaml a rule. Files there that no import
// wrote or that somebody edited since, and the folder overrides, are never
// touched. The error is about reading or writing; a rule that can't be
// expressed is in the report.
func Import(src fs.FS, out string, o Options) (Report, error) {
	rep := Report{Reasons: map[string]int{}, Refusals: []Refusal{}, Drafts: []Refusal{}, Filters: []Filter{}, Update: Update{Added: []string{}, Changed: []string{}, Removed: []string{}, Kept: []Kept{}, Changes: map[string][]rules.Difference{}, Problems: []string{}}}
	m, err := loadMappings()
	if err != nil {
		return rep, err
	}
	docs, err := readAll(src)
	if err != nil {
		return rep, fmt.Errorf("sigma: %w", err)
	}
	files := map[string]string{}
	c := newConverter(m, docs)
	for _, d := range docs {
		rep.Total++
		text, err := c.file(d)
		if err != nil {
			rep.refuse(d, err)
			continue
		}
		rep.Imported++
		if d.rule.Filter != nil {
			rep.Filters = append(rep.Filters, Filter{d.path, d.rule.Title, c.filtered[d]})
			continue
		}
		files[d.id] = text
		if why := c.drafts[d]; why != nil {
			rep.Drafts = append(rep.Drafts, Refusal{d.path, d.id, d.rule.Title, why.kind, why.detail})
		}
	}
	if o.Regression != nil {
		if rep.Tests, err = addTests(o.Regression, files); err != nil {
			return rep, err
		}
	}
	return rep, rep.update(out, files, o.DryRun)
}

func (rep *Report) refuse(d *document, err error) {
	x := &refusal{kind: "not expressible", detail: err.Error()}
	errors.As(err, &x)
	rep.Refused++
	rep.Reasons[x.kind]++
	rep.Refusals = append(rep.Refusals, Refusal{d.path, d.rule.ID, d.rule.Title, x.kind, x.detail})
}

// converter turns documents into rule files.
type converter struct {
	m        *mappings
	named    map[string]*document   // by id and by name
	taken    map[string][]*document // by id, those with a rule file
	filtered map[*document]int      // how many rules a filter applies to
	drafts   map[*document]*refusal
}

func newConverter(m *mappings, docs []*document) *converter {
	c := &converter{m: m, named: map[string]*document{}, taken: map[string][]*document{}, filtered: map[*document]int{}, drafts: map[*document]*refusal{}}
	for _, d := range docs {
		if d.err != nil || d.rule.Filter != nil {
			continue
		}
		for _, key := range []string{d.rule.ID, d.rule.Name} {
			if key != "" && c.named[key] == nil {
				c.named[key] = d
			}
		}
	}
	for _, d := range docs {
		if d.err == nil && d.rule.Correlation != nil {
			c.claim(d)
		}
		if d.err == nil && d.rule.Filter != nil {
			d.err = c.spread(d, docs)
		}
	}
	return c
}

// file writes the rule file of a document; of a filter, nothing.
func (c *converter) file(d *document) (string, error) {
	r := &d.rule
	switch {
	case d.err != nil:
		return "", d.err
	case r.Filter != nil:
		return "", nil
	case !slices.Contains([]string{"", "stable", "test", "experimental", "deprecated"}, r.Status):
		return "", refuse("status "+r.Status, "its authors do not support it")
	}
	if err := c.identify(d); err != nil {
		return "", err
	}
	text, err := c.text(d)
	if err != nil {
		return "", err
	}
	if _, err := rules.Parse(d.id+".yaml", []byte(text)); err != nil {
		return "", refuse("not expressible", "%v", err)
	}
	base := ruleID(&d.rule)
	c.taken[base] = append(c.taken[base], d)
	return text, nil
}

// identify gives the document its id. Of several with one id, those that say
// something else than the first get one of their own.
func (c *converter) identify(d *document) error {
	base := ruleID(&d.rule)
	d.id = base
	for i, other := range c.taken[base] {
		if same(other, d) {
			return refuse("duplicate id", "%s has the same id and says the same", other.path)
		}
		d.id = fmt.Sprintf("%.70s-%d", base, i+2)
	}
	return nil
}

func same(a, b *document) bool {
	x, y := &a.rule, &b.rule
	return x.LogSource == y.LogSource && fmt.Sprint(x.Detection) == fmt.Sprint(y.Detection) && fmt.Sprint(x.Correlation) == fmt.Sprint(y.Correlation)
}

func (c *converter) text(d *document) (string, error) {
	w := &writer{d: d}
	if d.rule.Correlation != nil {
		return c.correlate(w)
	}
	b, err := c.detect(d)
	if err != nil {
		return "", err
	}
	w.filters = d.filters
	switch {
	case d.part != "":
		w.draft = &refusal{"part of a correlation", "it is a part of " + d.part + ", which does not ask to generate it"}
	case len(b.lists) > 0:
		w.draft = &refusal{"placeholder", "it asks the lists " + joinWords(b.lists) + ": fill them first"}
	}
	if w.draft != nil {
		c.drafts[d] = w.draft
	}
	return w.single(b), nil
}

// detected is a rule's condition, with that of its log source and filters.
type detected struct {
	src   *source
	cond  node
	lists []string // named lists that it asks
}

func (c *converter) detect(d *document) (*detected, error) {
	r := &d.rule
	src, err := c.m.find(r.LogSource, r.Taxonomy)
	if err != nil {
		return nil, err
	}
	det, err := newDetection(src, r.Detection, false)
	if err != nil {
		return nil, err
	}
	cond, err := det.condition()
	if err != nil {
		return nil, err
	}
	all := and{cond}
	if src.when != "" {
		all = and{raw(src.when), cond}
	}
	for _, f := range d.filters {
		n, err := filterNode(src, f)
		if err != nil {
			return nil, refuse("filter", "%s: %v", f.path, err)
		}
		all = append(all, n)
	}
	n := simplify(all)
	return &detected{src, n, listsOf(n)}, nil
}
