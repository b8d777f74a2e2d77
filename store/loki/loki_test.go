package loki

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mimamori/event"
)

func TestConfigurationsThatCannotWork(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, cfg := range map[string]Config{
		"write http://host:3100": {URL: "loki:3100"},
		"without user":           {URL: "http://a:b@loki"},
		"not both":               {URL: "http://loki", User: "a", Token: "b"},
		"no such file":           {URL: "http://loki", CA: "/nowhere.pem"},
		"no certificate":         {URL: "http://loki", CA: empty},
	} {
		if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func TestTakeIsDoneWhenAllIsThere(t *testing.T) {
	f := newFake(t, httptest.NewServer)
	f.before = func(w http.ResponseWriter, n int) bool {
		switch n % 6 { // of six requests, one is served
		case 1:
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			w.WriteHeader(http.StatusBadGateway)
		case 3:
			panic(http.ErrAbortHandler) // cut
		case 4:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 5:
			w.WriteHeader(http.StatusInternalServerError)
		default:
			return false
		}
		return true
	}
	s := sink(t, Config{URL: f.URL + "/"})
	b := new(event.Batch)
	for i := range uint64(3000) {
		made(b, []string{"131016", "141003", ""}[i%3], fmt.Sprint(i, strings.Repeat("x", 1000)), i, 0)
	}
	if err := s.Take(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	for _, tenant := range []string{"131016", "141003", nobody} {
		if n := len(f.kept[tenant]); n != 1000 {
			t.Errorf("%q has %d lines", tenant, n)
		}
	}
}

func TestTakeFailsWhenLokiDoes(t *testing.T) {
	for name, status := range map[string]int{"busy": 429, "down": 503, "no credentials": 401, "forbidden": 403, "wrong path": 404, "moved": 302} {
		f := newFake(t, httptest.NewServer)
		f.before = func(w http.ResponseWriter, _ int) bool {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(status)
			return true
		}
		s := sink(t, Config{URL: f.URL, Refused: func(Refusal) { t.Error("refused") }})
		b := new(event.Batch)
		made(b, "131016", "a", 1, 0)
		var a *answer
		if err := s.Take(t.Context(), b); !errors.As(err, &a) || a.status != status {
			t.Errorf("%s: %v", name, err)
		}
		f.Close()
		if err := s.Take(t.Context(), b); err == nil {
			t.Errorf("%s: nobody answers, and it is done", name)
		}
	}
	f := newFake(t, httptest.NewServer)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := new(event.Batch)
	made(b, "131016", "a", 1, 0)
	if err := sink(t, Config{URL: f.URL}).Take(ctx, b); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestWhatIsRefusedIsNamedAndTheRestArrives(t *testing.T) {
	for _, bad := range [][]int{{0}, {999}, {3, 4, 5, 500}, nil} {
		f := newFake(t, httptest.NewServer)
		f.bad = "bad"
		var refused []Refusal
		s := sink(t, Config{URL: f.URL, Refused: func(r Refusal) { refused = append(refused, r) }})
		b := new(event.Batch)
		for i := range 1000 {
			text := fmt.Sprint("line ", i)
			if slices.Contains(bad, i) {
				text = fmt.Sprint("bad ", i)
			}
			made(b, "131016", text, uint64(i), 0)
		}
		if err := s.Take(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if len(refused) != len(bad) || len(f.kept["131016"]) != 1000-len(bad) {
			t.Fatalf("%d refused of %v, %d kept", len(refused), bad, len(f.kept["131016"]))
		}
		for i, r := range refused {
			if r.Ref.Seq != uint64(bad[i]) || r.Municipality != "131016" || r.Reason != "entry too bad" {
				t.Errorf("%+v", r)
			}
		}
	}
}

func TestRefusalOfAStrangerIsNoRefusal(t *testing.T) {
	f := newFake(t, httptest.NewServer)
	f.bad, f.empty = "line", http.StatusBadRequest // something that answers 400 to whatever comes
	s := sink(t, Config{URL: f.URL, Refused: func(Refusal) { t.Error("refused") }})
	b := new(event.Batch)
	made(b, "131016", "line", 1, 0)
	if err := s.Take(t.Context(), b); err == nil || !strings.Contains(err.Error(), "check the address") {
		t.Error(err)
	}
}

func TestCredentialsAndAuthority(t *testing.T) {
	f := newFake(t, httptest.NewTLSServer)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	b := new(event.Batch)
	made(b, "131016", "a", 1, 0)
	for want, cfg := range map[string]Config{
		"":                   {CA: ca},
		"Basic dTpw":         {CA: ca, User: "u", Password: "p"},
		"Bearer secret":      {CA: ca, Token: "secret"},
		"no such authority!": {},
	} {
		cfg.URL = f.URL
		err := sink(t, cfg).Take(t.Context(), b)
		if cfg.CA == "" {
			if err == nil {
				t.Error("an unknown authority is trusted")
			}
			continue
		}
		if err != nil || f.header.Get("Authorization") != want || f.header.Get("X-Scope-OrgID") != "131016" {
			t.Errorf("%v, %q", err, f.header)
		}
	}
}

func TestLanes(t *testing.T) {
	at := now.Truncate(time.Second)
	for name, x := range map[string]struct {
		ingested, received, claimed time.Time
		stand                       time.Time
		lane                        string
	}{
		"as it happens":   {at, at, at.Add(-time.Second), at.Add(-time.Second), laneLive},
		"a little ahead":  {at, at, at.Add(ahead), at.Add(ahead), laneLive},
		"far ahead":       {at, at, at.Add(ahead + 1), at, laneArrival},
		"a little late":   {at, at, at.Add(-late), at.Add(-late), laneLive},
		"late":            {at, at, at.Add(-late - 1), at.Add(-late - 1), laneBackfill},
		"days late":       {at, at, at.Add(-defaultAge), at.Add(-defaultAge), laneBackfill},
		"too late":        {at, at, at.Add(-defaultAge - 1), at, laneArrival},
		"long ago":        {at, at, time.Unix(0, -1<<62), at, laneArrival},
		"far from now":    {at, at, time.Unix(0, 1<<62), at, laneArrival},
		"without a time":  {at, at, time.Time{}, at, laneArrival},
		"by its receipt":  {time.Time{}, at, at.Add(-2 * time.Hour), at.Add(-2 * time.Hour), laneBackfill},
		"by itself alone": {time.Time{}, time.Time{}, at, at, laneLive},
	} {
		b, e := new(event.Batch), new(event.Builder)
		for f, v := range map[event.Field]time.Time{fIngested: x.ingested, fReceived: x.received, fTime: x.claimed} {
			if !v.IsZero() {
				e.Set(f, event.Time(v.UnixNano()))
			}
		}
		e.Set(fZone, event.String(`lg"wan`))
		b.Append(e, event.Ref{Collector: "c1", Source: "s", Epoch: 1, Seq: 2})
		l := newLine(&b.Events[0], defaultAge)
		if !l.entry.Timestamp.Equal(x.stand) || !strings.Contains(l.stream, `lane="`+x.lane+`"`) || !strings.Contains(l.stream, `zone="lg\"wan"`) {
			t.Errorf("%s: %s at %v, want %s at %v", name, l.stream, l.entry.Timestamp, x.lane, x.stand)
		}
		if hour := x.stand.UTC().Format("2006-01-02T15Z"); strings.Contains(l.stream, hour) != (x.lane == laneBackfill) {
			t.Errorf("%s: %s", name, l.stream)
		}
	}
}

// BenchmarkTake sends to a server that reads and forgets, in this process.
func BenchmarkTake(b *testing.B) {
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer engine.Close()
	s, err := Open(Config{URL: engine.URL})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	batch := new(event.Batch)
	for i := range uint64(2000) {
		made(batch, "131016", fmt.Sprint("line ", i, strings.Repeat(" key=value", 60)), i, 0)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Take(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2000, "ns/event")
}
