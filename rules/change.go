package rules

import "time"

// Change is one entry of changes in a file of overrides: who gave a rule a
// status, when, where and why. It is a record, and changes nothing itself.
type Change struct {
	At             time.Time `json:"at"`
	By             string    `json:"by"`
	Status         Status    `json:"status"`
	Municipalities []string  `json:"municipalities,omitempty"` // none: everywhere
	Why            string    `json:"why"`
}

func (d *decoder) changes(p ypair) []Change {
	var out []Change
	for _, it := range d.items(p) {
		var c Change
		d.keys(it, "a change", map[string]func(ypair){
			"at":             func(q ypair) { c.At = d.moment(q) },
			"by":             func(q ypair) { c.By = d.text(q) },
			"status":         func(q ypair) { c.Status = d.status(q) },
			"municipalities": func(q ypair) { c.Municipalities = d.codes(q) },
			"why":            func(q ypair) { c.Why = d.text(q) },
		})
		if it.kind == yamlMap && (!d.has(it, "at") || c.By == "" || !d.has(it, "status") || c.Why == "") {
			d.fail(it.line, it.col, "{at: 2026-11-22T18:00:00+09:00, by: sato, status: test, why: …}", "a change says when, by whom, what and why")
		}
		out = append(out, c)
	}
	return out
}

func (d *decoder) moment(p ypair) time.Time {
	at, err := time.Parse(time.RFC3339, d.text(p))
	if err != nil {
		d.fail(p.value.line, p.value.col, "2026-11-22T18:00:00+09:00", "%q is no time", p.value.text)
	}
	return at
}

func (d *decoder) codes(p ypair) []string {
	if p.value.kind != yamlSeq {
		return []string{d.municipality(p)}
	}
	out := make([]string, 0, len(p.value.items))
	for _, it := range p.value.items {
		out = append(out, d.municipality(ypair{p.key, it.line, it.col, it}))
	}
	return out
}
