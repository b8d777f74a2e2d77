package store

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/internal/lang"
)

// japan writes how many whole units of time a date lies behind 1970 in Japan.
func (t *translator) japan(f event.Field, unit time.Duration) string {
	x := t.number(f)
	if x == "" {
		return ""
	}
	at := fmt.Sprintf("(least(%s, %d) + %d)", x, math.MaxInt64-int64(9*time.Hour), int64(9*time.Hour)) // a day of 2262 is the end
	return fmt.Sprintf("((%s - ((%s %% %d + %d) %% %d)) // %d)", at, at, int64(unit), int64(unit), int64(unit), int64(unit))
}

// The years whose holidays are written into a query; before and after them only
// weekends count.
const (
	firstYear = 2000
	lastYear  = 2050
)

func (t *translator) holiday(n lang.Holiday) string {
	x := t.japan(n.Field, 24*time.Hour)
	if x == "" {
		return "false"
	}
	var list []string
	for d := time.Date(firstYear, 1, 1, 0, 0, 0, 0, calendar.JST()); d.Year() <= lastYear; d = d.AddDate(0, 0, 1) {
		if day := calendar.Day(d); day.Off() && day.Kind != calendar.Weekend {
			list = append(list, strconv.FormatInt((d.Unix()+9*3600)/86400, 10))
		}
	}
	return "((" + x + " % 7 + 11) % 7 IN (0, 6) OR " + x + " IN (" + strings.Join(list, ", ") + "))" // 1 January 1970 was a Thursday
}
