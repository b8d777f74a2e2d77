package calendar

import "time"

// day is a date of the calendar.
type day struct {
	year  int
	month time.Month
	day   int
}

func (d day) time() time.Time       { return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC) }
func (d day) weekday() time.Weekday { return d.time().Weekday() }

func (d day) add(days int) day {
	t := d.time().AddDate(0, 0, days)
	return day{t.Year(), t.Month(), t.Day()}
}

func (d day) from(year int, month time.Month, dom int) bool {
	return !d.time().Before(day{year, month, dom}.time())
}

type name struct{ ja, en string }

// rule is one row of the law: a fixed day, a numbered Monday or an equinox, in
// the years in which it was so. A last year of 0 means until further notice.
type rule struct {
	first, last int
	month       time.Month
	day         int // day of the month; monday: which Monday; equinox: 0
	monday      bool
	name
}

// rules are §2 of the law with its amendments, and the laws that made single
// days holidays.
var rules = []rule{
	{1949, 0, 1, 1, false, name{"元日", "New Year's Day"}},
	{1949, 1999, 1, 15, false, name{"成人の日", "Coming of Age Day"}},
	{2000, 0, 1, 2, true, name{"成人の日", "Coming of Age Day"}},
	{1967, 0, 2, 11, false, name{"建国記念の日", "National Foundation Day"}},
	{2020, 0, 2, 23, false, name{"天皇誕生日", "The Emperor's Birthday"}},
	{1949, 0, 3, 0, false, name{"春分の日", "Vernal Equinox Day"}},
	{1949, 1988, 4, 29, false, name{"天皇誕生日", "The Emperor's Birthday"}},
	{1989, 2006, 4, 29, false, name{"みどりの日", "Greenery Day"}},
	{2007, 0, 4, 29, false, name{"昭和の日", "Showa Day"}},
	{1949, 0, 5, 3, false, name{"憲法記念日", "Constitution Memorial Day"}},
	{2007, 0, 5, 4, false, name{"みどりの日", "Greenery Day"}},
	{1949, 0, 5, 5, false, name{"こどもの日", "Children's Day"}},
	{1996, 2002, 7, 20, false, name{"海の日", "Marine Day"}},
	{2003, 2019, 7, 3, true, name{"海の日", "Marine Day"}},
	{2020, 2020, 7, 23, false, name{"海の日", "Marine Day"}},
	{2021, 2021, 7, 22, false, name{"海の日", "Marine Day"}},
	{2022, 0, 7, 3, true, name{"海の日", "Marine Day"}},
	{2020, 2020, 7, 24, false, name{"スポーツの日", "Sports Day"}},
	{2021, 2021, 7, 23, false, name{"スポーツの日", "Sports Day"}},
	{2016, 2019, 8, 11, false, name{"山の日", "Mountain Day"}},
	{2020, 2020, 8, 10, false, name{"山の日", "Mountain Day"}},
	{2021, 2021, 8, 8, false, name{"山の日", "Mountain Day"}},
	{2022, 0, 8, 11, false, name{"山の日", "Mountain Day"}},
	{1966, 2002, 9, 15, false, name{"敬老の日", "Respect for the Aged Day"}},
	{2003, 0, 9, 3, true, name{"敬老の日", "Respect for the Aged Day"}},
	{1948, 0, 9, 0, false, name{"秋分の日", "Autumnal Equinox Day"}},
	{1966, 1999, 10, 10, false, name{"体育の日", "Health and Sports Day"}},
	{2000, 2019, 10, 2, true, name{"体育の日", "Health and Sports Day"}},
	{2022, 0, 10, 2, true, name{"スポーツの日", "Sports Day"}},
	{1948, 0, 11, 3, false, name{"文化の日", "Culture Day"}},
	{1948, 0, 11, 23, false, name{"勤労感謝の日", "Labor Thanksgiving Day"}},
	{1989, 2018, 12, 23, false, name{"天皇誕生日", "The Emperor's Birthday"}},

	{1959, 1959, 4, 10, false, name{"皇太子明仁親王の結婚の儀", "Wedding of Crown Prince Akihito"}},
	{1989, 1989, 2, 24, false, name{"昭和天皇の大喪の礼", "Funeral of Emperor Showa"}},
	{1990, 1990, 11, 12, false, name{"即位礼正殿の儀", "Enthronement Ceremony"}},
	{1993, 1993, 6, 9, false, name{"皇太子徳仁親王の結婚の儀", "Wedding of Crown Prince Naruhito"}},
	{2019, 2019, 5, 1, false, name{"天皇の即位の日", "Day of the Emperor's Accession"}},
	{2019, 2019, 10, 22, false, name{"即位礼正殿の儀の行われる日", "Day of the Enthronement Ceremony"}},
}

// national finds a day of §2 (国民の祝日).
func (d day) national() (name, bool) {
	for i := range rules {
		r := &rules[i]
		if d.month != r.month || d.year < r.first || r.last != 0 && d.year > r.last {
			continue
		}
		if r.on(d) {
			return r.name, true
		}
	}
	return name{}, false
}

func (r *rule) on(d day) bool {
	switch {
	case r.monday:
		return d.weekday() == time.Monday && (d.day+6)/7 == r.day
	case r.day == 0:
		return d.day == equinox(d.year, r.month)
	}
	return d.day == r.day
}

// holiday finds a day of §2 or §3.
func (d day) holiday() (name, bool) {
	if n, ok := d.national(); ok {
		return n, true
	}
	if d.substitute() {
		return name{"振替休日", "Substitute Holiday"}, true
	}
	if d.between() {
		return name{"国民の休日", "Citizens' Holiday"}, true
	}
	return name{}, false
}

// substitute is §3(2): from 12 April 1973 the day after a holiday on a Sunday,
// since 2007 the first day after it that is no 国民の祝日 itself.
func (d day) substitute() bool {
	if !d.from(1973, time.April, 12) {
		return false
	}
	for before := d.add(-1); ; before = before.add(-1) {
		if _, ok := before.national(); !ok {
			return false
		}
		if before.weekday() == time.Sunday {
			return before.from(1973, time.April, 12)
		}
		if d.year < 2007 {
			return false
		}
	}
}

// between is §3(3): since 27 December 1985 a day between two 国民の祝日.
func (d day) between() bool {
	if !d.from(1985, time.December, 27) || d.year < 2007 && d.weekday() == time.Sunday {
		return false
	}
	_, before := d.add(-1).national()
	_, after := d.add(1).national()
	return before && after
}
