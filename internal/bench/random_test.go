package bench

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/rules"
)

var conditions = []string{
	`event.outcome == "failure"`, `has(user.name)`, `source.ip != "10.0.0.1"`, `not has(url.path)`, `inList(host.name, "servers")`,
	`holiday(@timestamp) || event.code == "1"`, `url.path matches "^/a"`, `text("evil")`, `user.name == host.name`, `network.bytes > 500`,
	`winlog.event_data.Seldom == "v"`, `inCIDR(source.ip, "10.0.0.0/8")`, `tags == "one"`, `true`,
}

func genCondition(t *rapid.T) string {
	c := rapid.SampledFrom(conditions)
	return rapid.OneOf(c, rapid.Custom(func(t *rapid.T) string {
		return "(" + c.Draw(t, "left") + ") " + rapid.SampledFrom([]string{"&&", "||", "&& not"}).Draw(t, "op") + " (" + c.Draw(t, "right") + ")"
	})).Draw(t, "condition")
}

// findings are what may follow a condition; $1 and $2 become others.
var findings = []string{
	"", "suppress: {by: [user.name], for: 1h}", "suppress: {by: [municipality, source.ip], for: 1m}",
	"correlate: {count: 3, by: [user.name], within: 1m}", "correlate: {count: {lt: 3}, by: [municipality], within: 1m}",
	"correlate: {distinct: source.ip, count: 2, by: [user.name], within: 2m}", "correlate: {distinct: municipality, count: 2, by: [host.name], within: 2m}",
	"correlate: {sum: network.bytes, over: 2000, by: [source.ip], within: 1m, lateness: 5s}",
	"correlate: {type: absence, count: 2, by: [host.name], within: 1m}", "correlate: {new: [source.ip], by: [user.name], learn: 1m, within: 10m}",
	"correlate: {regular: 0.7, count: 4, by: [host.name], within: 10m}", "correlate: {spike: 2, count: 2, by: [municipality], within: 1h, learn: 1h}",
	"correlate: {steps: [{name: a, when: '$1', count: 2}, {name: b, when: '$2'}], by: [user.name], within: 2m}",
	"correlate: {steps: [{name: a, when: '$1'}, {name: b, when: '$2'}], until: '$1', by: [user.name], within: 2m}",
	"correlate: {type: temporal, steps: [{name: a, when: '$1', by: [user.name]}, {name: b, when: '$2', by: [host.name]}], by: [user.name], within: 1m}",
	"source: {dataset: [d1, e.*]}", "source: {dataset: [mimamori.alert]}\ncorrelate: {count: 2, by: [municipality], within: 1m}",
	"source: {dataset: [mimamori.alert]}\ncorrelate: {count: 2, by: [host.name, user.name], within: 1h}",
}

// genRules writes rules of all kinds, some with exceptions.
func genRules(t *rapid.T) *rules.Set {
	var list []*rules.Rule
	for i := range rapid.IntRange(1, 6).Draw(t, "rules") {
		id, finding := fmt.Sprintf("r%d", i), rapid.SampledFrom(findings).Draw(t, "finding")
		finding = strings.NewReplacer("$1", genCondition(t), "$2", genCondition(t)).Replace(finding)
		when := genCondition(t)
		if strings.Contains(finding, rules.AlertDataset) {
			when = rapid.SampledFrom([]string{"event.severity >= 1", "has(host.name)"}).Draw(t, "of alerts")
		}
		text := fmt.Sprintf(usualFrame, id, "when: '"+when+"'\n"+finding)
		if rapid.IntRange(0, 3).Draw(t, "exception") == 0 {
			text += "allow: [{when: '" + genCondition(t) + "', owner: x, reason: y, municipality: '131016'}]\n"
		}
		r, err := rules.Parse(id+".yaml", []byte(strings.Replace(text, "status: draft", "status: stable", 1)))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		list = append(list, r)
	}
	set, err := rules.NewSet(list...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// genStream makes a course of events: they happened when they will, and arrive one
// after the other. (Which of two that arrive at once comes first is not stored;
// alerts are the same but for the times of those that suppress goes by.)
func genStream(t *rapid.T, n int) *event.Batch {
	b, x := new(event.Batch), new(event.Builder)
	at := time.Date(2026, 11, 20, 23, 50, 0, 0, calendar.JST())
	text := func(field string, values ...string) {
		if v := rapid.SampledFrom(append(values, "")).Draw(t, field); v != "" {
			value, _ := event.ParseAs(event.MustLookup(field).Type(), v)
			x.Set(event.MustLookup(field), value)
		}
	}
	for i := range n {
		at = at.Add(time.Duration(rapid.SampledFrom([]int{1, 3, 300, 1500, 9000, 70_000}).Draw(t, "pause")) * time.Millisecond)
		delay := time.Duration(rapid.SampledFrom([]int{0, 1, 20, 29, 90, 4000}).Draw(t, "delay")) * time.Second
		x.Set(event.MustLookup("event.ingested"), event.Time(at.UnixNano()))
		x.Set(event.MustLookup("received"), event.Time(at.Add(-delay/2).UnixNano()))
		x.Set(event.MustLookup("@timestamp"), event.Time(at.Add(-delay).UnixNano()))
		text("municipality", "131016", "131024")
		text("event.dataset", "d1", "d2", "e.x")
		text("event.outcome", "failure", "success")
		text("user.name", "sato", "ito", "h1")
		text("host.name", "h1", "h2")
		text("source.ip", "10.0.0.1", "10.0.0.2", "192.0.2.1")
		text("network.bytes", "10", "600", "1900")
		text("url.path", "/a", "/b")
		text("event.code", "1", "2")
		text("event.original", "an evil line", "a good one")
		text("tags", "one", "two")
		text("zone", "lgwan")
		if rapid.IntRange(0, 9).Draw(t, "seldom") == 0 {
			f, _ := event.Intern("winlog.event_data.Seldom")
			x.Set(f, event.String("v"))
		}
		b.Append(x, event.Ref{Collector: "c" + fmt.Sprint(rapid.IntRange(1, 2).Draw(t, "collector")), Source: "s", Epoch: 1, Seq: uint64(i + 1)})
	}
	return b
}
