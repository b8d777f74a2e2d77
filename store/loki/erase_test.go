package loki

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/internal/testkit"
)

// deleter is a Loki that deletes after so many questions.
type deleter struct {
	asked, lines int
	query        string
	posts        int
}

func (d *deleter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Scope-OrgID") != "131016" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/query_range"):
		fmt.Fprintf(w, `{"data":{"result":[%s]}}`, strings.Repeat("{}", min(d.lines, 1)))
	case r.Method == http.MethodPost:
		d.query = r.URL.Query().Get("query")
		d.posts++
		w.WriteHeader(http.StatusNoContent)
	case d.query == "":
		fmt.Fprint(w, `[]`)
	default:
		status := "received"
		if d.asked--; d.asked <= 0 {
			status, d.lines = processed, 0
		}
		list := []map[string]string{{"query": "{other=\"x\"}", "status": "received"}, {"query": d.query, "status": status}}
		_ = json.NewEncoder(w).Encode(list)
	}
}

func TestAnErasureIsDoneWhenLokiSaysSo(t *testing.T) {
	d := &deleter{asked: 4, lines: 7}
	server := httptest.NewServer(d)
	defer server.Close()
	s := sink(t, Config{URL: server.URL + "/prefix"})
	s.patience = time.Nanosecond
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, calendar.JST())
	for i := range 3 {
		n, err := s.Erase(t.Context(), "131016", from, from.AddDate(0, 1, 0))
		if i == 0 && (!errors.Is(err, ErrPending) || n != 0 || d.query != `{municipality="131016"} | month="2026-11"`) {
			t.Fatal(n, d.query, err)
		}
		if i == 2 && (err != nil || n != 1 || d.posts != 1) {
			t.Fatal(n, err)
		}
	}
	if _, err := s.Erase(t.Context(), "141003", from, from); err == nil || errors.Is(err, ErrPending) {
		t.Error("one that refuses: ", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Erase(ctx, "131016", from, from); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestALokiThatMayNotDeleteIsToldWithItsSettings(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/query_range"):
			fmt.Fprint(w, `{"data":{"result":[]}}`)
		case r.Method == http.MethodGet:
			fmt.Fprint(w, `[]`)
		default:
			http.Error(w, "Retention is not enabled", http.StatusBadRequest)
		}
	}))
	defer server.Close()
	if _, err := sink(t, Config{URL: server.URL}).Erase(t.Context(), "131016", now, now); err == nil || !strings.Contains(err.Error(), "retention_enabled") {
		t.Error(err)
	}
}

// TestARealLokiErasesAMonth takes two minutes: Loki waits one before it begins.
func TestARealLokiErasesAMonth(t *testing.T) {
	l := testkit.NewLoki(t, "deletion_mode: filter-and-delete\ncompactor:\n  retention_enabled: true\n  delete_request_store: filesystem\n"+
		"  delete_request_cancel_period: 0s\n  compaction_interval: 5s\n  apply_retention_interval: 5s\n  retention_delete_delay: 0s")
	s := sink(t, Config{URL: l.URL, Refused: func(r Refusal) { t.Error("refused: ", r) }})
	b := new(event.Batch)
	for i := range uint64(60) {
		made(b, []string{"131016", "141003"}[i%2], fmt.Sprint("line ", i), i, 0)
	}
	if err := s.Take(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	month := now.In(calendar.JST()).Format("2006-01")
	from, err := time.ParseInLocation("2006-01", month, calendar.JST())
	if err != nil {
		t.Fatal(err)
	}
	l.Flush(t)
	n, err := s.Erase(t.Context(), "131016", from, from.AddDate(0, 1, 0))
	if n == 0 || err != nil {
		t.Fatal(n, err)
	}
	if got := l.Query(t, "131016", `{municipality=~".+"}`, now.Add(-time.Hour), now.Add(time.Hour)); len(got) != 0 {
		t.Errorf("%d lines are left", len(got))
	}
	if got := l.Query(t, "141003", `{municipality=~".+"}`, now.Add(-time.Hour), now.Add(time.Hour)); len(got) != 30 {
		t.Errorf("another municipality has %d lines left of 30", len(got))
	}
}
