package lang

import (
	"testing"

	"github.com/expr-lang/expr"

	"mimamori/event"
)

const benchCondition = `event.action == "deny" && destination.port == 445 && inCIDR(source.ip, "10.0.0.0/8")`

// BenchmarkCondition is a condition over an event's slots.
func BenchmarkCondition(b *testing.B) {
	x := new(event.Builder)
	if err := x.Decode([]byte(`{"event":{"action":"deny"},"destination":{"port":445},"source":{"ip":"10.1.2.3"}}`)); err != nil {
		b.Fatal(err)
	}
	ev := new(event.Batch).Append(x, event.Ref{})
	e, err := Parse(benchCondition)
	if err != nil {
		b.Fatal(err)
	}
	p := e.Compile(nil)
	b.ReportAllocs()
	for b.Loop() {
		if !p(ev) {
			b.Fatal("no match")
		}
	}
}

// BenchmarkExprVM is the same condition in expr's own machine over typed
// structs, its best case, without the network test.
func BenchmarkExprVM(b *testing.B) {
	type env struct {
		Event       struct{ Action string } `expr:"event"`
		Destination struct{ Port int64 }    `expr:"destination"`
		Source      struct{ IP string }     `expr:"source"`
	}
	var v env
	v.Event.Action, v.Destination.Port, v.Source.IP = "deny", 445, "10.1.2.3"
	p, err := expr.Compile(`event.Action == "deny" && destination.Port == 445 && source.IP startsWith "10."`, expr.Env(env{}), expr.AsBool())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := expr.Run(p, v); err != nil || ok != true {
			b.Fatal(err)
		}
	}
}
