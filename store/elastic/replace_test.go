package elastic

import (
	"context"
	"strings"
	"testing"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/elastic/go-elasticsearch/v8/esutil"

	"mimamori/event"
	"mimamori/internal/testkit"
)

// reread is a batch as another format reads it: another action, and for every
// third event another dataset, whose stream is another one.
func reread(b *event.Batch) *event.Batch {
	out, x := &event.Batch{}, new(event.Builder)
	for i := range b.Events {
		e := &b.Events[i]
		x.Load(e)
		x.Set(event.MustLookup("event.action"), event.String("reread"))
		if e.Seq%3 == 0 {
			x.Set(datasetField, event.String("squid.other"))
		}
		out.Append(x, e.Ref)
	}
	return out
}

// changed checks that n events are as reread makes them.
func changed(t *testing.T, s *Store, n int) {
	t.Helper()
	refresh(t, s)
	for text, want := range map[string]int64{`event.action == "reread"`: int64(n), `event.dataset == "squid.other"`: int64(n / 3)} {
		if got, err := s.Count(context.Background(), event.Query{Text: text}); err != nil || got != want {
			t.Errorf("%s: %d events, want %d (%v)", text, got, want, err)
		}
	}
}

// anew writes over documents that are in backing indices of before, in other
// streams, there twice, and not there at all.
func anew(t *testing.T, es *testkit.Elastic) {
	s := opened(t, es, es.URL, Options{})
	ctx := context.Background()
	add(t, s, plainBatch(1, 100))
	for range 2 {
		for _, code := range []string{"312011", "312029"} {
			if err := s.call(ctx, esapi.IndicesRolloverRequest{Alias: s.cfg.Prefix + "-squid.access-" + code}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.unsure = false
	add(t, s, plainBatch(91, 20)) // what is left of the gap: ten are there twice
	other := opened(t, es, es.URL, Options{})
	other.cfg.Prefix = s.cfg.Prefix
	if err := other.Replace(ctx, reread(plainBatch(1, 120))); err != nil {
		t.Fatal(err)
	}
	stored(t, s, 120)
	changed(t, s, 120)
	before := other.Stats()
	if err := other.Replace(ctx, reread(plainBatch(1, 120))); err != nil || other.Stats() != before {
		t.Errorf("what is so already is written: %+v, before %+v (%v)", other.Stats(), before, err)
	}
	closed(t, s)
}

// closed writes over an event whose index is closed to writing: that one stays,
// and the others go on.
func closed(t *testing.T, s *Store) {
	ctx := context.Background()
	var r refusedRefs
	s.opts.Refused = r.add
	index := ".ds-" + s.cfg.Prefix + "-squid.access-312011-*000001"
	block := func(is bool) {
		if err := s.call(ctx, esapi.IndicesPutSettingsRequest{Index: []string{index}, Body: esutil.NewJSONReader(body{"index.blocks.write": is}), ExpandWildcards: "all"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	block(true)
	b := plainBatch(1, 20)
	if err := s.Replace(ctx, b); err != nil {
		t.Fatal(err)
	}
	block(false)
	stored(t, s, 120)
	for ref, why := range r.refs {
		if ref.Seq%2 != 1 || !strings.Contains(why, "stays") {
			t.Errorf("%v: %s", ref, why)
		}
	}
	if n, err := s.Count(ctx, event.Query{Text: `event.action == "reread"`}); err != nil || len(r.refs) == 0 || n != int64(100+len(r.refs)) {
		t.Errorf("%d are as they were, %d refused (%v)", n, len(r.refs), err)
	}
	if int(s.Stats().Refused) != len(r.refs) {
		t.Errorf("%d are counted as refused, %d told", s.Stats().Refused, len(r.refs))
	}
}
