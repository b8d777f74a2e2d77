package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"mimamori/event"
)

func pages(t *testing.T, s Subject, o *oracle) {
	for _, q := range []event.Query{{Limit: 7, Text: `collector == "odd"`}, {Limit: 1, Text: `has(source.ip) and source.port > 60000`}, {Limit: 10_000}, {Limit: 100, Text: "https"}} {
		o.check(t, s, q)
	}
	if _, err := s.Search(context.Background(), event.Query{Cursor: "nonsense"}); err == nil {
		t.Error("any text is a cursor")
	}
}

// arriving reads pages while newer events are added: none may be missing, none
// be there twice.
func arriving(t *testing.T, s Subject) {
	seq := uint64(0)
	batch := func(n int, at time.Time) *event.Batch {
		b, x := &event.Batch{}, new(event.Builder)
		for i := range n {
			seq++
			set(x, "@timestamp", event.Time(at.UnixNano()+int64(i/3)))
			set(x, "municipality", event.String("312011"))
			set(x, "event.original", event.String("line 日本 "+[]string{"even", "odd"}[i%2]))
			b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: seq})
		}
		return b
	}
	s.Add(t, batch(400, began))
	for _, text := range []string{"", "日本 odd", `event.original contains "even"`} {
		q, seen, total := event.Query{Text: text, Limit: 64}, map[event.Ref]bool{}, int64(-1)
		for n := 1; ; n++ {
			page, err := s.Search(context.Background(), q)
			if err != nil {
				t.Fatal(err)
			}
			if total < 0 {
				total = page.Total
			}
			for _, e := range page.Batch.Events {
				if seen[e.Ref] {
					t.Errorf("%q: %v twice", text, e.Ref)
				}
				seen[e.Ref] = true
			}
			if page.Total != total {
				t.Errorf("%q: the total changes from %d to %d", text, total, page.Total)
			}
			s.Add(t, batch(30, began.Add(time.Duration(seq)*time.Hour)))
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
		if int64(len(seen)) != total {
			t.Errorf("%q: %d events of %d", text, len(seen), total)
		}
	}
}

// export asks for all events of a question at once.
func export(t *testing.T, s Subject, o *oracle) {
	for _, q := range []event.Query{{}, {Text: "deny", Tenants: []string{"312011"}}, {Text: `event.original contains "a"`, From: began, Limit: 3}, {Tenants: []string{}}} {
		wanted := map[event.Ref]*event.Event{}
		for _, e := range o.find(t, q) {
			wanted[e.Ref] = e
		}
		err := s.Each(context.Background(), q, func(b *event.Batch) error {
			for i := range b.Events {
				e := &b.Events[i]
				if was := wanted[e.Ref]; was == nil || same(was, e) != "" {
					t.Errorf("%+v: %v is not wanted, comes twice, or is another", q, e.Ref)
				}
				delete(wanted, e.Ref)
			}
			return nil
		})
		if err != nil || len(wanted) > 0 {
			t.Errorf("%+v: %d are missing (%v)", q, len(wanted), err)
		}
		stop := errors.New("enough")
		if err := s.Each(context.Background(), event.Query{}, func(*event.Batch) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("who takes can't end it: %v", err)
		}
	}
}
