package rules

import (
	"bytes"
	"testing"

	"mimamori/event"
)

// TestForgetTakesTheTextAndLeavesTheReference of kept events, and of those that wait.
func TestForgetTakesTheTextAndLeavesTheReference(t *testing.T) {
	old, young := []byte("old"), []byte("young")
	tab := &table{groups: map[string]*group{}, lanes: map[string]*lane{}, retain: 1 << 60, limit: 10, bytes: len(old)*2 + len(young)}
	tab.live.init()
	tab.scratch = []byte("k")
	g := tab.get(&tab.live)
	g.kept = []keptEvent{{Evidence: event.Evidence{Ref: event.Ref{Seq: 7}, JSON: bytes.Clone(old)}}, {Evidence: event.Evidence{JSON: bytes.Clone(young)}}}
	l := newLane("c", 0)
	l.push(arrival{group: g, json: bytes.Clone(old), from: &origin{}})
	tab.lanes["c"] = l
	e := &Engine{states: []*state{{}, {table: tab}}}
	if n := e.Forget(func(text []byte) bool { return bytes.Equal(text, old) }); n != 2 {
		t.Fatal(n)
	}
	if g.kept[0].JSON != nil || g.kept[0].Ref.Seq != 7 || g.kept[1].JSON == nil || l.heap[0].json != nil || tab.bytes != len(young) {
		t.Errorf("%+v %+v %d", g.kept, l.heap, tab.bytes)
	}
	e.clock = 1<<61 + 1<<60
	if e.Forget(func([]byte) bool { return false }); len(tab.groups) != 0 {
		t.Error("a group that is over is still known")
	}
}
