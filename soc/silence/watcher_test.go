package silence

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mimamori/event"
	"mimamori/internal/calendar"
)

// world is two towns with two collectors each and two firewalls behind each,
// which send all the time; the test breaks it.
type world struct {
	t       *testing.T
	w       *Watcher
	at      time.Time
	seen    map[Key]Seen
	dead    map[string]bool // collectors that say nothing
	mute    map[Key]bool    // devices that send nothing
	cut     bool            // lines stay with the collectors
	garbled bool
	open    map[string]event.Alert
	told    []event.Alert
	over    int
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, w: NewWatcher(), at: time.Date(2026, 6, 1, 0, 0, 0, 0, calendar.JST()),
		seen: map[Key]Seen{}, dead: map[string]bool{}, mute: map[Key]bool{}, open: map[string]event.Alert{},
	}
	w.pass(8 * 24 * time.Hour)
	if len(w.told) != 0 {
		t.Fatalf("alerts while all is well: %+v", w.told[0])
	}
	return w
}

var towns = map[string][]string{"312011": {"a-1", "a-2"}, "312029": {"b-1", "b-2"}, "313254": {"c-1"}, "313289": {"d-1"}}

func (w *world) observation() Observation {
	o := Observation{At: w.at, Seen: w.seen}
	for _, town := range []string{"312011", "312029", "313254", "313289"} {
		for _, id := range towns[town] {
			heard := w.at
			if w.dead[id] {
				heard = w.lastHeard(id)
			}
			o.Collectors = append(o.Collectors, Collector{ID: id, Municipality: town, Heard: heard})
			for _, name := range []string{"fw", "proxy"} {
				k := Key{id, name}
				o.Expected = append(o.Expected, Expected{Key: k, Municipality: town, Zone: "internet", Kind: "firewall"})
			}
		}
	}
	return o
}

func (w *world) lastHeard(id string) time.Time { return w.seen[Key{id, "fw"}].Held }

func (w *world) pass(d time.Duration) {
	for end := w.at.Add(d); w.at.Before(end); w.at = w.at.Add(time.Minute) {
		o := w.observation()
		for _, e := range o.Expected {
			s := w.seen[e.Key]
			if !w.dead[e.Collector] && !w.mute[e.Key] {
				s.Held = w.at
				if !w.cut {
					s.Last, s.Stored = w.at, s.Stored+3
					if w.garbled && e.Source == "proxy" && e.Collector == "a-1" {
						s.Quarantined += 3
					}
				}
			}
			w.seen[e.Key] = s
		}
		for _, c := range w.w.Observe(o) {
			if c.Over {
				if _, ok := w.open[c.Alert.ID]; !ok || c.Note.JA == "" || c.Note.EN == "" {
					w.t.Errorf("%s: an alert is over that was not open: %+v", w.at, c)
				}
				delete(w.open, c.Alert.ID)
				w.over++
				continue
			}
			w.open[c.Alert.ID] = c.Alert
			w.told = append(w.told, c.Alert)
		}
	}
}

// only is the one open alert.
func (w *world) only() event.Alert {
	w.t.Helper()
	if len(w.open) != 1 {
		w.t.Fatalf("%d alerts are open, want 1: %+v", len(w.open), w.open)
	}
	for _, a := range w.open {
		return a
	}
	panic("unreachable")
}

func TestTheAlertNamesTheLikelyCauseAndIsOverWhenItReturns(t *testing.T) {
	for _, c := range []struct {
		name  string
		wreck func(*world)
		heal  func(*world)
		key   string
		town  string
	}{
		{"a device stops", func(w *world) { w.mute[Key{"a-1", "fw"}] = true }, func(w *world) { clear(w.mute) }, "collector=a-1 source=fw cause=device", "312011"},
		{"a collector dies", func(w *world) { w.dead["a-1"] = true }, func(w *world) { clear(w.dead) }, "collector=a-1 cause=collector", "312011"},
		{"the only collector of a town dies", func(w *world) { w.dead["c-1"] = true }, func(w *world) { clear(w.dead) }, "collector=c-1 cause=collector", "313254"},
		{"a town is cut off", func(w *world) { w.dead["a-1"], w.dead["a-2"] = true, true }, func(w *world) { clear(w.dead) }, "town=312011 cause=link", "312011"},
		{"all towns are cut off", func(w *world) {
			for _, ids := range towns {
				for _, id := range ids {
					w.dead[id] = true
				}
			}
		}, func(w *world) { clear(w.dead) }, "prefecture cause=prefecture", ""},
		{"a format changes", func(w *world) { w.garbled = true }, func(w *world) { w.garbled = false }, "collector=a-1 source=proxy cause=format", "312011"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.wreck(w)
			w.pass(4 * time.Hour)
			a := w.only()
			if a.Key != c.key || a.Municipality != c.town || a.Rule != Rule || len(a.Respond.JA) == 0 || len(a.Respond.JA) != len(a.Respond.EN) {
				t.Errorf("%+v", a)
			}
			for _, text := range []string{a.Title.JA, a.Title.EN, a.Explain.JA, a.Explain.EN} {
				if text == "" || strings.Contains(text, "%!") {
					t.Errorf("%q", text)
				}
			}
			if d := a.End.Sub(a.Start); d > 20*time.Minute && !strings.Contains(c.name, "format") {
				t.Errorf("told %s after the last line", a.End.Sub(a.Start))
			}
			c.heal(w)
			w.pass(4 * time.Hour)
			if len(w.open) != 0 || len(w.told) != 1 {
				t.Errorf("%d told, still open: %+v", len(w.told), w.open)
			}
		})
	}
}

func TestLinesThatStayWithTheirCollectorsAreADelivery(t *testing.T) {
	w := newWorld(t)
	w.cut = true
	w.pass(20 * time.Minute)
	if len(w.open) != 6 {
		t.Errorf("%d alerts, want one for each collector", len(w.open))
	}
	for _, a := range w.open {
		if !strings.HasSuffix(a.Key, "cause=delivery") {
			t.Errorf("%s", a.Key)
		}
	}
	for _, s := range w.w.States() {
		if s.Phase != Silent || s.Cause != Delivery {
			t.Errorf("%+v", s)
		}
	}
	w.cut = false
	w.pass(5 * time.Minute)
	if len(w.open) != 0 {
		t.Errorf("%+v", w.open)
	}
}

func TestWhatNeverCameIsToldAfterAWeek(t *testing.T) {
	w := newWorld(t)
	w.mute[Key{"a-1", "new"}] = true
	o := w.observation()
	o.Expected = append(o.Expected, Expected{Key: Key{"a-1", "new"}, Municipality: "312011"})
	var told []event.Alert
	for range 9 * 24 * 60 {
		o.At = o.At.Add(time.Minute)
		for i := range o.Collectors {
			o.Collectors[i].Heard = o.At
		}
		for _, c := range w.w.Observe(o) {
			if strings.Contains(c.Alert.Key, "source=new") {
				told = append(told, c.Alert)
			}
		}
	}
	if len(told) != 1 || !strings.HasSuffix(told[0].Key, "cause=never") {
		t.Errorf("%+v", told)
	}
}

func TestASilenceThatSomebodyHasSetIsUsed(t *testing.T) {
	s, d := &source{First: time.Unix(1_790_000_000, 0), expected: Expected{Quiet: 10 * time.Minute}}, &days{}
	at := s.First
	for range 30 {
		minute(s, d, at, true)
		at = at.Add(time.Minute)
	}
	if got := until(*s, d, at, time.Hour); got < 9*time.Minute || got > 11*time.Minute {
		t.Errorf("told after %s", got)
	}
}

func TestARestartTellsNothingTwiceAndForgetsNothing(t *testing.T) {
	w := newWorld(t)
	w.mute[Key{"a-1", "fw"}] = true
	w.pass(time.Hour)
	first := w.only()
	path := filepath.Join(t.TempDir(), "silence.json")
	if err := w.w.Save(path); err != nil {
		t.Fatal(err)
	}
	before := w.w
	var err error
	if w.w, err = Load(path); err != nil {
		t.Fatal(err)
	}
	for k, s := range before.sources {
		if diff := cmp.Diff(s.Cadence, w.w.sources[k].Cadence); diff != "" {
			t.Fatal(diff)
		}
	}
	w.at = w.at.Add(3 * time.Hour) // while the program was not running
	w.pass(time.Hour)
	if a := w.only(); a.ID != first.ID || len(w.told) != 1 {
		t.Errorf("%+v after %+v", w.told, first)
	}
	clear(w.mute)
	w.pass(time.Hour)
	if len(w.open) != 0 {
		t.Errorf("still open: %+v", w.open)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes of state a source", info.Size()/int64(len(before.sources)))
}

func TestADamagedFileBeginsAnewAndSaysSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "silence.json")
	for _, text := range []string{"", "{", `{"sources":[null]}`, `{"sources":[{"Cadence":{"Hours":[[1]]}}]}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := Load(path)
		if w == nil || (err == nil) != strings.Contains(text, "sources") {
			t.Errorf("%q: %v", text, err)
		}
		w.Observe(Observation{At: time.Unix(1_790_000_000, 0)})
	}
}

func TestNobodyIsToldWhileThePrefectureItselfWasAway(t *testing.T) {
	w := newWorld(t)
	w.at = w.at.Add(24 * time.Hour) // all heartbeats and lines are a day old
	for _, ids := range towns {
		for _, id := range ids {
			w.dead[id] = true
		}
	}
	w.pass(5 * time.Minute)
	clear(w.dead)
	w.pass(24 * time.Hour)
	if len(w.told) != 0 {
		t.Errorf("%+v", w.told)
	}
}

func TestTooManySourcesAreCountedAndNotWatched(t *testing.T) {
	w := NewWatcher()
	o := Observation{At: time.Unix(1_790_000_000, 0)}
	for i := range maxSources + 7 {
		o.Expected = append(o.Expected, Expected{Key: Key{"c", fmt.Sprint(i)}})
	}
	if w.Observe(o); w.Refused() != 7 || len(w.States()) != maxSources {
		t.Errorf("%d refused, %d watched", w.Refused(), len(w.States()))
	}
}
