package loki

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	logproto "github.com/grafana/loki/pkg/push"
	"github.com/klauspost/compress/snappy"

	"mimamori/event"
)

// fake is the least of a Loki: it keeps what it takes.
type fake struct {
	*httptest.Server
	mu     sync.Mutex
	kept   map[string][]string // lines by tenant
	asked  int
	header http.Header
	before func(w http.ResponseWriter, n int) bool // answers itself: true
	bad    string                                  // lines with it are refused
	empty  int                                     // status for a request without lines
}

func newFake(t *testing.T, start func(http.Handler) *httptest.Server) *fake {
	f := &fake{kept: map[string][]string{}, empty: http.StatusUnprocessableEntity}
	f.Server = start(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	f.header = r.Header
	if f.before != nil && f.before(w, f.asked) {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		body, err = snappy.Decode(nil, body)
	}
	var req logproto.PushRequest
	if err == nil {
		err = req.Unmarshal(body)
	}
	if err != nil || r.URL.Path != pushPath || r.Header.Get("Content-Type") != "application/x-protobuf" {
		http.Error(w, "cannot read that", http.StatusInternalServerError)
		return
	}
	if len(req.Streams) == 0 {
		w.WriteHeader(f.empty)
		return
	}
	refused := false
	tenant := r.Header.Get("X-Scope-OrgID")
	for _, s := range req.Streams {
		for _, e := range s.Entries {
			switch {
			case f.bad != "" && strings.Contains(e.Line, f.bad):
				refused = true
			case !slices.Contains(f.kept[tenant], e.Line):
				f.kept[tenant] = append(f.kept[tenant], e.Line)
			}
		}
	}
	if refused {
		http.Error(w, "entry too bad\nsecond line", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// sink opens one that does not wait long.
func sink(t *testing.T, cfg Config) *Sink {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.retry.MinBackoff, s.retry.MaxBackoff = time.Millisecond, 2*time.Millisecond
	t.Cleanup(s.Close)
	return s
}

var now = time.Now()

// made is an event of a town that arrives now, so long after it happened.
func made(b *event.Batch, town, text string, seq uint64, delay time.Duration) {
	madeAt(b, town, text, seq, arrival{now, delay})
}

// arrival is when an event arrived, and how long after it happened.
type arrival struct {
	at    time.Time
	delay time.Duration
}

func madeAt(b *event.Batch, town, text string, seq uint64, came arrival) {
	x := new(event.Builder)
	x.Set(fMunicipality, event.String(town))
	x.Set(fZone, event.String("lgwan"))
	x.Set(fDataset, event.String("test.log"))
	x.Set(fIngested, event.Time(came.at.UnixNano()))
	x.Set(fTime, event.Time(came.at.Add(-came.delay).UnixNano()))
	x.Set(event.MustLookup("user.name"), event.String("sato"))
	x.Set(event.MustLookup("source.ip"), event.Addr("192.0.2.7"))
	v, _ := event.ParseAs(event.Text, text)
	x.Set(fOriginal, v)
	b.Append(x, event.Ref{Collector: "c1", Source: "fw", Epoch: 7, Seq: seq})
}
