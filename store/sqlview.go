package store

import (
	"mimamori/internal/lang"
)

var dateParts = map[lang.View]string{lang.Minute: "minute", lang.Hour: "hour", lang.Day: "day", lang.Week: "week", lang.Month: "month", lang.Year: "year"}

// datePart compares a part of a date, in Japan's time.
func (t *translator) datePart(n *lang.Test) string {
	x := t.number(n.Field)
	if x == "" {
		return "false"
	}
	at := "make_timestamp((" + x + " // 1000) + 32400000000::BIGINT)" // nine hours
	return either(compared("date_part('"+dateParts[n.View]+"', "+at+")", n))
}

// viewed is the number that lang sees in a text, null where it sees none.
func viewed(x string, v lang.View) string {
	if v == lang.Number {
		return `CASE WHEN regexp_full_match(` + x + `, '[+-]?[0-9]{1,300}(\.[0-9]{1,300})?') THEN TRY_CAST(` + x + ` AS DOUBLE) END`
	}
	day, clock := "TRY_CAST(substr("+x+", 1, 10) AS DATE)", "TRY_CAST(substr("+x+", 12, 5) || ':00' AS TIME)"
	part := "date_part('" + dateParts[v] + "', " + day + ")"
	if v == lang.Minute || v == lang.Hour {
		part = "date_part('" + dateParts[v] + "', " + clock + ")"
	}
	return `CASE WHEN regexp_matches(` + x + `, '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]') AND ` + day + ` IS NOT NULL AND ` + clock + ` IS NOT NULL THEN ` + part + ` END`
}
