package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/internal/testkit"
)

// front is a proxy before the engine that does as it is told.
func front(t *testing.T, es *testkit.Elastic, before func(w http.ResponseWriter, r *http.Request, to http.Handler)) http.Handler {
	t.Helper()
	u, err := url.Parse(es.URL)
	if err != nil {
		t.Fatal(err)
	}
	to := httputil.NewSingleHostReverseProxy(u)
	to.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { before(w, r, to) })
}

// badLine refuses, answers badly, and cuts before and after the engine has
// taken a request.
func badLine(t *testing.T, es *testkit.Elastic) {
	var mu sync.Mutex
	rnd := rand.New(rand.NewPCG(3, 7))
	faults := 0
	proxy := httptest.NewServer(front(t, es, func(w http.ResponseWriter, r *http.Request, to http.Handler) {
		mu.Lock()
		p := rnd.IntN(10)
		if p < 8 {
			faults++
		}
		mu.Unlock()
		switch p {
		case 0:
			w.WriteHeader(http.StatusTooManyRequests)
		case 1:
			w.WriteHeader(http.StatusBadGateway)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"error":{"type":"x","reason":"busy"}}`)
		case 3:
			cut(w)
		case 4, 5: // the engine does it, and nobody hears of it
			to.ServeHTTP(httptest.NewRecorder(), r)
			cut(w)
		case 6: // half an answer
			rec := httptest.NewRecorder()
			to.ServeHTTP(rec, r)
			w.Header().Set("X-Elastic-Product", "Elasticsearch")
			_, _ = w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
		case 7:
			partly(w, r, to)
		default:
			to.ServeHTTP(w, r)
		}
	}))
	defer proxy.Close()
	var r refusedRefs
	s := opened(t, es, proxy.URL, Options{Refused: r.add, wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	n := 0
	for ; n < 20; n++ {
		for tries := 0; ; tries++ {
			err := s.Take(context.Background(), plainBatch(1+n*100, 130)) // they overlap
			if err == nil {
				break
			}
			if tries == 100 {
				t.Fatal(err)
			}
		}
	}
	direct := opened(t, es, es.URL, Options{})
	direct.cfg.Prefix = s.cfg.Prefix
	stored(t, direct, 2030)
	const half = 1001
	for tries := 0; ; tries++ {
		err := s.Replace(context.Background(), reread(plainBatch(1, half)))
		if err == nil {
			break
		}
		if tries == 200 {
			t.Fatal(err)
		}
	}
	stored(t, direct, 2030)
	changed(t, direct, half)
	if faults < 10 || len(r.refs) > 0 {
		t.Errorf("%d faults, %v refused", faults, r.refs)
	}
}

// partly lets the engine take half of a bulk, whose other half its queue refuses.
func partly(w http.ResponseWriter, r *http.Request, to http.Handler) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		cut(w)
		return
	}
	lines := bytes.SplitAfter(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	half := len(lines) / 4 * 2
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	if r.URL.Path != "/_bulk" || half == 0 || bytes.Contains(text, []byte(`"if_seq_no"`)) {
		to.ServeHTTP(w, r)
		return
	}
	first := bytes.Join(lines[:half], nil)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(first)), int64(len(first))
	rec := httptest.NewRecorder()
	to.ServeHTTP(rec, r)
	var answer struct {
		Items []json.RawMessage `json:"items"`
	}
	if rec.Code != http.StatusOK || json.Unmarshal(rec.Body.Bytes(), &answer) != nil {
		cut(w)
		return
	}
	for range (len(lines) - half) / 2 {
		answer.Items = append(answer.Items, json.RawMessage(`{"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"the queue is full"}}}`))
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func cut(w http.ResponseWriter) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = c.Close()
	}
}

// killed kills the engine in the midst of Take, several times.
func killed(t *testing.T, es *testkit.Elastic) {
	s := opened(t, es, es.URL, Options{})
	add(t, s, plainBatch(1, 2000))
	for round := range 2 {
		var wg sync.WaitGroup
		requests := make(chan struct{}, 1000)
		proxy := httptest.NewServer(front(t, es, func(w http.ResponseWriter, r *http.Request, to http.Handler) {
			select {
			case requests <- struct{}{}:
			default:
			}
			to.ServeHTTP(w, r)
		}))
		through := opened(t, es, proxy.URL, Options{wait: wait})
		through.cfg.Prefix = s.cfg.Prefix
		wg.Go(func() {
			for n := 0; n < 5; {
				if err := through.Take(context.Background(), plainBatch(2001+round*10_000+n*2000, 2000)); err == nil {
					n++
				}
			}
		})
		for range 6 + round { // templates, then bulks
			<-requests
		}
		es.Kill(t)
		es.Start(t)
		wg.Wait()
		proxy.Close()
	}
	refresh(t, s)
	n, err := s.Count(context.Background(), event.Query{})
	if err != nil || n != 22_000 {
		t.Fatalf("%d events, want 22000 (%v)", n, err)
	}
}

// security checks the certificate, a wrong password and an API key, which this
// distribution does not have: a proxy stands for what would take it.
func security(t *testing.T, es *testkit.Elastic) {
	var keys []string
	proxy := httptest.NewUnstartedServer(front(t, es, func(w http.ResponseWriter, r *http.Request, to http.Handler) {
		if a := r.Header.Get("Authorization"); strings.HasPrefix(strings.ToLower(a), "apikey ") {
			keys = append(keys, a)
			r.SetBasicAuth("elastic", es.Password)
		}
		to.ServeHTTP(w, r)
	}))
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0) // it is to be refused
	proxy.StartTLS()
	defer proxy.Close()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := file("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Certificate().Raw})))
	take := func(c Config) error {
		c.URLs, c.Prefix = []string{proxy.URL}, "secure"
		s, err := Open(c, Options{wait: func(context.Context, time.Duration) error { return nil }})
		if err != nil {
			t.Fatal(err)
		}
		return s.Take(context.Background(), plainBatch(1, 3))
	}
	if err := take(Config{CA: ca, APIKey: file("key", "abc=\n")}); err != nil || !strings.EqualFold(strings.Join(keys[:1], ""), "apikey abc=") {
		t.Errorf("%v %v", err, keys)
	}
	if err := take(Config{CA: ca, User: "elastic", Password: file("good", es.Password)}); err != nil {
		t.Error(err)
	}
	if err := take(Config{CA: ca, User: "elastic", Password: file("bad", "wrong")}); status(err) != http.StatusUnauthorized {
		t.Errorf("a wrong password: %v", err)
	}
	if err := take(Config{APIKey: file("key", "abc=")}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate of nobody's: %v", err)
	}
}
