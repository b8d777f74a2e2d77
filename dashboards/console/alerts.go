package console

import (
	"net/http"
	"slices"

	"mimamori/event"
	"mimamori/soc"
)

// nobody and me stand in the assignee filter for no one and for the reader.
const (
	nobody = "-"
	me     = "me"
)

// alertsPage is a list of alerts under filters.
type alertsPage struct {
	State    string // open (default), all, or one state
	Severity string
	Town     string
	Assignee string // "", nobody or me
	Text     string
	Newest   bool
	Trial    bool
	Page     soc.AlertPage
	Counts   soc.Counts
	Towns    []string // codes to choose from
	Next     string
	Filtered bool
}

func (c *Console) alerts(w http.ResponseWriter, r *http.Request, v *view) error {
	q := r.URL.Query()
	p := &alertsPage{
		State: q.Get("state"), Severity: q.Get("severity"), Town: q.Get("municipality"), Assignee: q.Get("assignee"),
		Text: cut(q.Get("q"), 200), Newest: q.Get("sort") == "newest", Trial: q.Get("trial") != "",
	}
	p.Filtered = p.State != "" || p.Severity != "" || p.Town != "" || p.Assignee != "" || p.Text != ""
	var err error
	if p.Counts, err = c.soc.Counts(r.Context(), v.tenants(p.Town)); err != nil {
		return err
	}
	if p.Page, err = c.soc.Alerts(r.Context(), p.filter(v, q.Get("cursor"))); err != nil {
		return err
	}
	if p.Page.Next != "" {
		next := *r.URL
		values := next.Query()
		values.Set("cursor", p.Page.Next)
		p.Next = address(next.Path, values)
	}
	if p.Towns, err = c.choices(r, v, p); err != nil {
		return err
	}
	if err := c.loadPeople(r, v); err != nil {
		return err
	}
	c.render(w, r, v, http.StatusOK, alertsTempl(v, p))
	return nil
}

// filter is what the list asks the SOC for.
func (p *alertsPage) filter(v *view, cursor string) soc.AlertFilter {
	f := soc.AlertFilter{Tenants: v.User.Tenants(), Municipality: p.Town, Text: p.Text, Newest: p.Newest, Trial: p.Trial, Cursor: cursor}
	switch s := soc.State(p.State); {
	case s.Open() || s == soc.Closed:
		f.States = []soc.State{s}
	case p.State != "all":
		p.State = ""
		f.States = soc.OpenStates()
	}
	if s, ok := event.ParseSeverity(p.Severity); ok {
		f.Severities = []event.Severity{s}
	} else {
		p.Severity = ""
	}
	switch p.Assignee {
	case nobody:
		f.Unassigned = true
	case me:
		f.Assignee = v.User.Name
	default:
		p.Assignee = ""
	}
	return f
}

// choices are the municipalities that the filter offers: the reader's own, or
// for the prefecture those that have open alerts.
func (c *Console) choices(r *http.Request, v *view, p *alertsPage) ([]string, error) {
	codes := v.User.Tenants()
	if codes == nil {
		all := p.Counts
		if p.Town != "" {
			var err error
			if all, err = c.soc.Counts(r.Context(), nil); err != nil {
				return nil, err
			}
		}
		for code := range all.Municipalities {
			if code != "" {
				codes = append(codes, code)
			}
		}
	}
	if p.Town != "" && v.User.Sees(p.Town) {
		codes = append(codes, p.Town)
	}
	slices.Sort(codes)
	return slices.Compact(codes), nil
}
