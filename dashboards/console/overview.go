package console

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/soc"
)

// How long a municipality's logs may be silent before it is worth a look, and
// before somebody has to act.
const (
	silentLook = 15 * time.Minute
	silentAct  = time.Hour
)

// level is how a municipality, or everything, stands.
type level uint8

const (
	unknown level = iota // no log has ever come
	normal
	caution
	action
)

// String names the level as the texts and style classes do.
func (l level) String() string { return [...]string{"unknown", "normal", "caution", "action"}[l] }

// townCell is one municipality in the grid.
type townCell struct {
	MunicipalityStatus
	Level  level
	Open   soc.BySeverity
	Silent bool
}

// judge decides how a municipality stands.
func judge(m MunicipalityStatus, open soc.BySeverity, now time.Time) townCell {
	c := townCell{MunicipalityStatus: m, Open: open, Level: normal}
	quiet := now.Sub(m.LastSeen)
	c.Silent = !m.LastSeen.IsZero() && quiet > silentLook
	switch {
	case open[event.Critical]+open[event.High] > 0, c.Silent && quiet > silentAct:
		c.Level = action
	case open[event.Medium] > 0, c.Silent:
		c.Level = caution
	case m.LastSeen.IsZero():
		c.Level = unknown
	}
	return c
}

// overview is what the first page shows.
type overview struct {
	Town     string // code when narrowed to one municipality
	Level    level
	Sentence string
	Facts    []fact
	Counts   soc.Counts
	Alerts   []soc.Alert
	Cells    []townCell
	Tally    [action + 1]int // cells by level
	Status   Status
	HealthOK bool
}

// fact is a count in words, with a link to what it counts.
type fact struct {
	Text, URL string
	Severity  string // "" when it is none
}

func (c *Console) overview(w http.ResponseWriter, r *http.Request, v *view) error {
	o := overview{Town: r.URL.Query().Get("municipality")}
	tenants := v.tenants(o.Town)
	if o.Town != "" && len(tenants) == 0 {
		return errNotFound()
	}
	if o.Town == "" && len(tenants) == 1 {
		o.Town = tenants[0]
	}
	var err error
	if o.Counts, err = c.soc.Counts(r.Context(), tenants); err != nil {
		return err
	}
	list, err := c.soc.Alerts(r.Context(), soc.AlertFilter{Tenants: tenants, States: soc.OpenStates(), Limit: 8})
	if err != nil {
		return err
	}
	o.Alerts = list.Alerts
	// The alerts are shown even where the state of the logs can't be told.
	if o.Status, err = c.health.Status(r.Context(), tenants); err != nil {
		c.log.Error("health can't be told", "err", err)
	} else {
		o.HealthOK = true
	}
	o.judge(v)
	if err := c.erasureFact(r, v, &o); err != nil {
		c.log.Error("erasures can't be told", "err", err)
	}
	if err := c.loadPeople(r, v); err != nil {
		return err
	}
	c.render(w, r, v, http.StatusOK, overviewTempl(v, &o))
	return nil
}

func (o *overview) judge(v *view) {
	for _, m := range o.Status.Municipalities {
		cell := judge(m, o.Counts.Municipalities[m.Code], v.Now)
		o.Cells = append(o.Cells, cell)
		o.Tally[cell.Level]++
	}
	silent := o.silent(v)
	o.Level, o.Sentence = o.sentence(v, silent)
	o.Facts = o.facts(v, silent)
}

// silent names the municipalities whose logs have stopped.
func (o *overview) silent(v *view) []string {
	var names []string
	for _, c := range o.Cells {
		if c.Silent {
			names = append(names, v.Town(c.Code))
		}
	}
	return names
}

// sentence says what needs doing now, in words.
func (o *overview) sentence(v *view, silent []string) (level, string) {
	own := !v.Prefecture()
	if o.Counts.Open.Sum() > 0 && len(o.Alerts) > 0 {
		if l, text := o.alertSentence(v, own); text != "" && (l == action || len(silent) == 0) {
			return l, text
		}
	}
	switch {
	case len(silent) > 0 && own:
		return max(caution, o.worst()), v.T("now.own.silent", strings.Join(silent, v.T("list.comma")))
	case len(silent) > 0:
		return max(caution, o.worst()), v.T("now.silent", len(silent), cut(strings.Join(silent, v.T("list.comma")), 40))
	case !o.HealthOK:
		return caution, v.T("now.nohealth")
	case own && len(o.Cells) > 0 && o.Tally[unknown] == len(o.Cells):
		return caution, v.T("now.own.never")
	case own:
		return normal, v.T("now.own.nothing", v.Rel(o.latest()))
	}
	return normal, v.T("now.nothing")
}

// alertSentence says how the open alerts stand. o.Alerts begins with the
// gravest.
func (o *overview) alertSentence(v *view, own bool) (level, string) {
	title := func(a *soc.Alert) string { return cut(v.L(a.Title), 40) }
	word := func(a *soc.Alert) string { return v.T("severity." + a.Severity.String()) }
	gravest, unseen := &o.Alerts[0], (*soc.Alert)(nil)
	if i := slices.IndexFunc(o.Alerts, func(a soc.Alert) bool { return a.State == soc.New }); i >= 0 {
		unseen = &o.Alerts[i]
	}
	lev := caution
	if gravest.Severity >= event.High {
		lev = action
	}
	switch {
	case unseen == nil && o.Counts.Unacknowledged == 0 || gravest.Severity >= event.High && gravest.State != soc.New && (unseen == nil || unseen.Severity < event.High):
		if own {
			return lev, v.T("now.own.working", title(gravest), word(gravest), v.T("state."+string(gravest.State)), o.Counts.Unacknowledged)
		}
		return lev, v.T("now.working", v.Town(gravest.Municipality), title(gravest), word(gravest), v.T("state."+string(gravest.State)), o.Counts.Unacknowledged)
	case unseen == nil:
		return lev, v.T("now.unseen", o.Counts.Unacknowledged)
	case own && unseen.Severity <= event.Low:
		return lev, v.T("now.own.minor", o.Counts.Unacknowledged, title(unseen))
	case own:
		return lev, v.T("now.own.new", o.Counts.Unacknowledged, title(unseen), word(unseen), v.Rel(unseen.Created))
	}
	return lev, v.T("now.new", o.Counts.Unacknowledged, v.Town(unseen.Municipality), title(unseen), word(unseen), v.Rel(unseen.Created))
}

func (o *overview) worst() level {
	worst := normal
	for _, c := range o.Cells {
		worst = max(worst, c.Level)
	}
	return worst
}

func (o *overview) latest() time.Time {
	var t time.Time
	for _, c := range o.Cells {
		if c.LastSeen.After(t) {
			t = c.LastSeen
		}
	}
	return t
}

// facts are the counts below the sentence; those that are nothing are left out.
func (o *overview) facts(v *view, silent []string) []fact {
	var out []fact
	alerts := func(pairs ...string) string {
		if o.Town != "" && v.Wide() {
			pairs = append(pairs, "municipality", o.Town)
		}
		return link("/alerts", pairs...)
	}
	for s := int(event.Critical); s >= int(event.Info); s-- {
		if n := o.Counts.Open[s]; n > 0 {
			name := event.Severity(s).String()
			out = append(out, fact{v.T("fact.severity", v.T("severity."+name), n), alerts("severity", name), name})
		}
	}
	if n := o.Counts.Unassigned; n > 0 {
		out = append(out, fact{v.T("fact.unassigned", n), alerts("assignee", nobody), ""})
	}
	if !o.Counts.Oldest.IsZero() {
		out = append(out, fact{v.T("fact.oldest", v.Span(v.Now.Sub(o.Counts.Oldest))), alerts("state", "new"), ""})
	}
	if len(silent) > 0 && v.Prefecture() && o.Town == "" {
		out = append(out, fact{v.T("fact.silent", len(silent)), "/status?problem=1", ""})
	}
	if n := o.Status.Totals.Lost; n > 0 {
		out = append(out, fact{v.T("fact.lost", v.Num(n)), "/status?problem=1", ""})
	}
	return out
}

// live answers how many alerts have come since the page was made; a page shows
// them when its reader asks.
func (c *Console) live(w http.ResponseWriter, r *http.Request, v *view) error {
	after, _ := soc.ParseLabel(r.URL.Query().Get("after")) // 0 when it is none: all are new
	list, err := c.soc.Alerts(r.Context(), soc.AlertFilter{Tenants: v.tenants(r.URL.Query().Get("municipality")), After: after, Limit: 1})
	if err != nil {
		return err
	}
	c.render(w, r, v, http.StatusOK, liveTempl(v, list.Total))
	return nil
}

// loadPeople finds the displayed names of users.
func (c *Console) loadPeople(r *http.Request, v *view) error {
	users, err := c.soc.Users(r.Context())
	if err != nil {
		return err
	}
	v.people = make(map[string]string, len(users))
	for _, u := range users {
		v.people[u.Name] = u.Display
	}
	return nil
}

// townFilter is the municipality to keep in links to lists, "" when the reader
// has only one anyway.
func (o *overview) townFilter(v *view) string {
	if v.Wide() {
		return o.Town
	}
	return ""
}
