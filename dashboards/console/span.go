package console

import (
	"net/url"
	"time"

	"mimamori/internal/calendar"
)

// span is the range of time that a search looks at: a preset that ends now, or
// two moments.
type span struct {
	Preset   string // "" when From and To were given
	From, To time.Time
	Bad      bool // what was given could not be read; the default is shown
}

// preset is one range that ends now.
type preset struct {
	Name   string
	Length time.Duration
}

func presets() []preset {
	return []preset{{"15m", 15 * time.Minute}, {"1h", time.Hour}, {"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}}
}

const defaultPreset = "24h"

// spanFormat is how browsers write a local date and time; always JST here.
const spanFormat = "2006-01-02T15:04:05"

// parseSpan reads from and to (JST), or range.
func parseSpan(q url.Values, now time.Time) span {
	from, okFrom := parseMoment(q.Get("from"))
	to, okTo := parseMoment(q.Get("to"))
	if okFrom && okTo && from.Before(to) {
		return span{From: from, To: to}
	}
	if okFrom && q.Get("to") == "" && from.Before(now) {
		return span{From: from, To: now}
	}
	bad := q.Get("from") != "" || q.Get("to") != ""
	var s span
	for _, p := range presets() {
		if p.Name == q.Get("range") || p.Name == defaultPreset && s.Preset == "" {
			end := now.Truncate(time.Second).Add(time.Second) // the running second too
			s = span{Preset: p.Name, From: end.Add(-p.Length), To: end, Bad: bad}
		}
	}
	return s
}

func parseMoment(s string) (time.Time, bool) {
	for _, layout := range []string{spanFormat, "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, calendar.JST()); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// params are the parameters that say this span again. fixed says it as two
// moments, so that pages of one list look at the same range.
func (s span) params(fixed bool) (preset, from, to string) {
	if s.Preset != "" && !fixed {
		return s.Preset, "", ""
	}
	return "", formatMoment(s.From), formatMoment(s.To)
}

func formatMoment(t time.Time) string {
	t = t.In(calendar.JST())
	if t.Nanosecond() == 0 {
		return t.Format(spanFormat)
	}
	return t.Format(spanFormat + ".000000000") // parsing takes fractions as they come
}
