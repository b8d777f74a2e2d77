package drift

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
)

var origin = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) // a Sunday

// kind is a kind of event of a simulated device: how often its fields are there.
type kind struct {
	code, action string
	weight       func(at time.Time) float64
	fill         map[string]func(at time.Time) float64
}

func always(time.Time) float64 { return 1 }

func atWork(at time.Time) bool {
	at = at.Add(9 * time.Hour)
	return at.Weekday() != time.Sunday && at.Weekday() != time.Saturday && at.Hour() >= 8 && at.Hour() < 18
}

func work(day, rest float64) func(time.Time) float64 {
	return func(at time.Time) float64 {
		if atWork(at) {
			return day
		}
		return rest
	}
}

// firewall simulates one: users by day, machines by night and at
// weekends, bursts of one kind, fields that come and go with the kind.
type firewall struct {
	r     *rand.Rand
	kinds []kind
	pause func(at time.Time) time.Duration
	seq   uint64
	x     event.Builder
	burst int
	last  int
}

func newFirewall(seed uint64) *firewall {
	d := &firewall{r: rand.New(rand.NewPCG(seed, 2))}
	d.pause = func(at time.Time) time.Duration {
		if atWork(at) {
			return 40 * time.Second
		}
		return 4 * time.Minute
	}
	always := func(names ...string) map[string]func(time.Time) float64 {
		m := map[string]func(time.Time) float64{}
		for _, n := range names {
			m[n] = always
		}
		return m
	}
	traffic := always("source.ip", "source.port", "destination.ip", "destination.port", "acme.fw.policy", "acme.fw.vd", "rule.name")
	traffic["source.user.name"], traffic["destination.domain"] = work(0.8, 0), work(0.5, 0.4)
	denied := always("source.ip", "source.port", "destination.ip", "destination.port", "acme.fw.policy")
	denied["acme.fw.reason"], denied["rule.name"] = work(0.02, 0.2), work(0.9, 0.6)
	admin := always("user.name", "source.ip", "acme.fw.ui")
	admin["acme.fw.cfg"] = work(0.3, 0)
	d.kinds = []kind{
		{"13", "accept", work(10, 2), traffic},
		{"14", "deny", work(2, 6), denied},
		{"32001", "login", work(0.3, 0.01), admin},
		{"99", "", func(at time.Time) float64 { // a job of Saturday night
			if at.Weekday() == time.Saturday && at.Hour() < 3 {
				return 50
			}
			return 0.02
		}, always("process.name", "acme.fw.job")},
	}
	return d
}

// next makes the event of a moment; mend may change it.
func (d *firewall) next(b *event.Batch, at time.Time, mend func(*event.Builder, *kind)) *event.Event {
	if d.burst > 0 {
		d.burst--
	} else {
		sum := 0.0
		for _, k := range d.kinds {
			sum += k.weight(at)
		}
		left := d.r.Float64() * sum
		for i, k := range d.kinds {
			if left -= k.weight(at); left < 0 {
				d.last = i
				break
			}
		}
		if d.r.IntN(400) == 0 {
			d.burst = d.r.IntN(150)
		}
	}
	k := &d.kinds[d.last]
	x := &d.x
	set := func(name, text string) {
		f, ok := event.Intern(name)
		if !ok {
			panic(name)
		}
		v, ok := event.ParseAs(f.Type(), text)
		if !ok {
			panic(name)
		}
		x.Set(f, v)
	}
	set("event.dataset", "acme.fw")
	set("event.code", k.code)
	if k.action != "" {
		set("event.action", k.action)
	}
	for _, name := range slices.Sorted(maps.Keys(k.fill)) {
		if d.r.Float64() < k.fill[name](at) {
			set(name, map[bool]string{true: "192.0.2.1", false: "7"}[strings.HasSuffix(name, ".ip")])
		}
	}
	if d.r.IntN(200) == 0 {
		x.Add(event.MustLookup("quarantine"), "bad type for field x")
	}
	if mend != nil {
		mend(x, k)
	}
	d.seq++
	b.Reset()
	return b.Append(x, event.Ref{Collector: "c", Source: "fw", Epoch: 1, Seq: d.seq})
}

// run lets the device send for a while.
func (d *firewall) run(w *Drift, from, to time.Time, mend func(*event.Builder, *kind), tell func(time.Time, Change)) {
	var b event.Batch
	for at := from; at.Before(to); at = at.Add(time.Duration(d.r.ExpFloat64() * float64(d.pause(at)))) {
		e := d.next(&b, at, mend)
		w.Observe(e, &Origin{"312011", "internet", "fw1", "192.0.2.9", at.Unix()}, func(c Change) { tell(at, c) })
	}
}

func quiet(t *rapid.T) func(time.Time, Change) {
	return func(at time.Time, c Change) { t.Fatalf("%s: %s: %s", at, c.Alert.Key, c.Alert.Explain.EN) }
}

func TestAMonthOfOrdinaryVariationAlarmsNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newFirewall(rapid.Uint64().Draw(t, "seed"))
		slow := rapid.Float64Range(6, 60).Draw(t, "slow")
		pause := d.pause
		d.pause = func(at time.Time) time.Duration { return time.Duration(slow * float64(pause(at))) }
		d.run(New(""), origin, origin.AddDate(0, 0, 31), nil, quiet(t))
	})
}

// changes are firmware updates.
var changes = map[string]struct {
	mend  func(*event.Builder, *kind)
	want  []string // in the text
	cause string
}{
	"a key has another name": {func(x *event.Builder, _ *kind) {
		f := event.MustLookup("source.ip")
		if v, ok := x.Get(f); ok {
			x.Delete(f)
			g, _ := event.Intern("acme.fw.srcaddr")
			x.Set(g, event.String(v.Str()))
		}
	}, []string{"empty now: source.ip", "nobody knows: acme.fw.srcaddr", "acme.fw"}, "event.dataset=acme.fw"},
	"a key is gone in one kind": {func(x *event.Builder, k *kind) {
		if k.code == "13" {
			x.Delete(event.MustLookup("rule.name"))
		}
	}, []string{"empty now: rule.name", "(13 accept)"}, "event.dataset=acme.fw"},
	"what tells kinds apart is gone": {func(x *event.Builder, _ *kind) {
		x.Delete(event.MustLookup("event.code"))
		x.Delete(event.MustLookup("event.action"))
	}, []string{"empty now: event.action, event.code"}, "event.dataset=acme.fw"},
	"no format takes most lines": {func(x *event.Builder, k *kind) {
		if k.code != "14" {
			x.Reset()
			x.Set(event.MustLookup("event.dataset"), event.String("unknown"))
			x.Add(event.MustLookup("quarantine"), "no format")
		}
	}, []string{"% of the lines"}, "device=192.0.2.9"},
}

func TestAnUpdateIsToldWithinMinutesOnceAndItsEndToo(t *testing.T) {
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			d, w := newFirewall(7), New("")
			update := origin.AddDate(0, 0, 9).Add(time.Hour) // Tuesday, 10:00 in Japan
			d.pause = func(at time.Time) time.Duration {
				if at.Before(update.Add(-time.Hour)) {
					return time.Minute
				}
				return 3 * time.Second
			}
			d.run(w, origin, update, nil, func(at time.Time, c Change) { t.Fatalf("%s: %+v", at, c) })
			var told []Change
			var when time.Time
			d.run(w, update, update.Add(3*time.Hour), c.mend, func(at time.Time, x Change) { told, when = append(told, x), at })
			if len(told) != 1 || told[0].Over || when.Sub(update) > 16*time.Minute {
				t.Fatalf("%s after: %+v", when.Sub(update), told)
			}
			a := told[0].Alert
			if len(a.Events) != 1 || a.Events[0].Ref.Source != "fw" || !strings.Contains(a.Key, c.cause) || a.Municipality != "312011" || a.Respond.JA == nil {
				t.Errorf("%+v", a)
			}
			for _, want := range c.want {
				if !strings.Contains(a.Explain.EN, want) {
					t.Errorf("no %q in %s", want, a.Explain.EN)
				}
			}
			if r := w.Reports(); len(r) != 1 || r[0].Alert != a.ID {
				t.Errorf("%+v", r)
			}
			t.Logf("told after %s of %s", when.Sub(update), a.Explain.EN)
			mended := update.Add(3 * time.Hour)
			d.run(w, mended, mended.Add(5*time.Hour), nil, func(at time.Time, x Change) { told = append(told, x) })
			if len(told) != 2 || !told[1].Over || told[1].Alert.ID != a.ID || len(w.Reports()) != 0 {
				t.Errorf("%+v", told)
			}
		})
	}
}

func TestWhatLastsForEightDaysBecomesNormal(t *testing.T) {
	d, w := newFirewall(8), New("")
	d.pause = func(time.Time) time.Duration { return time.Minute }
	update := origin.AddDate(0, 0, 10)
	var told []Change
	note := func(_ time.Time, c Change) { told = append(told, c) }
	d.run(w, origin, update, nil, note)
	d.run(w, update, update.AddDate(0, 0, 20), changes["a key has another name"].mend, note)
	if len(told) != 2 || told[0].Over || !told[1].Over || !strings.Contains(told[1].Note.EN, "eight days") {
		t.Errorf("%+v", told)
	}
}

func TestOtherFormatsHereAreNoUpdateThere(t *testing.T) {
	d, w := newFirewall(9), New("formats 1")
	d.pause = func(time.Time) time.Duration { return time.Minute }
	update := origin.AddDate(0, 0, 10)
	fail := func(at time.Time, c Change) { t.Fatalf("%s: %+v", at, c) }
	d.run(w, origin, update, nil, fail)
	next := New("formats 2")
	if !next.Restore(w.Snapshot()) {
		t.Fatal("not restored")
	}
	d.run(next, update, update.AddDate(0, 0, 3), changes["a key has another name"].mend, fail)
}

func TestWhatIsKnownSurvivesACheckpointAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		update := origin.AddDate(0, 0, 9)
		run := func(stop func() bool) (out []Change, state string) {
			d, w := newFirewall(seed), New("")
			d.pause = func(time.Time) time.Duration { return 5 * time.Minute }
			var b event.Batch
			for at := origin; at.Before(update.Add(5 * time.Hour)); at = at.Add(time.Duration(d.r.ExpFloat64() * float64(d.pause(at)))) {
				mend := changes["a key has another name"].mend
				if at.Before(update) {
					mend = nil
				} else {
					d.pause = func(time.Time) time.Duration { return 10 * time.Second }
				}
				w.Observe(d.next(&b, at, mend), &Origin{"312011", "", "fw1", "192.0.2.9", at.Unix()}, func(c Change) { out = append(out, c) })
				if stop() {
					next := New("")
					if !next.Restore(w.Snapshot()) {
						t.Fatal("not restored")
					}
					w = next
				}
			}
			return out, string(w.Snapshot())
		}
		stops := rand.New(rand.NewPCG(seed, 3))
		a, as := run(func() bool { return false })
		b, bs := run(func() bool { return stops.IntN(300) == 0 })
		if fmt.Sprint(a) != fmt.Sprint(b) || as != bs {
			t.Fatalf("%d and %d changes\n%v\n%v", len(a), len(b), a, b)
		}
	})
}

// TestWilsonHoldsWhatItPromises compares the bound with the exact tail of the
// binomial distribution.
func TestWilsonHoldsWhatItPromises(t *testing.T) {
	for _, n := range []int{20, 50, 200} {
		for k := range n + 1 {
			low, high := wilson(float64(k), float64(n))
			if low < -1e-9 || high > 1+1e-9 || low > float64(k)/float64(n)+1e-9 || high < float64(k)/float64(n)-1e-9 {
				t.Fatalf("%d of %d: %f %f", k, n, low, high)
			}
			if tail := atMost(k, n, high); k <= n/2 && tail > 0.003 {
				t.Errorf("%d of %d: %.4f, where so few still have a chance of %.5f", k, n, high, tail)
			}
		}
	}
}

// atMost is the chance of k or fewer of n.
func atMost(k, n int, p float64) float64 {
	sum := 0.0
	for i := range k + 1 {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(i + 1))
		c, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(a - b - c + float64(i)*math.Log(p) + float64(n-i)*math.Log(1-p))
	}
	return sum
}

func FuzzRestore(f *testing.F) {
	d, w := newFirewall(1), New("")
	d.run(w, origin, origin.Add(time.Hour), nil, func(time.Time, Change) {})
	f.Add(w.Snapshot())
	f.Fuzz(func(_ *testing.T, b []byte) {
		w := New("")
		w.Restore(b)
		d := newFirewall(1)
		d.run(w, origin, origin.Add(20*time.Minute), nil, func(time.Time, Change) {})
		w.Snapshot()
	})
}

func BenchmarkObserve(b *testing.B) {
	for _, pause := range []time.Duration{time.Millisecond, time.Second, time.Minute} {
		b.Run(pause.String(), func(b *testing.B) {
			d, w := newFirewall(1), New("")
			var batches [64]event.Batch
			var events []*event.Event
			for i := range batches {
				e := d.next(&batches[i], origin, func(x *event.Builder, _ *kind) {
					for j := range 40 { // as many fields as a firewall's line has
						f, _ := event.Intern(fmt.Sprintf("acme.fw.field%d", j))
						x.Set(f, event.String("x"))
					}
				})
				events = append(events, e)
			}
			o := Origin{"312011", "", "fw1", "192.0.2.9", origin.Unix()}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				o.At = origin.Add(time.Duration(i) * pause).Unix()
				w.Observe(events[i&63], &o, func(Change) {})
				i++
			}
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	w := New("")
	var batch event.Batch
	d := newFirewall(1)
	for i := range most {
		for n := range 200 {
			e := d.next(&batch, origin, nil)
			e.Collector = fmt.Sprint(i / 32)
			w.Observe(e, &Origin{"312011", "", fmt.Sprint(i), fmt.Sprint(i), origin.Unix() + int64(n)}, func(Change) {})
		}
	}
	size := 0
	for b.Loop() {
		size = len(w.Snapshot())
	}
	b.ReportMetric(float64(size)/float64(2*len(w.table.Rows())), "B/row")
}
