package collector

import (
	"net/http"
	"sync"
	"time"

	"mimamori/frame"
)

// bodyLine is what a cutter finds in a body: what becomes a record.
type bodyLine struct {
	line  []byte // a view that lasts until emit returns
	total int64  // its length in the body; more than line holds where it was cut
	bad   bool   // it is not what the format promises
}

// cutter cuts a body into pieces. It does the same each time it is called with
// the same body.
type cutter func(b *body, emit func(bodyLine) error) error

// take reads a request and puts it into the spool.
func (in *httpInput) take(w http.ResponseWriter, r *http.Request, e endpoint) (o outcome) {
	fail := func(err error) outcome { o.err = err; return o }
	switch {
	case r.Context().Err() != nil:
		return fail(errEnding)
	case in.handed.stuck():
		return fail(errPutOff)
	}
	cut, err := e.cutter(r)
	if err != nil {
		return fail(err)
	}
	m := &lease{total: &in.memory}
	defer m.release()
	packed, err := in.read(w, r, m, httpPacked)
	if err != nil {
		return fail(err)
	}
	b, err := newBody(packed, r.Header.Get("Content-Encoding"), m)
	if err != nil {
		return fail(err)
	}
	rec := frame.Record{Received: in.now().UnixMicro(), Peer: peer(r), Input: e.kind, File: givenFile(r)}
	q := &request{in: in, rec: rec, cut: func(emit func(bodyLine) error) error { return cut(b, emit) }, done: make(chan struct{})}
	bad, err := q.survey(r.Context(), &o)
	if err == nil && o.records == 0 && !e.empty {
		err = errNoData
	}
	if err == nil {
		err = q.store(r.Context())
	}
	if err != nil {
		q.drop()
		return fail(err)
	}
	in.count.badFraming.Add(bad)
	if r.Header.Get("X-Splunk-Request-Channel") != "" || r.URL.Query().Get("channel") != "" {
		o.ack = in.acks.next()
	}
	return o
}

// handed knows whether the spool takes what is handed on.
type handed struct {
	mu    sync.Mutex
	n     int       // batches on their way
	since time.Time // when the last of them arrived
}

// stuckTime is how long the spool may take for a batch before others are put
// off. What they hold would wait behind it, be sent again, and be there twice.
const stuckTime = 2 * time.Second

func (h *handed) add() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.n++; h.n == 1 {
		h.since = time.Now()
	}
}

func (h *handed) settle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.n--
	h.since = time.Now()
}

func (h *handed) stuck() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n > 0 && time.Since(h.since) > stuckTime
}
