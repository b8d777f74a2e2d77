package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/lang"
)

// edit is a rewriter made of a function; it counts.
type edit struct {
	f                func(e *event.Event, x *event.Builder) bool
	asked, changed   int // not settled yet
	stored, answered int
}

func (w *edit) Rewrite(e *event.Event, x *event.Builder) bool {
	w.asked++
	if !w.f(e, x) {
		return false
	}
	w.changed++
	return true
}

func (w *edit) Settle(stored bool) {
	if stored {
		w.stored, w.answered = w.stored+w.changed, w.answered+w.asked
	}
	w.asked, w.changed = 0, 0
}

// stamp marks events with a field, once, and moves what it marks to another
// dataset and time.
func stamp(mark string) func(e *event.Event, x *event.Builder) bool {
	f, dataset, at := event.MustLookup("rule.name"), event.MustLookup("event.dataset"), event.MustLookup("@timestamp")
	return func(e *event.Event, x *event.Builder) bool {
		if e.Str(f) == mark {
			return false
		}
		x.Load(e)
		x.Set(f, event.String(mark))
		x.Set(dataset, event.String(mark+".moved"))
		if v, ok := e.Get(at); ok {
			x.Set(at, event.Time(v.Int()-int64(time.Hour)))
		}
		return true
	}
}

// everything reads all events of a store.
func everything(t failer, s *Store) map[event.Ref]*event.Event {
	t.Helper()
	out := map[event.Ref]*event.Event{}
	for q := (event.Query{Limit: 10_000}); ; {
		page, err := s.Search(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for i := range page.Batch.Events {
			e := &page.Batch.Events[i]
			if out[e.Ref] != nil {
				t.Fatal("twice: ", e.Ref)
			}
			out[e.Ref] = e
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return out
		}
	}
}

// TestRewritingIsWhatAListWouldDo lets any condition choose among any events,
// which get other values, fewer and more fields, and compares with the same
// done to the events in memory.
func TestRewritingIsWhatAListWouldDo(t *testing.T) {
	s := open(t, t.TempDir(), Options{Lists: knownList{}})
	texts := []string{"", `has(source.ip)`, `!has(user.name)`, `event.dataset == "a" || tags == "sato"`, `x.Vendor == "a"`, `sato`, `source.port > 400`}
	rapid.Check(t, func(t *rapid.T) {
		wipe(s)
		want := map[event.Ref]*event.Event{}
		for i := range rapid.IntRange(1, 4).Draw(t, "segments") {
			b := genBatch(t, 30)
			for j := range b.Events {
				b.Events[j].Epoch += uint64(i)
				want[b.Events[j].Ref] = &b.Events[j]
			}
			commit(t, s, b)
		}
		before, frames := s.Stats(), fmt.Sprint(s.Frames())
		text := rapid.SampledFrom(texts).Draw(t, "text")
		expr, err := lang.ParseSearch(text)
		if err != nil {
			t.Fatal(err)
		}
		// What becomes of each event, decided beforehand.
		program, next, changed, asked := expr.Compile(knownList{}), &event.Batch{}, 0, 0
		become := map[event.Ref]int{}
		for _, ref := range slices.SortedFunc(maps.Keys(want), compareRefs) {
			if !program(want[ref]) {
				continue
			}
			asked++
			if x := new(event.Builder); genChange(t, want[ref], x) {
				become[ref] = len(next.Events)
				next.Append(x, ref)
				changed++
			}
		}
		w := &edit{f: func(e *event.Event, x *event.Builder) bool {
			if d := same(want[e.Ref], e); d != "" {
				t.Fatal("shown as another: ", d)
			}
			i, ok := become[e.Ref]
			if ok {
				x.Load(&next.Events[i])
			} else {
				x.Set(event.MustLookup("user.name"), event.String("left over"))
			}
			return ok
		}}
		if err := s.Rewrite(context.Background(), event.Query{Text: text}, w); err != nil {
			t.Fatal(err)
		}
		for ref, i := range become {
			want[ref] = &next.Events[i]
		}
		if w.stored != changed || w.answered != asked {
			t.Fatalf("%d of %d changed, want %d of %d", w.stored, w.answered, changed, asked)
		}
		got := everything(t, s)
		if len(got) != len(want) {
			t.Fatalf("%d events of %d", len(got), len(want))
		}
		for ref, e := range want {
			if got[ref] == nil {
				t.Fatal("lost: ", ref)
			}
			if d := same(e, got[ref]); d != "" {
				t.Fatal(d)
			}
		}
		if after := s.Stats(); after.Events != before.Events || after.Segments != before.Segments || fmt.Sprint(s.Frames()) != frames {
			t.Fatalf("%+v, before %+v", after, before)
		}
		checkManifests(t, s, want)
	})
}

func compareRefs(a, b event.Ref) int {
	return strings.Compare(fmt.Sprintf("%s %d %d", a.Source, a.Epoch, a.Seq), fmt.Sprintf("%s %d %d", b.Source, b.Epoch, b.Seq))
}

// genChange makes another event of the same municipality, or none.
func genChange(t *rapid.T, e *event.Event, x *event.Builder) bool {
	if rapid.IntRange(0, 2).Draw(t, "left alone") == 0 {
		return false
	}
	if rapid.Bool().Draw(t, "keeps") {
		x.Load(e)
	}
	for range rapid.IntRange(1, 4).Draw(t, "fields") {
		f := genField(t)
		x.Set(f, genValue(t, f))
	}
	if rapid.Bool().Draw(t, "timed") {
		x.Set(event.MustLookup("@timestamp"), event.Time(genTimes.Draw(t, "at")))
	}
	tenant := event.MustLookup("municipality")
	if x.Delete(tenant); e.Has(tenant) {
		x.Set(tenant, event.String(e.Str(tenant)))
	}
	return true
}

// checkManifests compares what the manifests say with the events.
func checkManifests(t *rapid.T, s *Store, want map[event.Ref]*event.Event) {
	tenants, untimed := map[string]int64{}, int64(0)
	for _, e := range want {
		tenants[e.Str(event.MustLookup("municipality"))]++
		if !e.Has(event.MustLookup("@timestamp")) {
			untimed++
		}
	}
	st := s.Stats()
	if !maps.Equal(tenants, st.Tenants) {
		t.Fatalf("municipalities %v, the manifests say %v", tenants, st.Tenants)
	}
	for _, g := range s.segments {
		untimed -= g.manifest.Untimed
	}
	if untimed != 0 {
		t.Fatalf("%d events without time too few in the manifests", untimed)
	}
}

func TestRewritingTwiceChangesNothingAndWritesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	m := newMix(11)
	commit(t, s, m.batch(500))
	commit(t, s, m.batch(700))
	w := &edit{f: stamp("one")}
	q := event.Query{Text: `event.action == "deny"`}
	if err := s.Rewrite(context.Background(), q, w); err != nil || w.stored == 0 {
		t.Fatal(w.stored, err)
	}
	first, files := answers(t, s), segmentFiles(t, dir)
	again := &edit{f: stamp("one")}
	if err := s.Rewrite(context.Background(), q, again); err != nil || again.stored != 0 || again.answered != w.answered {
		t.Fatalf("%d of %d, %v", again.stored, again.answered, err)
	}
	if got := segmentFiles(t, dir); !slices.Equal(got, files) || answers(t, s) != first {
		t.Fatalf("%v, before %v", got, files)
	}
	none := &edit{f: stamp("none")}
	if err := s.Rewrite(context.Background(), event.Query{Tenants: []string{"999999"}}, none); err != nil || none.answered != 0 {
		t.Fatal(none.answered, err)
	}
}

func segmentFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*seg-*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestLargeSegmentsAreRewrittenInPieces has more changed rows than are in
// memory at once, over several row groups, and keeps the order of rows.
func TestLargeSegmentsAreRewrittenInPieces(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	commit(t, s, newMix(12).batch(rowGroupRows+partRows/2))
	born := s.segments[0].born()
	n := 0
	w := &edit{}
	mark := stamp("big")
	w.f = func(e *event.Event, x *event.Builder) bool { n++; return n%3 > 0 && mark(e, x) }
	before := s.Stats()
	if err := s.Rewrite(context.Background(), event.Query{}, w); err != nil {
		t.Fatal(err)
	}
	if w.stored < partRows+1 || int64(w.answered) != before.Events {
		t.Fatalf("%d of %d", w.stored, w.answered)
	}
	got, err := s.Count(context.Background(), event.Query{Text: `event.dataset == "big.moved"`})
	if err != nil || got != int64(w.stored) {
		t.Fatal(got, err)
	}
	if st := s.Stats(); st.Events != before.Events || st.Segments != 1 || !st.Oldest.Equal(before.Oldest.Add(-time.Hour)) && !st.Oldest.Equal(before.Oldest) {
		t.Fatalf("%+v, before %+v", st, before)
	}
	if g := s.segments[0]; g.born() != born {
		t.Errorf("written at %d, now %d", born, g.born())
	}
	if files := segmentFiles(t, dir); len(files) != 1 {
		t.Errorf("left over: %v", files)
	}
	var out int64
	err = (&question{s: s, ctx: context.Background()}).rows(`SELECT count(*) FROM (SELECT municipality || chr(1) || "event.dataset" AS k, lag(municipality || chr(1) || "event.dataset") OVER (ORDER BY file_row_number) AS p,
		"@timestamp" AS t, lag("@timestamp") OVER (ORDER BY file_row_number) AS u FROM read_parquet(`+quote(s.segments[0].path)+`, file_row_number = true)) WHERE p > k OR p = k AND u > t`, func(r *sql.Rows) error { return r.Scan(&out) })
	if err != nil || out != 0 {
		t.Errorf("%d rows out of order, %v", out, err)
	}
}

// TestQueriesAndCommitsGoOnWhileRewriting counts all the time, and stores and
// compacts beside.
func TestQueriesAndCommitsGoOnWhileRewriting(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	m := newMix(13)
	for range 12 {
		commit(t, s, m.batch(300))
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			if n, err := s.Count(context.Background(), event.Query{Text: `has(event.kind)`}); err != nil || n < 3600 || (n-3600)%40 != 0 {
				t.Errorf("%d events, %v", n, err)
				return
			}
		}
	})
	added := int64(0)
	first := true
	w := &edit{}
	mark := stamp("beside")
	w.f = func(e *event.Event, x *event.Builder) bool {
		if first {
			first = false
			for range mergeFactor { // enough to be merged, when its turn comes
				commit(t, s, m.batch(40))
				added += 40
			}
			wg.Go(func() {
				if err := s.Compact(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		return mark(e, x)
	}
	err := s.Rewrite(context.Background(), event.Query{}, w)
	cancel()
	wg.Wait()
	if err != nil || w.stored != 3600 {
		t.Fatal(w.stored, err)
	}
	if err := s.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := int64(len(everything(t, s))); n != 3600+added {
		t.Fatalf("%d events, stored %d", n, 3600+added)
	}
	if n, err := s.Count(context.Background(), event.Query{Text: `rule.name == "beside"`}); n != 3600 || err != nil {
		t.Fatal(n, err)
	}
	if len(s.segments) >= mergeFactor {
		t.Errorf("compaction leaves %d segments alone", len(s.segments))
	}
}
