package calendar

import (
	"encoding/json"
	"math"
	"os/exec"
	"testing"
	"time"
)

func on(y int, m time.Month, d int) Date { return Day(time.Date(y, m, d, 12, 0, 0, 0, JST())) }

func TestDaysThatTheLawNames(t *testing.T) {
	for _, c := range []struct {
		y    int
		m    time.Month
		d    int
		kind Kind
		ja   string
	}{
		{1948, 7, 20, Workday, ""},
		{1948, 9, 23, Holiday, "秋分の日"},
		{1959, 4, 10, Holiday, "皇太子明仁親王の結婚の儀"},
		{1966, 2, 11, Workday, ""},
		{1967, 2, 11, Holiday, "建国記念の日"},
		{1973, 2, 12, Workday, ""},
		{1973, 4, 30, Holiday, "振替休日"}, // the first one
		{1987, 5, 4, Holiday, "振替休日"},
		{1988, 5, 4, Holiday, "国民の休日"}, // the first one
		{1989, 2, 24, Holiday, "昭和天皇の大喪の礼"},
		{1999, 1, 15, Holiday, "成人の日"},
		{2000, 1, 10, Holiday, "成人の日"},
		{2006, 5, 4, Holiday, "国民の休日"},
		{2007, 5, 4, Holiday, "みどりの日"},
		{2008, 5, 6, Holiday, "振替休日"},
		{2009, 5, 6, Holiday, "振替休日"},
		{2009, 9, 22, Holiday, "国民の休日"},
		{2015, 9, 22, Holiday, "国民の休日"},
		{2026, 9, 22, Holiday, "国民の休日"},
		{2032, 9, 21, Holiday, "国民の休日"},
		{2018, 12, 24, Holiday, "振替休日"},
		{2019, 12, 23, Workday, ""},
		{2019, 2, 23, Weekend, "土曜日"},
		{2020, 2, 24, Holiday, "振替休日"},
		{2019, 4, 30, Holiday, "国民の休日"},
		{2019, 5, 1, Holiday, "天皇の即位の日"},
		{2019, 5, 2, Holiday, "国民の休日"},
		{2019, 5, 6, Holiday, "振替休日"},
		{2019, 10, 22, Holiday, "即位礼正殿の儀の行われる日"},
		{2020, 7, 20, Workday, ""},
		{2020, 7, 24, Holiday, "スポーツの日"},
		{2020, 8, 11, Workday, ""},
		{2020, 10, 12, Workday, ""},
		{2021, 8, 9, Holiday, "振替休日"},
		{2021, 7, 19, Workday, ""},
		{2026, 11, 23, Holiday, "勤労感謝の日"},
		{2026, 12, 28, Workday, ""},
		{2026, 12, 29, YearEnd, "年末年始"},
		{2027, 1, 1, Holiday, "元日"},
		{2027, 1, 3, YearEnd, "年末年始"},
		{2027, 1, 4, Workday, ""},
		{2026, 11, 21, Weekend, "土曜日"},
		{2026, 11, 22, Weekend, "日曜日"},
		{2030, 3, 20, Holiday, "春分の日"},
	} {
		if got := on(c.y, c.m, c.d); got.Kind != c.kind || got.JA != c.ja || (got.EN == "") != (c.ja == "") || got.Off() == (c.kind == Workday) {
			t.Errorf("%d-%d-%d: %+v, want %v %s", c.y, c.m, c.d, got, c.kind, c.ja)
		}
	}
}

func TestTheDayIsJapansWhateverTheZoneOfTheMoment(t *testing.T) {
	if d := Day(time.Date(2026, 12, 31, 15, 0, 0, 0, time.UTC)); d.JA != "元日" {
		t.Errorf("%+v", d)
	}
}

// TestEquinoxesAgreeWithTheCommonFormula compares with the interpolation that
// Japanese calendars print for 1980 to 2099 (新こよみ便利帳).
func TestEquinoxesAgreeWithTheCommonFormula(t *testing.T) {
	for y := 1980; y < 2100; y++ {
		leap := math.Floor(float64(y-1980) / 4)
		spring := int(20.8431 + 0.242194*float64(y-1980) - leap)
		autumn := int(23.2488 + 0.242194*float64(y-1980) - leap)
		if s, a := equinox(y, time.March), equinox(y, time.September); s != spring || a != autumn {
			t.Errorf("%d: %d March, %d September, the formula says %d and %d", y, s, a, spring, autumn)
		}
	}
}

// TestEveryDayIsAsJpholidaySays compares with PyPI's jpholiday, day by day. It
// errs where it applies §3 before it was law: 国民の休日 (4 May between two
// holidays) before 27 December 1985, and a 振替休日 in February 1973, two months
// before 12 April. Since 1986 both agree on every day.
func TestEveryDayIsAsJpholidaySays(t *testing.T) {
	const script = `
import jpholiday, datetime, json
print(json.dumps({d.isoformat(): n for y in range(1970, 2100) for d, n in jpholiday.year_holidays(y)}))`
	out, err := exec.CommandContext(t.Context(), "python3", "-c", script).Output()
	if err != nil {
		t.Skipf("python3 with jpholiday is needed (pip install jpholiday): %v", err)
	}
	theirs := map[string]string{}
	if err := json.Unmarshal(out, &theirs); err != nil {
		t.Fatal(err)
	}
	if len(theirs) < 130*10 {
		t.Fatalf("jpholiday knows %d holidays only", len(theirs))
	}
	differ := 0
	for d := time.Date(1970, 1, 1, 0, 0, 0, 0, JST()); d.Year() < 2100; d = d.AddDate(0, 0, 1) {
		_, holiday := theirs[d.Format(time.DateOnly)]
		if got := Day(d); holiday != (got.Kind == Holiday) {
			date := d.Format(time.DateOnly)
			if known := !got.Off() || got.Kind == Weekend; known && (date == "1973-02-12" || date < "1985-12-27" && date[4:] == "-05-04") {
				continue
			}
			if differ++; differ < 20 {
				t.Errorf("%s: %+v, jpholiday says %q", date, got, theirs[date])
			}
		}
	}
	t.Logf("%d holidays compared, %d differ", len(theirs), differ)
}
