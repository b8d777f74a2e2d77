package rules

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/lang"
)

var leaves = []string{
	`event.action == "a"`, `event.action in ["a", "b"]`, `event.action in ["b", "c", "a"]`, `event.action != "a"`, `has(user.name)`,
	`user.name contains "a"`, `icontains(user.name, "a", "b")`, `icontains(user.name, "b")`, `source.port > 3`, `source.port == 3`, `inCIDR(source.ip, "10.0.0.0/8")`,
	`lower(user.name) == "a"`, `user.name matches "^a"`, `user.name == event.action`, `lower(user.name) == lower(event.action)`, `true`,
}

// drawTree draws a condition.
func drawTree(t *rapid.T, depth int) lang.Node {
	kind := rapid.SampledFrom([]string{"leaf", "leaf", "and", "or", "not"}).Draw(t, "kind")
	if depth == 0 || kind == "leaf" {
		e, err := lang.Parse(rapid.SampledFrom(leaves).Draw(t, "leaf"))
		if err != nil {
			t.Fatal(err)
		}
		return e.Root
	}
	if kind == "not" {
		return lang.Not{Node: drawTree(t, depth-1)}
	}
	var parts []lang.Node
	for range rapid.IntRange(0, 3).Draw(t, "parts") {
		parts = append(parts, drawTree(t, depth-1))
	}
	if kind == "and" {
		return lang.And(parts)
	}
	return lang.Or(parts)
}

// drawChange draws a version of a condition: parts are added, removed, replaced
// or moved.
func drawChange(t *rapid.T, n lang.Node) lang.Node {
	edit := func(list []lang.Node) []lang.Node {
		list = slices.Clone(list)
		for i := range list {
			list[i] = drawChange(t, list[i])
		}
		switch at := rapid.IntRange(0, len(list)).Draw(t, "at"); rapid.SampledFrom([]string{"keep", "keep", "add", "remove", "turn"}).Draw(t, "edit") {
		case "add":
			list = slices.Insert(list, at, drawTree(t, 1))
		case "remove":
			list = slices.Delete(list, at, min(at+1, len(list)))
		case "turn":
			slices.Reverse(list)
		}
		return list
	}
	switch n := n.(type) {
	case lang.And:
		return lang.And(edit(n))
	case lang.Or:
		return lang.Or(edit(n))
	case lang.Not:
		return lang.Not{Node: drawChange(t, n.Node)}
	}
	if rapid.IntRange(0, 5).Draw(t, "replace") == 0 {
		return drawTree(t, 1)
	}
	return n
}

// turned is the condition the other way round, with brackets and nots that mean nothing.
func turned(n lang.Node) lang.Node {
	var list []lang.Node
	switch n := n.(type) {
	case lang.And:
		for _, x := range slices.Backward(n) {
			list = append(list, lang.And{turned(x)})
		}
		return lang.And(list)
	case lang.Or:
		for _, x := range slices.Backward(n) {
			list = append(list, lang.Not{Node: lang.Not{Node: turned(x)}})
		}
		return lang.Or(list)
	case lang.Not:
		return lang.Not{Node: turned(n.Node)}
	}
	return n
}

// TestWhatADiffSaysOfConditionsIsTrue: no change, narrower and wider are what
// random events find.
func TestWhatADiffSaysOfConditionsIsTrue(t *testing.T) {
	x := new(event.Builder)
	told := map[Effect]int{}
	check := func(t *rapid.T) {
		before := drawTree(t, 3)
		if changes := compareConditions("when", shapeOf(before), shapeOf(turned(before))); len(changes) > 0 {
			t.Fatalf("only its form changed: %+v", changes)
		}
		after := drawChange(t, before)
		changes := compareConditions("when", shapeOf(before), shapeOf(after))
		effects := map[Effect]bool{}
		for _, c := range changes {
			effects[c.Effect] = true
			told[c.Effect]++
		}
		was, is := (&lang.Expr{Root: before}).Compile(nil), (&lang.Expr{Root: after}).Compile(nil)
		var b event.Batch
		for range 20 {
			drawEvent(t, x)
			b.Append(x, event.Ref{})
		}
		for i := range b.Events {
			old, now := was(&b.Events[i]), is(&b.Events[i])
			if old != now && (len(changes) == 0 || len(effects) == 1 && (effects[Narrower] && now || effects[Wider] && old)) {
				t.Fatalf("%s\n%s\n%v was %v, is %v", shapeOf(before).text, shapeOf(after).text, changes, old, now)
			}
		}
	}
	for range 20 { // few draws are all of one effect
		if rapid.Check(t, check); told[Narrower] > 0 && told[Wider] > 0 && told[""] > 0 {
			return
		}
	}
	t.Errorf("not all effects were tried: %v", told)
}
