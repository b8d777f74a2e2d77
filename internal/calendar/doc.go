// Package calendar knows the working days of Japan's public offices: weekends,
// the holidays of 国民の祝日に関する法律 (Act No. 178 of 1948) with its
// amendments, and 年末年始 (行政機関の休日に関する法律, Act No. 91 of 1988).
// Holidays are computed by the law, not listed, so that no table runs out; an
// amendment is a row of rules. It computes only: nothing blocks, nothing is kept.
package calendar

import "time"

// Kind is what a day is to an office.
type Kind uint8

// The kinds of days. A holiday on a weekend is a Holiday; of the days around
// the new year only 元日 is a Holiday, the others are YearEnd.
const (
	Workday Kind = iota
	Weekend
	Holiday
	YearEnd
)

// Date is one day.
type Date struct {
	Kind   Kind
	JA, EN string // what it is called; "" for a workday
}

// Off tells that offices are closed.
func (d Date) Off() bool { return d.Kind != Workday }

var jst = time.FixedZone("JST", 9*3600)

// JST is the zone of the days: Japan has one, without summer time, so that no
// zone data is needed.
func JST() *time.Location { return jst }

// Day tells what the day of the moment t is in Japan.
func Day(t time.Time) Date {
	t = t.In(JST())
	d := day{t.Year(), t.Month(), t.Day()}
	if n, ok := d.holiday(); ok {
		return Date{Holiday, n.ja, n.en}
	}
	if d.month == time.December && d.day >= 29 || d.month == time.January && d.day <= 3 {
		return Date{YearEnd, "年末年始", "New Year holidays"}
	}
	switch d.weekday() {
	case time.Saturday:
		return Date{Weekend, "土曜日", "Saturday"}
	case time.Sunday:
		return Date{Weekend, "日曜日", "Sunday"}
	}
	return Date{}
}
