package loki

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/internal/testkit"
	"mimamori/store"
)

// counted tells when a sink has had so many different events.
type counted struct {
	to   store.Sink
	want int
	had  map[event.Ref]bool
	done chan struct{}
}

func (c *counted) Take(ctx context.Context, b *event.Batch) error {
	if err := c.to.Take(ctx, b); err != nil {
		return err
	}
	before := len(c.had)
	for _, e := range b.Events {
		c.had[e.Ref] = true
	}
	if before < c.want && len(c.had) >= c.want {
		close(c.done)
	}
	return nil
}

// faulty passes requests on to Loki, of which many fail: before Loki has them,
// or after, so that the answer is lost.
func faulty(t *testing.T, to string) *httptest.Server {
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	pass := httputil.NewSingleHostReverseProxy(u)
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n.Add(1) % 5 {
		case 1:
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			pass.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case 3:
			pass.ServeHTTP(httptest.NewRecorder(), r)
			w.WriteHeader(http.StatusGatewayTimeout)
		default:
			pass.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// commitAll stores a batch as one segment.
func commitAll(t *testing.T, s *store.Store, b *event.Batch) {
	t.Helper()
	c := store.Commit{Batches: []*event.Batch{b}}
	for _, e := range b.Events {
		c.Frames = append(c.Frames, store.FrameRange{Collector: e.Collector, Source: e.Source, Epoch: e.Epoch, First: e.Seq, Last: e.Seq, Stored: 1})
	}
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// follow lets a sink catch up until it has had so many events, while do runs.
func follow(t *testing.T, s *store.Store, to store.Sink, want int, do func()) {
	t.Helper()
	c := &counted{to, want, map[event.Ref]bool{}, make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Follow(ctx, "loki", c); err != nil {
			t.Error(err)
		}
	})
	do()
	<-c.done
	cancel()
	wg.Wait()
}

// ids of a tenant's lines in Loki; one that is there twice fails the test.
func ids(t *testing.T, l *testkit.Loki, tenant string, from, to time.Time) map[string]testkit.LokiLine {
	t.Helper()
	out := map[string]testkit.LokiLine{}
	for _, x := range l.Query(t, tenant, `{municipality=~".+"}`, from, to) {
		id := x.Labels["id"]
		if _, twice := out[id]; twice || id == "" {
			t.Errorf("%q is there twice, or is nothing: %v", id, x)
		}
		out[id] = x
	}
	return out
}

// flushed has Loki write out what is in its memory and returns a tenant's lines
// since then, once so many are found: it has answered before all is written. Each
// time it is asked another question, for it remembers answers.
func flushed(t *testing.T, l *testkit.Loki, tenant string, want int, from time.Time) (got map[string]testkit.LokiLine) {
	t.Helper()
	l.Flush(t)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for try := range 120 {
		if got = ids(t, l, tenant, from.Add(-time.Duration(try)*time.Second), now.Add(time.Hour)); len(got) >= want {
			break
		}
		<-tick.C
	}
	if len(got) != want {
		t.Errorf("%s has %d lines, want %d", tenant, len(got), want)
	}
	return got
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.TempDir(), store.Options{Threads: 1, Sinks: []store.SinkOptions{{Name: "loki"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestEverythingArrivesOnce(t *testing.T) {
	l := testkit.NewLoki(t)
	s := openStore(t)
	towns := []string{"131016", "141003"}
	const each = 3000
	seq := uint64(0)
	for range 4 {
		b := new(event.Batch)
		for range each / 2 {
			seq++ // of two events of a town the line and time are the same
			made(b, towns[seq%2], fmt.Sprint("line ", seq/4, " <134>date=2026 user=\"佐藤\""), seq, time.Duration(seq/4)*time.Millisecond)
		}
		commitAll(t, s, b)
	}
	to := sink(t, Config{URL: faulty(t, l.URL).URL, Refused: func(r Refusal) { t.Error("refused: ", r) }})
	follow(t, s, to, 2*each, func() {})
	for i, town := range towns {
		got := ids(t, l, town, now.Add(-time.Hour), now.Add(time.Hour))
		if len(got) != each {
			t.Errorf("%s has %d lines, want %d", town, len(got), each)
		}
		for n := uint64(1); n <= seq; n++ {
			id := fmt.Sprintf("c1/fw/7/%d", n)
			x, ok := got[id]
			if ok != (int(n%2) == i) {
				t.Fatalf("%s has %s: %v", town, id, ok)
			}
			if !ok {
				continue
			}
			if want := fmt.Sprint("line ", n/4, " <134>date=2026 user=\"佐藤\""); x.Line != want || x.Labels["municipality"] != town ||
				x.Labels["zone"] != "lgwan" || x.Labels["dataset"] != "test.log" || x.Labels["lane"] != laneLive ||
				x.Labels["user_name"] != "sato" || x.Labels["source_ip"] != "192.0.2.7" {
				t.Fatalf("%+v, want %q", x, want)
			}
		}
		if n := len(l.Query(t, town, `{dataset="test.log"} | source_ip="192.0.2.7" | user_name="sato" |= "line 7 "`, now.Add(-time.Hour), now.Add(time.Hour))); n != 2 {
			t.Errorf("LogQL over metadata finds %d lines of %s", n, town)
		}
	}
}

func TestNothingIsLostWhileLokiIsDown(t *testing.T) {
	l := testkit.NewLoki(t)
	s := openStore(t)
	batch := func(from, to uint64) {
		b := new(event.Batch)
		for n := from; n <= to; n++ {
			made(b, "131016", fmt.Sprint("line ", n), n, 0)
		}
		commitAll(t, s, b)
	}
	batch(1, 500)
	to := sink(t, Config{URL: l.URL, Refused: func(r Refusal) { t.Error("refused: ", r) }})
	follow(t, s, to, 500, func() {})
	l.Kill(t)
	for n := range uint64(10) {
		batch(501+100*n, 600+100*n)
	}
	if err := s.Compact(t.Context()); err != nil { // what it has had is in one file with what it has not
		t.Fatal(err)
	}
	if st := s.Stats().Sinks[0]; st.Behind != 1000 || st.Oldest.IsZero() {
		t.Errorf("%+v", st)
	}
	follow(t, s, to, 1100, func() {
		l.Start(t)
		batch(1501, 1600)
	})
	if got := ids(t, l, "131016", now.Add(-time.Hour), now.Add(time.Hour)); len(got) != 1600 {
		t.Errorf("%d lines, want 1600", len(got))
	}
	if st := s.Stats().Sinks[0]; st.Behind != 0 || st.Err != "" {
		t.Errorf("%+v", st)
	}
}

// TestADayWithoutLoki loses it for 24 hours in which two towns go on sending, some
// of it late, and segments are merged; when it is back, what comes now comes, too.
func TestADayWithoutLoki(t *testing.T) {
	l := testkit.NewLoki(t)
	s := openStore(t)
	towns := []string{"131016", "141003"}
	const each = 60 // lines of a town in an hour
	seq := uint64(0)
	hour := func(ago int) {
		b := new(event.Batch)
		for n := range 2 * each {
			delay := time.Duration(n%7) * 10 * time.Second
			if n%13 == 0 {
				delay = time.Duration(n) * time.Minute // held up in the town
			}
			seq++
			madeAt(b, towns[seq%2], fmt.Sprint("line ", seq), seq, arrival{now.Add(time.Duration(n*30-ago*3600) * time.Second), delay})
		}
		commitAll(t, s, b)
	}
	hour(25)
	to := sink(t, Config{URL: l.URL, Refused: func(r Refusal) { t.Error("refused: ", r) }})
	follow(t, s, to, int(seq), func() {})
	l.Kill(t)
	for ago := 24; ago > 1; ago-- {
		hour(ago)
		if ago%8 == 0 {
			if err := s.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	st := s.Stats().Sinks[0]
	if st.Behind != 23*2*each || now.Sub(st.Oldest) < 23*time.Hour {
		t.Errorf("%+v", st)
	}
	l.Start(t)
	follow(t, s, to, int(st.Behind)+2*each, func() { hour(1) })
	for _, town := range towns {
		flushed(t, l, town, 25*each, now.Add(-30*time.Hour))
	}
	if st := s.Stats().Sinks[0]; st.Behind != 0 || st.Err != "" {
		t.Errorf("%+v", st)
	}
}

func TestLateAndOldEvents(t *testing.T) {
	l := testkit.NewLoki(t)
	var refused []Refusal
	s := sink(t, Config{URL: l.URL, Refused: func(r Refusal) { refused = append(refused, r) }})
	day := 24 * time.Hour
	b := new(event.Batch)
	for i, delay := range []time.Duration{0, day, 4 * day, 2 * time.Hour, 3 * day, 2 * day, 0, 400 * day, -day, 40 * time.Minute} { // in no order
		made(b, "131016", fmt.Sprint("line ", i), uint64(i), delay)
	}
	x := new(event.Builder) // what arrived before Loki's limit, as after an outage of weeks
	x.Set(fMunicipality, event.String("131016"))
	x.Set(fIngested, event.Time(now.Add(-30*day).UnixNano()))
	x.Set(fTime, event.Time(now.Add(-30*day).UnixNano()))
	b.Append(x, event.Ref{Collector: "c1", Source: "fw", Epoch: 7, Seq: 99})
	for range 2 {
		if err := s.Take(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	got := flushed(t, l, "131016", 10, now.Add(-6*day))
	if x := got["c1/fw/7/7"]; x.Labels["lane"] != laneArrival || !x.Time.Equal(now) || x.Labels["time"] != now.Add(-400*day).UTC().Format(time.RFC3339Nano) {
		t.Errorf("%+v", x)
	}
	if x := got["c1/fw/7/2"]; x.Labels["lane"] != laneBackfill || !x.Time.Equal(now.Add(-4*day)) {
		t.Errorf("%+v", x)
	}
	if len(refused) != 2 || refused[0].Ref.Seq != 99 || !strings.Contains(refused[0].Reason, "too old") {
		t.Errorf("refused: %+v", refused)
	}
}

func TestLimitsOfLokiAreWaitedFor(t *testing.T) {
	l := testkit.NewLoki(t, "ingestion_rate_mb: 2", "ingestion_burst_size_mb: 2", "per_stream_rate_limit: 2MB", "per_stream_rate_limit_burst: 2MB")
	s := sink(t, Config{URL: l.URL, Refused: func(r Refusal) { t.Error("refused: ", r) }})
	s.retry.MinBackoff, s.retry.MaxBackoff = 100*time.Millisecond, time.Second
	b := new(event.Batch)
	for i := range uint64(3000) { // 3 MB
		made(b, "131016", fmt.Sprint("line ", i, strings.Repeat(" x", 500)), i, 0)
	}
	if err := s.Take(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, l, "131016", now.Add(-time.Hour), now.Add(time.Hour)); len(got) != 3000 {
		t.Errorf("%d lines", len(got))
	}
}
