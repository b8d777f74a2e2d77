package rules

import (
	"slices"
	"strings"
	"testing"

	"mimamori/event"
)

const differing = "status: draft\nmunicipalities: {131016: {status: test, severity: high, correlate: {count: 2}}, 131024: {status: stable}}\n"

// townBatch is an event with an action from each of the municipalities, in order.
func townBatch(x *event.Builder, towns ...string) *event.Batch {
	b := &event.Batch{}
	for i, town := range towns {
		x.Set(fieldTime, event.Time(testStart.UnixNano()))
		x.Set(event.MustLookup("event.action"), event.String("a"))
		x.Set(event.MustLookup("source.ip"), event.Addr("10.0.0.1"))
		x.Set(fieldMunicipality, event.String(town))
		b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(i + 1)})
	}
	return b
}

func TestExplainSaysWhatDiffersWhereTheEventIsFrom(t *testing.T) {
	r, b := overridden(t, counters[0], differing).Get("r"), townBatch(new(event.Builder), "131016", "131032")
	if got := Explain(r, &b.Events[0]).String(); !strings.Contains(got, "municipality 131016: high, test, count 2, within 1m0s\n") || !strings.Contains(got, "needs more than one event: type threshold, count 3, by municipality, source.ip, within 1m,") {
		t.Error(got)
	}
	if got := Explain(r, &b.Events[1]); got.Local != "" || !got.Matches {
		t.Errorf("%+v", got)
	}
}

// TestABacktestRunsEverywhereAsItWouldThere: drafts too, each by its own numbers.
func TestABacktestRunsEverywhereAsItWouldThere(t *testing.T) {
	s := overridden(t, counters[0], differing)
	b := NewBacktest(s, s, nil, nil)
	b.Run(townBatch(new(event.Builder), "131016", "131016", "131024", "131024", "131024", "131032", "131032"))
	r := b.Report()
	if len(r) != 1 || r[0].Alerts != 2 || r[0].Towns["131016"] != 1 || r[0].Towns["131024"] != 1 || r[0].Changes.Same != 2 {
		t.Errorf("%+v", r[0])
	}
}

// TestASuspendedVariantSaysWhere, and the others go on.
func TestASuspendedVariantSaysWhere(t *testing.T) {
	var why []string
	e := NewEngine(overridden(t, "", strings.Replace(differing, ", correlate: {count: 2}", "", 1)), Options{Suspended: func(_, text string) { why = append(why, text) }})
	e.units[0].prog = nil
	var got []string
	e.Evaluate(townBatch(new(event.Builder), "131016", "131024"), func(a event.Alert) { got = append(got, a.Municipality) })
	if len(why) != 1 || !strings.HasSuffix(why[0], "(municipalities: 131016)") || !slices.Equal(got, []string{"131024"}) {
		t.Errorf("%q, alerts in %v", why, got)
	}
}

// TestTheTestsOfAFileAreAboutTheRuleElsewhere: what a municipality changed does not fail them.
func TestTheTestsOfAFileAreAboutTheRuleElsewhere(t *testing.T) {
	tests := "\ntests:\n  - name: three\n    alerts: 1\n    events: [{repeat: 3, municipality: \"131016\", event: {action: a}, source: {ip: 10.0.0.1}}]\n  - name: two\n    alerts: 0\n    events: [{repeat: 2, municipality: \"131016\", event: {action: a}, source: {ip: 10.0.0.1}}]"
	for _, f := range Test(overridden(t, counters[0]+tests, differing)) {
		t.Error(f)
	}
}
