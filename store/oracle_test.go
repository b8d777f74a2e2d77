package store

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/lang"
)

type knownList struct{}

func (knownList) Contains(list, value string) bool {
	return list == "known" && (value == "sato" || value == "10.1.2.3")
}

// wipe leaves a store without segments.
func wipe(s *Store) {
	s.mu.Lock()
	all := slices.Clone(s.segments)
	s.mu.Unlock()
	s.swap(all)
}

// question over an expression that has no text.
func askNode(t *rapid.T, s *Store, n lang.Node) *question {
	x, err := s.ask(context.Background(), event.Query{})
	if err != nil {
		t.Fatal(err)
	}
	x.expr = &lang.Expr{Root: n}
	if err := x.narrow(); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestSQLAndTheEvaluatorGiveTheSameAnswers(t *testing.T) {
	s := open(t, t.TempDir(), Options{Lists: knownList{}})
	s.enc.bare = 0
	rapid.Check(t, func(t *rapid.T) {
		wipe(s)
		batches := []*event.Batch{genBatch(t, 40)}
		for range rapid.IntRange(0, 3).Draw(t, "more segments") {
			batches = append(batches, genBatch(t, 5))
		}
		for i, b := range batches {
			for j := range b.Events {
				b.Events[j].Epoch += uint64(i)
			}
			commit(t, s, b)
		}
		for range 10 {
			node := genNode(t, 3)
			program := (&lang.Expr{Root: node}).Compile(knownList{})
			want := map[event.Ref]bool{}
			for _, b := range batches {
				for i := range b.Events {
					if program(&b.Events[i]) {
						want[b.Events[i].Ref] = true
					}
				}
			}
			for _, s.unfiltered = range []bool{true, false} {
				check(t, s, node, want, batches)
			}
		}
	})
}

func check(t *rapid.T, s *Store, node lang.Node, want map[event.Ref]bool, batches []*event.Batch) {
	x := askNode(t, s, node)
	defer x.done()
	hits, err := x.find(nil, 1000)
	if err != nil {
		t.Fatalf("%v\n%s", err, x.translator(x.segs).where(node, x.bounds))
	}
	n, err := x.count()
	if err != nil || int(n) != len(want) {
		t.Fatalf("count %d, want %d (%v)\n%s", n, len(want), err, x.translator(x.segs).where(node, x.bounds))
	}
	got := map[event.Ref]bool{}
	for _, h := range hits {
		got[event.Ref{Collector: h.Collector, Source: h.Source, Epoch: h.Epoch, Seq: h.Seq}] = true
	}
	for _, b := range batches {
		for i := range b.Events {
			if e := &b.Events[i]; got[e.Ref] != want[e.Ref] {
				t.Fatalf("SQL says %v, the evaluator %v\n%s\n%s", got[e.Ref], want[e.Ref], e.AppendJSON(nil), x.translator(x.segs).where(node, x.bounds))
			}
		}
	}
}

func TestAnyEventIsReadBackAsItWas(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	rapid.Check(t, func(t *rapid.T) {
		wipe(s)
		b := genBatch(t, 60)
		commit(t, s, b)
		page, err := s.Search(context.Background(), event.Query{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		got := byRef(page.Batch.Events)
		for i := range b.Events {
			e := &b.Events[i]
			if got[e.Ref] == nil {
				t.Fatalf("%v is missing", e.Ref)
			}
			if d := same(e, got[e.Ref]); d != "" {
				t.Fatal(d)
			}
		}
		if len(got) != len(b.Events) || page.Total != int64(len(got)) {
			t.Fatalf("%d events of %d, total %d", len(got), len(b.Events), page.Total)
		}
	})
}

func TestHostileTextBecomesNoSQL(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	commit(t, s, newMix(3).batch(50))
	secret := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(secret, []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`municipality == "x') OR true --"`, `"') UNION SELECT 1 --"`, "a\x00b", `user.name == "\u0000' OR true"`,
		`message contains "'; DROP TABLE x; --"`, `"` + strings.Repeat("'", 1000) + `"`,
	} {
		n, err := s.Count(context.Background(), event.Query{Text: text, Tenants: []string{"312011' OR '1'='1", "\x00"}})
		if err != nil || n != 0 {
			t.Errorf("%q: %d events, %v", text, n, err)
		}
	}
	var n int
	if err := s.duck.db.QueryRow("SELECT count(*) FROM read_csv(" + quote(secret) + ")").Scan(&n); err == nil {
		t.Error("DuckDB reads files outside the store's directory")
	}
	if _, err := s.duck.db.Exec("SET enable_external_access = true"); err == nil {
		t.Error("DuckDB can be reconfigured")
	}
}

func TestLettersOfBadEncodingAreReplaced(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	b, x := &event.Batch{}, new(event.Builder)
	x.Set(event.MustLookup("event.original"), event.String("ab\xff\x82\xa0"))
	x.Set(event.MustLookup("user.name"), event.String("\xe3\x81"))
	x.Set(event.MustLookup("event.risk_score"), event.Float(math.Inf(1)))
	b.Append(x, event.Ref{Collector: "c", Source: "s", Seq: 1})
	commit(t, s, b)
	got, err := s.Get(context.Background(), event.Ref{Collector: "c", Source: "s", Seq: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := &got.Events[0]
	if o, u := e.Str(event.MustLookup("event.original")), e.Str(event.MustLookup("user.name")); o != "ab\ufffd\ufffd\ufffd" || u != "\ufffd\ufffd" {
		t.Fatalf("%q %q", o, u)
	}
	if v, _ := e.Get(event.MustLookup("event.risk_score")); !math.IsInf(v.Float(), 1) {
		t.Fatal(v.Text())
	}
}
