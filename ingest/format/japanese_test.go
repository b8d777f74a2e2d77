package format

import (
	"testing"
	"time"

	"mimamori/internal/calendar"
)

func TestJapaneseTimes(t *testing.T) {
	jst := calendar.JST()
	c := &clock{zone: jst, ref: time.Date(2026, 11, 23, 0, 0, 0, 0, jst).UnixNano()}
	for s, want := range map[string]string{
		"令和8年11月22日 10時15分02秒":   "2026-11-22T10:15:02+09:00",
		"令和元年5月1日":               "2019-05-01T00:00:00+09:00",
		"平成31年 4月 30日 23時59分":    "2019-04-30T23:59:00+09:00",
		"R8.11.22 10:15:02":      "2026-11-22T10:15:02+09:00",
		"R08/11/22 10:15":        "2026-11-22T10:15:00+09:00",
		"2026年11月22日 10:15:02":   "2026-11-22T10:15:02+09:00",
		"2026年11月22日(日) 10時15分":  "2026-11-22T10:15:00+09:00",
		"2026年1月2日（金）3:04:05.25": "2026-01-02T03:04:05.25+09:00",
	} {
		at, ok := c.auto(s)
		if got := time.Unix(0, at).In(jst).Format(time.RFC3339Nano); !ok || got != want {
			t.Errorf("%s: %s %v, want %s", s, got, ok, want)
		}
	}
	for _, s := range []string{"令和8年", "R8", "R8.11.22 ax", "S99.13.1 10:00", "2026年13月1日", "令和8年11月32日 1:00", "R2-D2 beep"} {
		if at, ok := c.auto(s); ok {
			t.Errorf("%s was read as %s", s, time.Unix(0, at))
		}
	}
}
