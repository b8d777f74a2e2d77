package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
)

// taker is a sink that remembers what it was given.
type taker struct {
	got   map[event.Ref]string // the version that it was given last
	times map[event.Ref]int
	most  int
	blind int    // events taken as new that it had in another version
	fail  int    // so many calls fail
	stop  int    // after so many calls that don't
	end   func() // then this is called
}

func newTaker() *taker {
	return &taker{got: map[event.Ref]string{}, times: map[event.Ref]int{}, stop: -1}
}

func (k *taker) Take(_ context.Context, b *event.Batch) error {
	if k.fail > 0 {
		k.fail--
		return errors.New("the engine is down")
	}
	if k.stop == 0 {
		k.end()
		return errors.New("stopped")
	}
	k.stop--
	k.most = max(k.most, len(b.Events))
	for i := range b.Events {
		e := &b.Events[i]
		version := e.Str(event.MustLookup("rule.name"))
		if was, ok := k.got[e.Ref]; ok && was != version {
			k.blind++
		}
		k.got[e.Ref] = version
		k.times[e.Ref]++
	}
	return nil
}

// Replace is told of what may have changed.
func (k *taker) Replace(ctx context.Context, b *event.Batch) error {
	blind := k.blind
	defer func() { k.blind = blind }()
	return k.Take(ctx, b)
}

// catchUp does what Follow does until there is no more, or the taker stops it.
func catchUp(t failer, s *Store, name string, k *taker) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	k.end = cancel
	f := s.follower(name)
	for {
		g, all, _ := s.nextFor(f)
		if g == nil {
			return
		}
		err := s.give(ctx, f, g, all, k)
		s.release([]*segment{g})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// following is the machine that TestFollowGivesEverything runs, beside which
// live and gone are naive sets.
type following struct {
	t     *rapid.T
	s     *Store
	opts  Options
	dir   string
	now   time.Time
	next  map[string]uint64
	live  map[event.Ref]string
	ever  map[event.Ref]bool
	marks int
	sinks map[string]*taker
	again bool // events may come more than once
}

func (m *following) open() {
	s, err := Open(m.dir, m.opts)
	if err != nil {
		m.t.Fatal(err)
	}
	s.retry = 1
	m.s = s
}

func (m *following) commits(t *rapid.T) {
	for range rapid.IntRange(1, 9).Draw(t, "commits") {
		m.now = m.now.Add(time.Minute)
		c, x := Commit{}, new(event.Builder)
		for range rapid.IntRange(1, 3).Draw(t, "frames") {
			b, source := new(event.Batch), rapid.SampledFrom([]string{"a", "b", "c", "gaps"}).Draw(t, "source")
			n := rapid.IntRange(1, 5).Draw(t, "events")
			if source == "gaps" {
				n = 0
			}
			f := FrameRange{Collector: "k", Source: source, Epoch: 1, First: m.next[source] + 1, Last: m.next[source] + uint64(max(n, 1)), Stored: uint64(n)}
			for i := range uint64(n) {
				ref := event.Ref{Collector: "k", Source: source, Epoch: 1, Seq: f.First + i}
				x.Set(event.MustLookup("@timestamp"), event.Time(m.now.UnixNano()))
				x.Set(event.MustLookup("municipality"), event.String([]string{"131016", "141003"}[i%2]))
				b.Append(x, ref)
				m.live[ref], m.ever[ref] = "", true
			}
			m.next[source] = f.Last + uint64(rapid.IntRange(0, 1).Draw(t, "hole"))
			c.Batches, c.Frames = append(c.Batches, b), append(c.Frames, f)
		}
		if err := m.s.Commit(context.Background(), c); err != nil {
			m.t.Fatal(err)
		}
	}
}

func (m *following) compact(*rapid.T) {
	if err := m.s.Compact(context.Background()); err != nil {
		m.t.Fatal(err)
	}
}

func (m *following) restart(*rapid.T) {
	m.now = m.now.Add(time.Second) // a name for each segment
	if err := m.s.Close(); err != nil {
		m.t.Fatal(err)
	}
	m.open()
}

func (m *following) rewrite(t *rapid.T) {
	m.marks++
	source := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "source")
	mark := fmt.Sprint("m", m.marks)
	w := &edit{f: func(e *event.Event, x *event.Builder) bool {
		if e.Source != source {
			return false
		}
		x.Load(e)
		x.Set(event.MustLookup("rule.name"), event.String(mark))
		m.live[e.Ref] = mark
		return true
	}}
	if err := m.s.Rewrite(context.Background(), event.Query{}, w); err != nil {
		m.t.Fatal(err)
	}
}

func (m *following) retain(t *rapid.T) {
	age := func(what string) time.Time {
		return m.now.Add(-time.Duration(rapid.IntRange(0, 60).Draw(t, what)) * time.Minute)
	}
	one, others := age("age"), age("others' age")
	if _, err := m.s.Retain(context.Background(), func(town, _ string) time.Time {
		if town == "131016" {
			return one
		}
		return others
	}); err != nil {
		m.t.Fatal(err)
	}
	left := map[event.Ref]bool{}
	for _, g := range m.s.segments {
		rows := make([]int, g.manifest.Events)
		for i := range rows {
			rows[i] = i
		}
		err := m.s.walk(context.Background(), g, rows, func(b *event.Batch, _ []int) error {
			for _, e := range b.Events {
				left[e.Ref] = true
			}
			return nil
		})
		if err != nil {
			m.t.Fatal(err)
		}
	}
	maps.DeleteFunc(m.live, func(r event.Ref, _ string) bool { return !left[r] })
}

func (m *following) stopped(t *rapid.T) {
	name := rapid.SampledFrom([]string{"keeps", "once", "late"}).Draw(t, "sink")
	k := m.sinks[name]
	k.stop, m.again = rapid.IntRange(0, 3).Draw(t, "stop"), true
	catchUp(m.t, m.s, name, k)
	k.stop = -1
}

// caughtUp lets the sinks catch up and compares.
func (m *following) caughtUp(t *rapid.T) {
	for i, name := range []string{"keeps", "once", "late"} {
		k := m.sinks[name]
		st := m.s.Stats().Sinks[i]
		lacks := 0
		for ref := range m.live {
			if _, ok := k.got[ref]; !ok {
				lacks++
			}
		}
		if st.Behind < int64(lacks) || lacks == 0 && st.Behind > 0 && !m.again && m.marks == 0 || st.Behind > 0 && st.Oldest.IsZero() {
			m.t.Fatalf("%s lacks %d events: %+v", name, lacks, st)
		}
		k.fail = rapid.IntRange(0, 3).Draw(t, "fail")
		catchUp(m.t, m.s, name, k)
		m.compare(name, k, m.s.Stats().Sinks[i])
	}
}

func (m *following) compare(name string, k *taker, st SinkStats) {
	if st.Behind != 0 || !st.Oldest.IsZero() || st.Err != "" || len(st.Damaged) > 0 {
		m.t.Fatalf("%s: %+v", name, st)
	}
	if name == "keeps" && k.blind > 0 {
		m.t.Fatalf("%d changed events came as new ones", k.blind)
	}
	for ref, version := range m.live {
		if got, ok := k.got[ref]; !ok || name == "keeps" && got != version {
			m.t.Fatalf("%s has %v: %v in version %q, not %q", name, ref, ok, got, version)
		}
	}
	lost := int64(0)
	for ref := range m.ever {
		if k.times[ref] == 0 {
			lost++
		}
		if k.times[ref] > 1 && !m.again && (name == "once" || m.marks == 0) {
			m.t.Fatalf("%s was given %v %d times", name, ref, k.times[ref])
		}
	}
	if st.Lost < lost || st.Lost > lost && !m.again && m.marks == 0 {
		m.t.Fatalf("%s lost %d: %+v", name, lost, st)
	}
}

func TestFollowGivesEverything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		m := &following{t: rt, dir: dir, now: time.Unix(1_700_000_000, 0), next: map[string]uint64{}, live: map[event.Ref]string{}, ever: map[event.Ref]bool{}}
		m.sinks = map[string]*taker{"keeps": newTaker(), "once": newTaker(), "late": newTaker()}
		m.opts = Options{Threads: 1, Now: func() time.Time { return m.now }, Sinks: []SinkOptions{
			{Name: "keeps", Replace: true, Keep: 1000 * time.Hour}, {Name: "once", Keep: 30 * time.Minute}, {Name: "late"},
		}}
		m.open()
		defer func() { m.s.Close() }()
		steps := []func(*rapid.T){m.commits, m.commits, m.commits, m.compact, m.compact, m.restart, m.rewrite, m.retain, m.stopped, m.caughtUp}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			steps[rapid.IntRange(0, len(steps)-1).Draw(rt, "step")](rt)
		}
		m.caughtUp(rt)
		files, err := filepath.Glob(filepath.Join(dir, "seg-*"))
		if err != nil || len(files) != m.s.Stats().Segments {
			rt.Fatal("a segment's file was not let go: ", files, err)
		}
	})
}
