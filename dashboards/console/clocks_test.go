package console

import (
	"testing"
	"time"

	"mimamori/soc"
)

func TestClocksThatAreOffAreShownToWhomTheyConcern(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "kanri", soc.Admin)
	_, page := b.get("/status")
	lacks(t, page, "機器の時計")
	since := time.Date(2026, 11, 20, 1, 0, 0, 0, time.UTC)
	s.memory.status.Clocks = []Clock{
		{Municipality: tottori, Collector: "c-1", Source: "syslog", Device: "fw-utc", Dataset: "acme.fw", Repair: 9 * time.Hour, Since: since},
		{Municipality: tottori, Collector: "c-1", Source: "syslog", Device: "fw-fast", Dataset: "acme.fw", Skew: -7 * time.Minute, Moved: since},
		{Municipality: wakasa, Collector: "c-2", Source: "syslog", Device: "fw-lost", Dataset: "acme.fw", Skew: 4000 * 24 * time.Hour, Lost: true, Since: since},
	}
	_, page = b.get("/status")
	wants(t, page, "機器の時計", "fw-utc", "9:00直しています", "fw-fast", "7分進んでいます", "大きく動きました", "受信した時刻を使っています")
	_, page = b.get("/status?lang=en")
	wants(t, page, "9:00, is repaired", "7 min fast", "time of receipt")
	w := s.signedIn(t, "wakasa", soc.Municipality, wakasa)
	_, page = w.get("/status")
	wants(t, page, "fw-lost")
	lacks(t, page, "fw-utc", "fw-fast")
}
