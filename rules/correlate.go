package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/internal/lang"
)

// Correlate says which events together are a finding. All spans are of event
// time, and all counts of one group key.
type Correlate struct {
	Type     string        // one of kinds
	Fields   []event.Field // whose values are counted, added up, ranked or new
	Count    Bound         // of events, of different values, of events in a span that is a spike, of steps (temporal)
	Over     Bound         // sum, avg, percentile: what is compared
	Rank     float64       // percentile: 0 < Rank <= 100, nearest rank
	Spike    float64       // spike: so many times what is usual
	Regular  float64       // regular: how far gaps may be from their mean, in the mean, as a share of it
	By       []event.Field // group key
	Within   time.Duration
	Lateness time.Duration // how late an event may reach the prefecture and still be counted in its order
	Learn    time.Duration // new, spike: how long a group is only watched
	Steps    []Step        // sequence, in order; temporal, in any; threshold, events of any
	Until    *lang.Expr    // sequence: begins anew with such an event
}

// Step is one step of a sequence: Count events that match When.
type Step struct {
	Name  string
	When  *lang.Expr
	Count int
	By    []event.Field // where this step has other names for the group key
}

// defaultLateness is more than a line takes from a device to the rules while
// its collector has a line.
const defaultLateness = 30 * time.Second

// The bounds of what a rule may ask for: each group keeps as much.
const (
	maxCount    = 100_000
	maxDistinct = 10_000
	maxUnits    = 1000
	maxLateness = time.Hour
)

// correlate reads what makes several events one finding.
func (d *decoder) correlate(p ypair) *Correlate {
	c := &Correlate{Count: Bound{Op: "gte", N: 1}, Lateness: defaultLateness, Learn: 14 * 24 * time.Hour}
	of := func(kind string) func(ypair) {
		return func(q ypair) { c.Fields, c.Type = d.fields(q), cmp.Or(c.Type, kind) }
	}
	d.keys(p.value, "correlate", map[string]func(ypair){
		"type":       func(q ypair) { c.Type = d.text(q) },
		"count":      func(q ypair) { c.Count = d.bound(q, 1, maxCount) },
		"distinct":   of("distinct"),
		"sum":        of("sum"),
		"avg":        of("avg"),
		"percentile": of("percentile"),
		"new":        of("new"),
		"over":       func(q ypair) { c.Over = d.bound(q, -1e18, 1e18) },
		"rank":       func(q ypair) { c.Rank = d.number(q, 0, 100) },
		"spike":      func(q ypair) { c.Spike, c.Type = d.number(q, 1, 1e6), cmp.Or(c.Type, "spike") },
		"regular":    func(q ypair) { c.Regular, c.Type = d.number(q, 0, 0.7), cmp.Or(c.Type, "regular") },
		"by":         func(q ypair) { c.By = d.fields(q) },
		"within":     func(q ypair) { c.Within = d.duration(q) },
		"lateness":   func(q ypair) { c.Lateness = d.duration(q) },
		"learn":      func(q ypair) { c.Learn = d.duration(q) },
		"steps":      func(q ypair) { c.Steps = d.sequence(q); c.Type = cmp.Or(c.Type, "sequence") },
		"until":      func(q ypair) { c.Until = d.condition(q) },
	})
	c.Type = cmp.Or(c.Type, "threshold")
	if c.Type == "temporal" && !d.has(p.value, "count") {
		c.Count.N = float64(len(c.Steps))
	}
	for _, mistake := range c.mistakes(func(key string) bool { return d.has(p.value, key) }) {
		msg, hint, _ := strings.Cut(mistake, "\n")
		d.fail(p.line, p.col, hint, "%s", msg)
	}
	return c
}

// keysOf are the keys that a type must have, and those that only it may have.
var keysOf = map[string]struct{ must, may []string }{
	"threshold":  {must: []string{"count"}, may: []string{"steps"}},
	"distinct":   {must: []string{"distinct", "count"}},
	"sum":        {must: []string{"sum", "over"}, may: []string{"count"}},
	"avg":        {must: []string{"avg", "over"}, may: []string{"count"}},
	"percentile": {must: []string{"percentile", "rank", "over"}, may: []string{"count"}},
	"sequence":   {must: []string{"steps"}, may: []string{"until"}},
	"temporal":   {must: []string{"steps"}, may: []string{"count"}},
	"new":        {must: []string{"new"}, may: []string{"learn"}},
	"absence":    {may: []string{"count"}},
	"spike":      {must: []string{"spike", "count"}, may: []string{"learn"}},
	"regular":    {must: []string{"regular", "count"}},
}

// hints show a key as one would write it.
var hints = map[string]string{
	"count": "count: 10", "distinct": "distinct: destination.ip", "sum": "sum: network.bytes", "avg": "avg: event.duration",
	"percentile": "percentile: event.duration", "over": "over: 1000000", "rank": "rank: 95", "new": "new: [source.ip]", "spike": "spike: 5", "regular": "regular: 0.2",
	"steps": "steps: [{name: fail, when: …, count: 10}, {name: success, when: …}]",
}

// mistakes are what a correlation lacks or has too much of, each with a hint
// on a second line.
func (c *Correlate) mistakes(has func(key string) bool) (out []string) {
	kind, ok := keysOf[c.Type]
	if !ok {
		return []string{"\"" + c.Type + "\" is no type of correlation\n" + strings.Join(typeNames(), ", ")}
	}
	if c.Within == 0 {
		out = append(out, "the correlation has no time span\nwithin: 5m")
	}
	for _, key := range kind.must {
		if !has(key) {
			out = append(out, "type "+c.Type+" needs "+key+"\n"+hints[key])
		}
	}
	for _, key := range []string{"count", "distinct", "sum", "avg", "percentile", "over", "rank", "new", "learn", "spike", "regular", "steps", "until"} {
		if has(key) && !slices.Contains(kind.must, key) && !slices.Contains(kind.may, key) {
			out = append(out, key+" is not for type "+c.Type+"\nthe keys here: "+strings.Join(slices.Concat(kind.must, kind.may, []string{"by", "within", "lateness"}), ", "))
		}
	}
	bad := func(is bool, text string) {
		if is {
			out = append(out, text)
		}
	}
	bad(c.Type != "new" && c.Type != "distinct" && len(c.Fields) > 1, c.Type+" is of one field\n"+hints[c.Type])
	bad(has("steps") && (len(c.Steps) < 2 || len(c.Steps) > maxSteps), "a correlation of steps has 2 to 64 of them\n"+hints["steps"])
	bad(c.Type == "distinct" && c.Count.most() > maxDistinct, "count: at most 10000 different values\ncount: 10000")
	bad(slices.Contains([]string{"absence", "spike", "regular", "temporal"}, c.Type) && !c.Count.grows(), "count: of type "+c.Type+" is a least number\ncount: 10")
	bad(c.Type == "temporal" && c.Count.least() > len(c.Steps), "count: there are not so many steps\ncount: 2")
	bad(c.Count.none(), "count: no number is so\ncount: {gte: 10, lt: 20}")
	bad(c.Over.none(), "over: no number is so\nover: {gte: 10, lt: 20}")
	bad(c.Type == "regular" && (c.Count.N < 4 || c.Count.N > maxUnits), "count: of type regular is from 4 to 1000\ncount: 20")
	bad(c.Lateness > maxLateness, "lateness: at most an hour\nlateness: 5m")
	bad(c.Type == "spike" && day%int64(max(c.Within, 1)) != 0, "within: of a spike divides a day\nwithin: 1h")
	for _, f := range c.Fields {
		numeric := f.Type() == event.Long || f.Type() == event.Double
		bad(!numeric && slices.Contains([]string{"sum", "avg", "percentile"}, c.Type), c.Type+": "+f.Name()+" is no number\n"+hints[c.Type])
	}
	units := 0
	for _, s := range c.Steps {
		units += s.Count
		bad(c.Type == "threshold" && s.Count != 1, "count: of step "+s.Name+": a threshold counts the events of all steps\ncount: 10, beside steps")
		bad(s.By != nil && len(s.By) != len(c.By), "by: of step "+s.Name+" has not as many fields as the correlation's\nby: [user.name]")
	}
	bad(units > maxUnits, "steps: their counts add up to more than 1000\ncount: 10")
	return out
}

func typeNames() []string {
	out := make([]string, 0, len(keysOf))
	for name := range keysOf {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (d *decoder) sequence(p ypair) []Step {
	var out []Step
	for _, it := range d.items(p) {
		s := Step{Count: 1}
		d.keys(it, "a step", map[string]func(ypair){
			"name":  func(q ypair) { s.Name = d.text(q) },
			"when":  func(q ypair) { s.When = d.condition(q) },
			"count": func(q ypair) { s.Count = d.count(q) },
			"by":    func(q ypair) { s.By = d.fields(q) },
		})
		if !d.has(it, "when") {
			d.fail(it.line, it.col, "", "the step has no condition")
		}
		out = append(out, s)
	}
	return out
}
