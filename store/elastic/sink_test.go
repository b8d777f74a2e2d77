package elastic

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/elastic/go-elasticsearch/v8/esutil"

	"mimamori/event"
	"mimamori/internal/testkit"
)

// stored checks that exactly these sequence numbers are there, each once.
func stored(t *testing.T, s *Store, n int) {
	t.Helper()
	refresh(t, s)
	page, err := s.Search(context.Background(), event.Query{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[event.Ref]int{}
	for _, e := range page.Batch.Events {
		seen[e.Ref]++
	}
	if len(seen) != n || len(page.Batch.Events) != n {
		t.Fatalf("%d different events in %d documents, want %d", len(seen), len(page.Batch.Events), n)
	}
}

func again(t *testing.T, es *testkit.Elastic) {
	s := opened(t, es, es.URL, Options{})
	add(t, s, plainBatch(1, 300))
	add(t, s, plainBatch(101, 300))
	stored(t, s, 400)
	other := opened(t, es, es.URL, Options{})
	other.cfg.Prefix = s.cfg.Prefix // another process
	add(t, other, plainBatch(1, 450))
	stored(t, s, 450)
	if st := other.Stats(); st.There != 400 || st.Created != 50 {
		t.Errorf("%+v", st)
	}
}

func rollover(t *testing.T, es *testkit.Elastic) {
	s := opened(t, es, es.URL, Options{})
	add(t, s, plainBatch(1, 100))
	for _, code := range []string{"312011", "312029"} {
		if err := s.call(context.Background(), esapi.IndicesRolloverRequest{Alias: s.cfg.Prefix + "-squid.access-" + code}, nil); err != nil {
			t.Fatal(err)
		}
	}
	s.unsure = true // as after a bulk whose answer was lost
	add(t, s, plainBatch(51, 100))
	stored(t, s, 150)
}

func refusals(t *testing.T, es *testkit.Elastic) {
	var r refusedRefs
	s := opened(t, es, es.URL, Options{Refused: r.add})
	b := plainBatch(1, 20)
	b.Events[3].Seq = math.MaxInt64 + 1
	add(t, s, b)
	stored(t, s, 19)
	if len(r.refs) != 1 || !strings.Contains(r.refs[b.Events[3].Ref], "counts") || s.Stats().Refused != 1 {
		t.Errorf("%v", r.refs)
	}
}

// conflict has a field in the index that is of another type than ours.
func conflict(t *testing.T, es *testkit.Elastic) {
	var r refusedRefs
	s := opened(t, es, es.URL, Options{Refused: r.add})
	own := body{"index_patterns": []string{s.cfg.Prefix + "-*-312029"}, "data_stream": body{}, "priority": 900, "template": body{"mappings": body{
		"properties": body{"source": body{"properties": body{"port": body{"type": "ip"}}}},
	}}}
	if err := s.call(context.Background(), esapi.IndicesPutIndexTemplateRequest{Name: s.cfg.Prefix + "-other", Body: esutil.NewJSONReader(own)}, nil); err != nil {
		t.Fatal(err)
	}
	b := plainBatch(1, 40)
	for range 2 { // the same comes of it when it comes again
		add(t, s, b)
		if len(r.refs) != 20 || s.Stats().Created != 20 {
			t.Fatalf("%d refused, %+v", len(r.refs), s.Stats())
		}
	}
	for ref, why := range r.refs {
		if ref.Seq%2 > 0 || !strings.Contains(why, "source.port") {
			t.Errorf("%v: %s", ref, why)
		}
	}
}

// removed writes to a town whose template was there and is gone: nothing may
// become an index that nobody described.
func removed(t *testing.T, es *testkit.Elastic) {
	s := opened(t, es, es.URL, Options{})
	s.templates["312011"], s.templates["312029"] = true, true
	add(t, s, plainBatch(1, 10))
	stored(t, s, 10)
	if s.Stats().Retried == 0 {
		t.Error("the streams were made without their templates")
	}
}

func vague(t *testing.T, es *testkit.Elastic) {
	s := opened(t, es, es.URL, Options{most: 50})
	add(t, s, plainBatch(1, 100))
	ctx := context.Background()
	q := event.Query{Text: `event.original contains "PROXY" or event.original contains "proxy"`, Limit: 10}
	if _, err := s.Count(ctx, q); !errors.Is(err, ErrVague) {
		t.Errorf("count: %v", err)
	}
	if _, err := s.Top(ctx, event.Query{}, "message", 5); err != nil {
		t.Errorf("nobody has a message: %v", err)
	}
	if _, err := s.Top(ctx, event.Query{}, "event.original", 5); !errors.Is(err, ErrVague) {
		t.Errorf("top: %v", err)
	}
	figures := event.Aggregate{Measures: []event.Measure{
		{Kind: event.Distinct, Field: "source.port"}, {Kind: event.Percentile, Field: "source.port", Percent: 50}, {Kind: event.Greatest, Field: "source.port"},
	}}
	if table, err := s.Aggregate(ctx, event.Query{}, figures); err != nil || !table.Estimated || table.Rows[0][1].Int() != 100 || table.Rows[0][2].Int() < 48 || table.Rows[0][3].Int() != 99 {
		t.Errorf("estimates: %+v %v", table, err)
	}
	figures.By = []string{"source.port"}
	if _, err := s.Aggregate(ctx, event.Query{}, figures); !errors.Is(err, event.ErrTooLarge) {
		t.Errorf("100 groups, where 50 are allowed: %v", err)
	}
	page, err := s.Search(ctx, q)
	if err != nil || len(page.Batch.Events) != 10 || page.Total != 100 || page.Next == "" {
		t.Errorf("a page is read all the same: %+v %v", page, err)
	}
}

func TestNoFieldStandsAboveAnother(t *testing.T) {
	mapping(elasticsearch) // panics
	for _, f := range event.Fields() {
		for _, own := range []string{"vendor", "mimamori"} {
			if f.Name() == own || strings.HasPrefix(f.Name(), own+".") {
				t.Errorf("%s is a name of the documents' own", f.Name())
			}
		}
	}
}

func TestIdentitiesDiffer(t *testing.T) {
	seen := map[string]event.Ref{}
	for _, c := range []string{"a", "a/b", "a%2Fb", "", strings.Repeat("x", 600), "\xff", "\xfe"} {
		for _, s := range []string{"b", "b/c", "", "c/1"} {
			r := event.Ref{Collector: c, Source: s, Epoch: 1, Seq: 2}
			id := identity(r)
			if other, twice := seen[id]; twice || len(id) > 512 {
				t.Errorf("%v and %v are %q", r, other, id)
			}
			seen[id] = r
		}
	}
}

func TestStreamsHaveNamesThatElasticsearchTakes(t *testing.T) {
	for in, want := range map[string]string{"": "generic", "Fortinet.FortiGate-Traffic": "fortinet.fortigate_traffic", "../x?*": ".._x__", strings.Repeat("a", 300): strings.Repeat("a", 100)} {
		if got := dataset(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	for in, want := range map[string]string{"312011": "312011", "312012": "unknown", "": "unknown", "*": "unknown"} {
		if got := town(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func FuzzDocumentsAreReadBack(f *testing.F) {
	f.Add("user.name", "sato", int64(7))
	f.Add("x.y", "日本\xff\"\x00", int64(-1))
	s := &Store{cfg: Config{Prefix: "logs"}}
	f.Fuzz(func(t *testing.T, name, text string, n int64) {
		field, ok := event.Intern(name)
		if !ok || event.Room() < 100 {
			return
		}
		x, b := new(event.Builder), &event.Batch{}
		x.Set(atField, event.Time(n))
		x.Set(field, event.String(text))
		x.Set(originalField, event.String(text))
		e := b.Append(x, event.Ref{Collector: text, Source: name, Epoch: 1, Seq: 2})
		d, err := s.document(e)
		if err != nil {
			t.Fatal(err)
		}
		_, source, _ := strings.Cut(string(d.text), "\n")
		back := &event.Batch{}
		if err := decode([]byte(source), x, back); err != nil {
			t.Fatalf("%v\n%s", err, source)
		}
		if got := back.Events[0].Str(originalField); fmt.Sprint(back.Events[0].Len()) != fmt.Sprint(e.Len()) || got != strings.ToValidUTF8(text, "\ufffd") && !strings.Contains(text, "\xff") && strings.ToValidUTF8(text, "") == text {
			t.Fatalf("%s\n%q", source, got)
		}
	})
}

func FuzzAnyAnswerIsDecodedOrRefused(f *testing.F) {
	f.Add([]byte(`{"@timestamp":"2026-11-01T00:00:00Z","mimamori":{"collector":"c","seq":1,"odd":["untimed"],"values":{"source.ip":["x"]}}}`))
	f.Add([]byte(`{"source":{"ip":{"x":1}},"vendor":{"a":{"b":[1,null]}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b := &event.Batch{}
		if err := decode(text, new(event.Builder), b); (err == nil) != (len(b.Events) == 1) {
			t.Fatal(err)
		}
	})
}
