package collector

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Bounds of the HTTP input.
const (
	httpHeader   = 10 * time.Second // for a request's header
	httpDrain    = 500 * time.Millisecond
	httpPatience = 5 * time.Second  // for a free batch
	httpSlow     = 30 * time.Second // for a body, and more as it comes in:
	httpRate     = 8 << 10          // bytes a second that a sender must reach
	httpPacked   = 16 << 20         // bytes of a body as it is sent
	httpUnpacked = 64 << 20         // bytes of a body unpacked, and of the lines made of it
	httpWhole    = 16 << 20         // bytes of an unpacked body that is read as a whole (OTLP)
	httpMemory   = 40 << 20         // of bodies, over all requests of a source
)

// httpInput takes lines in HTTP/1.1 requests: plain lines and NDJSON, Splunk's
// HTTP Event Collector, OTLP logs. 200 means that the whole request is on disk.
//
// A request is read, unpacked and checked to its end before the first of its
// lines is handed on, so that a body that is cut, damaged or too large leaves
// nothing behind. Senders are put off (503, Retry-After) when memory is short,
// when no batch becomes free in a few seconds and when the spool takes nothing.
// Once its lines are handed on, a request is answered when they are on disk,
// however long that takes: 503 would be answered by sending them again.
//
// HTTP has no more to offer: a sender that loses the line, or its patience,
// after its last byte and before our answer cannot know, sends again, and the
// lines are there twice (unless we saw it hang up before we handed them on).
type httpInput struct {
	listener
	tokens   []token
	patience time.Duration
	slow     time.Duration
	handed   handed
	acks     ackIDs
}

func newHTTPInput(e *inputEnv) input {
	return &httpInput{listener: listener{inputEnv: e}, patience: httpPatience, slow: httpSlow}
}

func (in *httpInput) open(ctx context.Context, from state) (net.Addr, error) {
	var err error
	if in.tokens, err = loadTokens(in.cfg); err != nil {
		return nil, err
	}
	if in.cfg.scheme() == "http" && !loopback(in.cfg.host()) {
		in.log.Warn("http:// carries lines and tokens unencrypted; write https:// unless the line itself is protected")
	}
	return in.listener.open(ctx, from)
}

func (in *httpInput) run(ctx context.Context) {
	q := &httpConns{ch: make(chan net.Conn), closed: make(chan struct{}), addr: in.ln.Addr()}
	srv := &http.Server{
		Handler: in, ReadHeaderTimeout: httpHeader, IdleTimeout: in.cfg.Idle, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ErrorLog:    slog.NewLogLogger(in.log.Handler(), slog.LevelDebug),
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(q) }) // ends with Shutdown
	wg.Go(func() {
		in.accept(ctx, func(ctx context.Context, conn net.Conn, _ string) { in.hold(ctx, q, conn) })
	})
	<-ctx.Done()
	_ = srv.Shutdown(context.Background()) // requests end: httpConn ends their reading, the sealer their waiting
	wg.Wait()
}

var errNoRequest = errors.New("what came was no HTTP request, or came too slowly")

// hold gives a connection to the server and waits until it is done with it.
func (in *httpInput) hold(ctx context.Context, q *httpConns, conn net.Conn) {
	c := &httpConn{Conn: conn, done: make(chan struct{})}
	stop := context.AfterFunc(ctx, c.drain)
	defer stop()
	select {
	case q.ch <- c:
		<-c.done
	case <-q.closed:
	}
	if c.got.Load() && !c.asked.Load() {
		in.refuse(conn, errNoRequest)
	}
}

// ServeHTTP answers one request.
func (in *httpInput) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(*httpConn); ok {
		c.asked.Store(true)
	}
	path := r.URL.Path
	switch {
	case hecHealth[path] && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		in.answerHealth(w, r)
		return
	case path == hecAck:
		in.answerAck(w, r)
		return
	}
	e, ok := httpEndpoints[path]
	if !ok {
		e = httpEndpoints["/"]
	}
	var o outcome
	switch err := in.admit(r); {
	case err != nil:
		o.err = err
	case !ok:
		o.err = errNoPath
	case r.Method != http.MethodPost:
		o.err = errNoPost
	default:
		o = in.take(w, r, e)
	}
	in.note(w, r, o.err)
	e.answer(w, r, o)
}

// endpoint is what a path takes and how it answers.
type endpoint struct {
	kind   string // what records say of their input
	empty  bool   // a request without lines is fine
	cutter func(r *http.Request) (cutter, error)
	answer func(w http.ResponseWriter, r *http.Request, o outcome)
}

// httpEndpoints are the paths that take lines.
var httpEndpoints = map[string]endpoint{
	"/":                             {"http-lines", false, linesCutter, answerLines},
	"/v1/lines":                     {"http-lines", false, linesCutter, answerLines},
	"/services/collector":           {"http-hec", false, hecCutter, answerHEC},
	"/services/collector/event":     {"http-hec", false, hecCutter, answerHEC},
	"/services/collector/event/1.0": {"http-hec", false, hecCutter, answerHEC},
	"/services/collector/raw":       {"http-raw", false, linesCutter, answerHEC},
	"/services/collector/raw/1.0":   {"http-raw", false, linesCutter, answerHEC},
	"/v1/logs":                      {"http-otlp", true, otlpCutter, answerOTLP},
}
