package bench

import (
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/rules"
	"mimamori/store"
)

// TestBacktestInSmall: every run comes to an end with a figure.
func TestBacktestInSmall(t *testing.T) {
	r, err := Backtest(t.Context(), Config{Events: 3000, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if r.Events != 3000 || r.RawBytes < 3000*200 || len(r.Runs) != len(usual())+1 || r.Slowest <= 0 {
		t.Errorf("%+v", r)
	}
	for _, x := range r.Runs {
		if x.Name == "every-event-an-alert" && x.Alerts < 2900 {
			t.Errorf("%+v", x)
		}
	}
}

// TestBacktestIsTheLiveEngine: stored in any segments, merged or not, and read in
// part, events give the alerts that they gave when they came.
func TestBacktestIsTheLiveEngine(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		s, err := store.Open(filepath.Join(dir, fmt.Sprint(n)), store.Options{Lists: servers{"h2": true}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		set, stream := genRules(t), genStream(t, rapid.IntRange(1, 60).Draw(t, "events"))
		for rest := stream.Events; len(rest) > 0; {
			part := rest[:rapid.IntRange(1, len(rest)).Draw(t, "segment")]
			rest = rest[len(part):]
			if err := s.Commit(t.Context(), store.Commit{Batches: []*event.Batch{{Events: part}}}); err != nil {
				t.Fatal(err)
			}
		}
		if rapid.Bool().Draw(t, "merged") {
			if err := s.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		want := map[string][]string{}
		found := func(a event.Alert) {
			want[a.Rule] = append(want[a.Rule], a.End.In(calendar.JST()).Format(time.DateOnly)+" "+a.Municipality)
		}
		live := rules.NewEngine(set, rules.Options{Lists: servers{"h2": true}})
		live.Evaluate(stream, found)
		live.Flush(found)
		test := rules.NewBacktest(set, nil, servers{"h2": true}, nil)
		if err := s.Scan(t.Context(), event.Query{}, test.Condition(), test.Fields(), test); err != nil {
			t.Fatal(err)
		}
		for _, r := range test.Report() {
			days, towns := map[string]int{}, map[string]int{}
			for _, a := range want[r.Rule] {
				day, town, _ := strings.Cut(a, " ")
				days[day]++
				towns[town]++
			}
			if r.Alerts != len(want[r.Rule]) || !maps.Equal(days, r.Days) || !maps.Equal(towns, r.Towns) {
				t.Fatalf("%s: live %d alerts, %v %v; backtest %d, %v %v", r.Rule, len(want[r.Rule]), days, towns, r.Alerts, r.Days, r.Towns)
			}
		}
		if test.Allowed() != live.Stats().Allowed {
			t.Fatalf("exceptions took out %d, live %d", test.Allowed(), live.Stats().Allowed)
		}
	})
}

// TestTimePassesInABacktest: silence is found although nothing that the rule asks
// for came after it.
func TestTimePassesInABacktest(t *testing.T) {
	s, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b, x := new(event.Batch), new(event.Builder)
	for i, host := range []string{"h1", "h1", "other"} {
		at := time.Date(2026, 11, 20, 9, 5*i*i, 0, 0, calendar.JST()).UnixNano()
		x.Set(event.MustLookup("host.name"), event.String(host))
		x.Set(event.MustLookup("event.ingested"), event.Time(at))
		x.Set(event.MustLookup("@timestamp"), event.Time(at))
		b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(i + 1)})
	}
	if err := s.Commit(t.Context(), store.Commit{Batches: []*event.Batch{b}}); err != nil {
		t.Fatal(err)
	}
	r, err := rules.Parse("r.yaml", []byte(strings.Replace(fmt.Sprintf(usualFrame, "r", "when: host.name == \"h1\"\ncorrelate: {type: absence, count: 2, by: [host.name], within: 9m}"), "status: draft", "status: stable", 1)))
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.NewSet(r)
	if err != nil {
		t.Fatal(err)
	}
	test := rules.NewBacktest(set, nil, nil, nil)
	if err := s.Scan(t.Context(), event.Query{}, test.Condition(), test.Fields(), test); err != nil {
		t.Fatal(err)
	}
	live, n := rules.NewEngine(set, rules.Options{}), 0
	live.Evaluate(b, func(event.Alert) { n++ })
	if got := test.Report()[0].Alerts; got != n || n != 1 {
		t.Errorf("%d alerts, live %d", got, n)
	}
}
