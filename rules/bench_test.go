package rules

import (
	"testing"

	"mimamori/event"
)

// trafficEvent is an ordinary event of a firewall: 20 fields.
func trafficEvent(t testing.TB) *event.Batch {
	x, b := new(event.Builder), &event.Batch{}
	err := x.Decode([]byte(`{"@timestamp":"2026-11-22T10:00:00+09:00","municipality":"131016","zone":"internet","collector":"c1","input":"syslog",
		"event":{"dataset":"fortinet.fortigate","action":"accept","category":["network"],"type":["connection","end"],"original":"date=2026-11-22 time=10:00:00 devname=\"FGT\" srcip=10.30.1.7 dstip=203.0.113.9 dstport=443 action=\"accept\""},
		"source":{"ip":"10.30.1.7","port":51122,"zone":"internet"},"destination":{"ip":"203.0.113.9","port":443},"network":{"transport":"tcp","application":"HTTPS.BROWSER","bytes":4711},
		"observer":{"name":"FGT-HQ","vendor":"Fortinet"},"user":{"name":"sato"},"message":"traffic forward close","fortinet":{"fortigate":{"subtype":"forward","appcat":"Web.Client"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	b.Append(x, event.Ref{Collector: "c1", Source: "s1", Epoch: 1, Seq: 1})
	return b
}

func TestAnEventWithoutMatchCostsNoAllocation(t *testing.T) {
	e, b := NewEngine(builtin(t), Options{}), trafficEvent(t)
	emit := func(event.Alert) { t.Error("an ordinary event fired") }
	if n := testing.AllocsPerRun(100, func() { e.Evaluate(b, emit) }); n != 0 {
		t.Errorf("%v allocations an event", n)
	}
}

func BenchmarkLibraryNoMatch(b *testing.B) {
	e, batch := NewEngine(builtin(b), Options{}), trafficEvent(b)
	b.ReportAllocs()
	for b.Loop() {
		e.Evaluate(batch, func(event.Alert) {})
	}
}

func BenchmarkThreshold(b *testing.B) {
	s := setOf(b, ruleOf(b, "r", `event.action == "accept"`, "correlate: {count: 100000, by: [municipality, source.ip], within: 5m}"))
	e, batch := NewEngine(s, Options{}), trafficEvent(b)
	b.ReportAllocs()
	for b.Loop() {
		e.Evaluate(batch, func(event.Alert) {})
	}
}
