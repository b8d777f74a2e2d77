package console

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/soc"
)

// view is what every page knows: who reads it, in which language, when.
type view struct {
	Lang  string
	User  *soc.User // nil when signed out
	Now   time.Time
	URL   *url.URL // of this page
	Flash string   // one line about what was just done

	Erasable bool // months can be erased here

	texts  texts
	assets *assets
	towns  *event.Municipalities
	people map[string]string // displayed names by sign-in name, when loaded
}

// T is a text in the reader's language.
func (v *view) T(key string, args ...any) string { return v.texts.get(v.Lang, key, args...) }

// L picks the reader's language; the other one when it is missing.
func (v *view) L(l event.Localized) string {
	if v.Lang == english && l.EN != "" || l.JA == "" {
		return l.EN
	}
	return l.JA
}

// Steps picks the reader's language of first-response steps.
func (v *view) Steps(s event.Steps) []string {
	if v.Lang == english && len(s.EN) > 0 || len(s.JA) == 0 {
		return s.EN
	}
	return s.JA
}

// Town is what a person calls a municipality; "" spans several.
func (v *view) Town(code string) string {
	if code == "" {
		return v.T("town.several")
	}
	m, _ := v.towns.Get(code)
	if v.Lang == english && m.English != "" {
		return m.English
	}
	return m.Title()
}

// Zone is what a person calls a zone; "" when there is none.
func (v *view) Zone(zone string) string {
	if zone == "" {
		return ""
	}
	return v.L(event.ZoneName(zone))
}

// Person is the displayed name of a user.
func (v *view) Person(name string) string {
	if name == "" {
		return v.T("brand")
	}
	if d := v.people[name]; d != "" {
		return d
	}
	return name
}

// Wide tells whether the reader sees more than one municipality.
func (v *view) Wide() bool {
	return v.User != nil && (v.User.Tenants() == nil || len(v.User.Tenants()) > 1)
}

// Prefecture tells whether the reader works for the prefecture.
func (v *view) Prefecture() bool { return v.User != nil && v.User.Tenants() == nil }

// tenants is what the reader may see, narrowed to one municipality when code
// is not "": never widened. nil is all.
func (v *view) tenants(code string) []string {
	mine := v.User.Tenants()
	switch {
	case code == "":
		return mine
	case mine == nil || slices.Contains(mine, code):
		return []string{code}
	}
	return []string{}
}

// Abs is the moment in full: 2026-11-22 11:02:13.
func (v *view) Abs(t time.Time) string { return t.In(calendar.JST()).Format("2006-01-02 15:04:05") }

// Clock is the moment in short, with milliseconds: 11-22 11:02:13.201.
func (v *view) Clock(t time.Time) string { return t.In(calendar.JST()).Format("01-02 15:04:05.000") }

// Rel is how long ago a moment was: 12分前. A moment more than a week ago, or
// in the future, is its date.
func (v *view) Rel(t time.Time) string {
	if t.IsZero() {
		return v.T("time.never")
	}
	d := v.Now.Sub(t)
	switch {
	case d < -time.Minute || d >= 7*24*time.Hour:
		return t.In(calendar.JST()).Format("2006-01-02 15:04")
	case d < 10*time.Second:
		return v.T("time.now")
	}
	return v.T("time.ago", v.Span(d))
}

// Span is a length of time in one unit, rounded down: 12分.
func (v *view) Span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return v.T("time.seconds", int(d.Seconds()))
	case d < time.Hour:
		return v.T("time.minutes", int(d.Minutes()))
	case d < 48*time.Hour:
		return v.T("time.hours", int(d.Hours()))
	}
	return v.T("time.days", int(d.Hours()/24))
}

// Seconds is a short length of time with one or two digits: 0.6秒.
func (v *view) Seconds(d time.Duration) string {
	s := d.Seconds()
	text := strconv.FormatFloat(s, 'f', 2, 64)
	if s >= 1 {
		text = strconv.FormatFloat(s, 'f', 1, 64)
	}
	return v.T("time.seconds", text)
}

// Num writes a number with commas.
func (v *view) Num(n any) string {
	var s string
	switch n := n.(type) {
	case float64:
		if n > 0 && n < 10 {
			return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64)
		}
		s = strconv.FormatFloat(math.Round(n), 'f', 0, 64)
	default:
		s = fmt.Sprint(n)
	}
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Is tells whether the page is below a path of the navigation.
func (v *view) Is(path string) bool {
	if path == "/" {
		return v.URL.Path == "/"
	}
	return v.URL.Path == path || strings.HasPrefix(v.URL.Path, path+"/")
}

// With is this page's address with other parameters: pairs of name and value,
// "" removes. The place in a list (cursor) is always removed.
func (v *view) With(pairs ...string) string {
	q := v.URL.Query()
	q.Del("cursor")
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Del(pairs[i])
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return address(v.URL.Path, q)
}

// address joins a path and parameters.
func address(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// link is an address from pairs of parameter and value; empty values are left out.
func link(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return address(path, q)
}

// languageURL is this page in another language. After a posted form, that is
// the page that the form is on.
func (v *view) languageURL(lang string) string {
	q := v.URL.Query()
	q.Set("lang", lang)
	return address(v.URL.Path, q)
}

// plain writes any value for an attribute.
func (v *view) plain(n any) string { return fmt.Sprint(n) }

// px writes a coordinate.
func (v *view) px(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }

// given is a moment for a date field, "" while a preset rules.
func (v *view) given(s span, t time.Time) string {
	if s.Preset != "" {
		return ""
	}
	return t.In(calendar.JST()).Format(spanFormat)
}

// fieldsURL is where the search page's field values come from.
func (v *view) fieldsURL() string {
	q := v.URL.Query()
	q.Del("cursor")
	return address("/search/fields", q)
}

// liveURL is where the answer to a search comes from anew.
func (v *view) liveURL() string {
	q := v.URL.Query()
	q.Del("cursor")
	return address("/search/live", q)
}

// exportURL is a search's download.
func (v *view) exportURL(format string, bom bool) string {
	q := v.URL.Query()
	q.Del("cursor")
	q.Del("live")
	q.Set("format", format)
	if bom {
		q.Set("bom", "1")
	}
	return address("/search/export", q)
}

// parseID reads the number of something that is kept.
func parseID(s string) (int64, error) {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, &pageError{http.StatusBadRequest, "error.invalid", err}
	}
	return id, nil
}

// collectorQuery is a search for one collector's events.
func (v *view) collectorQuery(name string) string { return "collector == " + strconv.Quote(name) }

// countsText says how the open alerts stand, in words.
func (v *view) countsText(c *soc.Counts) string {
	if c.Open.Sum() == 0 {
		return v.T("alerts.count.none")
	}
	var parts []string
	for s := int(event.Critical); s >= 0; s-- {
		if n := c.Open[s]; n > 0 {
			parts = append(parts, v.T("fact.severity", v.T("severity."+event.Severity(s).String()), n))
		}
	}
	text := v.T("alerts.count", c.Open.Sum(), strings.Join(parts, v.T("list.comma")))
	if c.Oldest.IsZero() {
		return text + v.T("alerts.count.allseen")
	}
	return text + v.T("alerts.count.oldest", c.Unacknowledged, v.Span(max(0, v.Now.Sub(c.Oldest))))
}
