package app

import (
	"testing"
	"time"
)

func TestTheFirstAgeThatFitsCounts(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	c := Config{Retention: "400d", Keep: []Keep{
		{Municipality: "312011", Dataset: "squid.*", Age: "30d"}, {Municipality: "312029", Age: forever}, {Dataset: "squid.access", Age: "48h"},
	}}
	if at, err := c.checkKeep(); err != nil {
		t.Fatal(at, err)
	}
	for _, x := range []struct {
		town, dataset string
		want          time.Time
	}{
		{"312011", "squid.access", now.AddDate(0, 0, -30)},
		{"312011", "fortinet.x", now.AddDate(0, 0, -400)},
		{"312029", "squid.access", time.Time{}},
		{"313025", "squid.access", now.AddDate(0, 0, -2)},
		{"313025", "squid.x", now.AddDate(0, 0, -400)},
		{"", "", now.AddDate(0, 0, -400)},
	} {
		if got := (&keeping{cfg: &c, now: now}).since(x.town, x.dataset); !got.Equal(x.want) {
			t.Errorf("%s %s: since %v, want %v", x.town, x.dataset, got, x.want)
		}
	}
	for at, k := range map[string]Keep{
		"$.keep[0]": {Age: "30d"}, "$.keep[0].municipality": {Municipality: "1", Age: "30d"}, "$.keep[0].dataset": {Dataset: "[", Age: "30d"}, "$.keep[0].age": {Dataset: "a", Age: "soon"},
	} {
		c := Config{Retention: "400d", Keep: []Keep{k}}
		if got, err := c.checkKeep(); got != at || err == nil {
			t.Errorf("%+v: %s, %v", k, got, err)
		}
	}
}
