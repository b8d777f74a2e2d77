package collector

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// inputOf is the HTTP input under test, to shorten its patience before the
// first request.
func inputOf(u *under) *httpInput { return u.sources[0].input.(*httpInput) }

func startHTTP(t *testing.T, in Input, change func(*httpInput)) (*under, *prefecture) {
	t.Helper()
	key := newKey(t)
	p := newPrefecture(t, key)
	return startWith(t, config(t, in), key, p.conn, func(c *Collector) {
		for _, r := range c.sources {
			if h, ok := r.input.(*httpInput); ok {
				change(h)
			}
		}
	}), p
}

// peakMemory samples the heap while f runs and returns its greatest growth.
func peakMemory(f func()) uint64 {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	before, most := heap(), atomic.Uint64{}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				most.Store(max(most.Load(), heap()))
			case <-stop:
				return
			}
		}
	})
	f()
	close(stop)
	wg.Wait()
	return max(most.Load(), before) - before
}

func TestBombsCostBoundedMemoryAndLeaveNothing(t *testing.T) {
	u, _ := httpUnder(t, httpIn())
	zeros := func(mib int) []byte { // of 1 MiB lines
		return bytes.Repeat(append(make([]byte, 1<<20-1), '\n'), mib)
	}
	big := zeros(65)
	twice := gzipped("gzip", gzipped("gzip", big)) // one layer is unpacked, no more
	bombs := map[string][]byte{}
	for e := range packers {
		bombs[e] = gzipped(e, big)
	}
	peak := peakMemory(func() {
		for e, b := range bombs {
			for _, path := range []string{"/", "/services/collector/raw"} {
				if status, text, _ := post(t, u, path, bytes.NewReader(b), "Content-Encoding", e); status != 413 {
					t.Errorf("%s %s: %d %s", e, path, status, text)
				}
			}
		}
	})
	t.Logf("65 MiB from %d bytes of gzip: %d MiB of heap at most", len(bombs["gzip"]), peak>>20)
	if peak > 96<<20 { // garbage included; unpacked as a whole it would be twice that
		t.Errorf("%d MiB of heap", peak>>20)
	}
	mustPost(t, u, "/", string(twice), "Content-Encoding", "gzip") // the inner layer is lines like any others
	if held := inputOf(u).memory.Load(); held != 0 {
		t.Errorf("%d bytes are still accounted for", held)
	}
}

// A small OTLP body whose resource would be repeated in a million lines.
func TestSmallBodyThatWouldBecomeManyLinesIsRefused(t *testing.T) {
	u, _ := httpUnder(t, httpIn())
	res := pb{}.str(1, attr("x", text1(strings.Repeat("x", 300<<10))))
	sl := bytes.Repeat(pb{}.str(2, ""), 500_000)
	scopes := bytes.Repeat(pb{}.str(2, ""), 500_000)
	for name, rl := range map[string]pb{
		"records": pb{}.str(1, string(res)).str(2, string(sl)),
		"scopes":  append(pb{}.str(1, string(res)), scopes...),
		"head":    pb{}.str(1, string(pb{}.str(1, attr("x", text1(strings.Repeat("x", 700<<10)))))).str(2, string(pb{}.str(2, ""))),
	} {
		body := pb{}.str(1, string(rl))
		if status, text, _ := post(t, u, "/v1/logs", bytes.NewReader(body), "Content-Type", typeProtobuf); status != 413 {
			t.Errorf("%s: %d %q", name, status, text)
		}
	}
	head := `{"resourceLogs":[{"resource":"` + strings.Repeat("x", 300<<10) + `","scopeLogs":[`
	for name, tail := range map[string]string{
		"records": `{"logRecords":[{}` + strings.Repeat(",{}", 500_000) + `]}]}]}`,
		"scopes":  `{}` + strings.Repeat(",{}", 500_000) + `]}]}`,
	} {
		if status, text, _ := post(t, u, "/v1/logs", strings.NewReader(head+tail), "Content-Type", typeJSON); status != 413 {
			t.Errorf("%s: %d %q", name, status, text)
		}
	}
}

func TestBodyBeyondTheBoundIsRefusedBeforeAndWhileItComes(t *testing.T) {
	u, _ := httpUnder(t, httpIn())
	if status, _, _ := post(t, u, "/", bytes.NewReader(make([]byte, httpPacked+1))); status != 413 {
		t.Error(status)
	}
	endless := io.LimitReader(endlessLine{}, 1<<30) // no length given: chunked
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+u.Addr("in").String()+"/", endless)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err == nil { // the sender may see the cut before the answer
		res.Body.Close()
		if res.StatusCode != 413 {
			t.Error(res.StatusCode)
		}
	}
	eventually(t, "both are counted", func() bool { return u.Stats().Sources[0].Refused == 2 })
	if s := u.Stats().Sources[0]; s.Lines != 0 {
		t.Errorf("%+v", s)
	}
}

type endlessLine struct{}

func (endlessLine) Read(b []byte) (int, error) { return len(b), nil }

// Slow senders are cut off, wherever they are slow; others are served meanwhile.
func TestSlowSendersAreCutAndCountedAndHurtNobody(t *testing.T) {
	u, p := startHTTP(t, httpIn(), func(h *httpInput) { h.slow = 300 * time.Millisecond })
	head := "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
	for range 50 {
		conn := dialHTTP(t, u)
		_, _ = io.WriteString(conn, head+"first line\n")
	}
	for i := range 50 {
		mustPost(t, u, "/", fmt.Sprintf("line %d\n", i))
	}
	eventually(t, "the slow ones are cut", func() bool { s := u.Stats().Sources[0]; return s.Connections == 0 && s.Refused == 50 })
	kept(t, u, p, 50)
	if held := inputOf(u).memory.Load(); held != 0 {
		t.Errorf("%d bytes are still accounted for", held)
	}
}

func TestRandomBytesAndForeignProtocolsAreCounted(t *testing.T) {
	u, p := httpUnder(t, httpIn())
	const n = 40
	for i := range n {
		conn := dialHTTP(t, u)
		b := make([]byte, 1+i*50)
		_, _ = rand.Read(b)
		if i == 0 {
			b = []byte("<13>syslog\n\n")
		}
		b = append(b, "\r\n\r\n"...)
		_, _ = conn.Write(b)
		_, _ = io.Copy(io.Discard, conn) // until it is closed
		conn.Close()
	}
	eventually(t, "each is counted", func() bool { return u.Stats().Sources[0].Refused == n })
	conn := dialHTTP(t, u) // somebody who looks whether the port is open is nobody
	conn.Close()
	mustPost(t, u, "/", "a friend\n")
	kept(t, u, p, 1)
	if s := u.Stats().Sources[0]; s.Refused != n {
		t.Errorf("%+v", s)
	}
}

func TestTooManyAtATimeArePutOffAndNothingIsLost(t *testing.T) {
	u, p := httpUnder(t, httpIn())
	want, text := numbered(0, 300_000)
	body := text[:min(len(text), 9<<20)]
	body = body[:strings.LastIndexByte(body, '\n')+1]
	want = want[:strings.Count(body, "\n")]
	var wg sync.WaitGroup
	var ok, off atomic.Int64
	for range 12 {
		wg.Go(func() {
			switch status, text, h := post(t, u, "/", io.NopCloser(strings.NewReader(body))); {
			case status == 200:
				ok.Add(1)
			case status == 503 && h.Get("Retry-After") != "":
				off.Add(1)
			default:
				t.Errorf("%d %s", status, text)
			}
		})
	}
	wg.Wait()
	t.Logf("12 bodies of %d bytes at once: %d stored, %d put off", len(body), ok.Load(), off.Load())
	if off.Load() == 0 || ok.Load() == 0 || u.Stats().Sources[0].PutOff != uint64(off.Load()) {
		t.Errorf("%+v", u.Stats().Sources[0])
	}
	kept(t, u, p, int(ok.Load())*len(want))
}

// While the spool is full, what was handed on waits for its answer and others
// are put off; when there is room, all that was answered with 200 is there.
func TestFullSpoolPutsSendersOff(t *testing.T) {
	key := newKey(t)
	p := newPrefecture(t, key)
	l := &line{to: p.conn}
	l.down.Store(true)
	cfg := config(t, httpIn())
	cfg.Spool.MaxBytes = 16 << 20
	u := startWith(t, cfg, key, l, func(c *Collector) { c.sources[0].input.(*httpInput).patience = 100 * time.Millisecond })
	var ok atomic.Int64
	var enough atomic.Bool
	var wg sync.WaitGroup
	defer wg.Wait()
	for range 4 { // each sends until the spool is full, and what it has handed on then waits
		wg.Go(func() {
			for !enough.Load() {
				b := make([]byte, 100_000)
				_, _ = rand.Read(b)
				if status, _, _ := post(t, u, "/", strings.NewReader(hex.EncodeToString(b))); status == 200 {
					ok.Add(1)
				}
			}
		})
	}
	eventually(t, "the spool is full", func() bool { return u.Stats().SpoolFull })
	enough.Store(true)
	defer l.down.Store(false)
	eventually(t, "the spool counts as stuck", inputOf(u).handed.stuck)
	if status, text, h := post(t, u, "/services/collector", strings.NewReader(`{"event":1}`)); status != 503 || text != `{"text":"Server is busy","code":9}` || h.Get("Retry-After") == "" {
		t.Errorf("%d %s", status, text)
	}
	if status, text := getHTTP(t, u, "/services/collector/health"); status != 503 || !strings.Contains(text, "18") {
		t.Errorf("%d %s", status, text)
	}
	l.down.Store(false)
	wg.Wait()
	kept(t, u, p, int(ok.Load()))
}

// Senders under way when the collector stops have an answer, and it is true.
func TestStopInTheMiddle(t *testing.T) {
	key := newKey(t)
	p := newPrefecture(t, key)
	u := start(t, config(t, httpIn()), key, p.conn)
	var wg sync.WaitGroup
	var ok atomic.Int64
	addr := u.Addr("in").String()
	for i := range 8 {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for n := 0; ; n++ {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/", strings.NewReader(fmt.Sprintf("%d-%d\n", i, n)))
				if err != nil {
					t.Error(err)
					return
				}
				res, err := client.Do(req)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if res.StatusCode == 200 {
					ok.Add(1)
				}
			}
		})
	}
	slow := dialHTTP(t, u)
	_, _ = io.WriteString(slow, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
	idle := dialHTTP(t, u)
	defer idle.Close()
	eventually(t, "they are under way", func() bool { return ok.Load() > 100 })
	began := time.Now()
	if u.stop(); time.Since(began) > 20*time.Second {
		t.Errorf("it took %v to stop", time.Since(began))
	}
	wg.Wait()
	u = start(t, u.cfg, key, p.conn)
	eventually(t, "all is shipped", func() bool { return u.Stats().Queue == 0 })
	recs, _ := p.records("in")
	if n := int64(len(recs)); n != ok.Load() {
		t.Errorf("%d answers of 200, %d records", ok.Load(), n)
	}
	seen := map[string]bool{}
	for _, r := range recs {
		if seen[r.Line] {
			t.Errorf("%s is there twice", r.Line)
		}
		seen[r.Line] = true
	}
}

func TestCurlSends100000LinesOverTLSInChunks(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not here; .ci/run installs it")
	}
	ca := newAuthority(t)
	in := httpIn(Token{Name: "curl", Token: testToken})
	in.Listen, in.Cert, in.Key = "https://127.0.0.1:0", ca.cert, ca.key
	u, p := httpUnder(t, in)
	url := "https://" + u.Addr("in").String()
	want := make([]string, 0, 100_000)
	for i := range cap(want) {
		want = append(want, fmt.Sprintf(`{"n":%d,"msg":"住民情報系 line of the %d-th event"}`, i, i))
	}
	dir := t.TempDir()
	began := time.Now()
	for i, path := range []string{"/v1/lines", "/services/collector/event", "/v1/lines", "/services/collector/event"} {
		part := strings.Join(want[i*25_000:(i+1)*25_000], "\n") + "\n"
		file, args := filepath.Join(dir, fmt.Sprint(i)), []string{}
		data := []byte(part)
		if i >= 2 {
			data, args = gzipped("gzip", data), []string{"-H", "Content-Encoding: gzip"}
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--silent", "--show-error", "--fail-with-body", "--cacert", ca.ca, "-H", "Authorization: Splunk "+testToken, "--data-binary", "@"+file, url+path)
		if i%2 == 0 {
			args = append(args, "-H", "Transfer-Encoding: chunked")
		}
		if out, err := exec.CommandContext(t.Context(), curl, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	t.Logf("100,000 lines (%d bytes) from 4 curls to the spool: %v", len(strings.Join(want, "\n")), time.Since(began))
	sameLines(t, want, lines(kept(t, u, p, len(want))))
}

func TestClientCertificateIsAskedForWhereConfigured(t *testing.T) {
	ca := newAuthority(t)
	in := httpIn()
	in.Listen, in.Cert, in.Key, in.ClientCA = "https://127.0.0.1:0", ca.cert, ca.key, ca.ca
	u, p := httpUnder(t, in)
	for _, with := range []bool{false, true} {
		cfg := ca.client()
		if !with {
			cfg.Certificates = nil
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}}
		res, err := client.Post("https://"+u.Addr("in").String()+"/", "text/plain", strings.NewReader("x\n"))
		if (err == nil) != with {
			t.Fatal(with, err)
		}
		if err == nil {
			res.Body.Close()
		}
	}
	kept(t, u, p, 1)
	if s := u.Stats().Sources[0]; s.Refused != 1 {
		t.Errorf("%+v", s)
	}
}

func BenchmarkHTTPCutters(b *testing.B) {
	var events, logs []byte
	for i := range 1000 {
		events = fmt.Appendf(events, `{"time":%d.123,"host":"pc%d","sourcetype":"x","event":{"msg":"%s"}}`, i, i, strings.Repeat("a", 300))
		logs = append(logs, pb{}.str(2, string(pb{}.fixed(1, uint64(i)).num(2, 9).str(3, "INFO").str(5, string(text1(strings.Repeat("a", 300)))).
			str(6, attr("a", pb{}.num(3, math.MaxInt32))).str(6, attr("b", text1("value")))))...)
	}
	msg := pb{}.str(1, string(pb{}.str(1, string(pb{}.str(1, attr("host.name", text1("pc"))))).str(2, string(logs))))
	for name, c := range map[string]struct {
		cut  cutter
		text []byte
	}{"lines": {cutLines, bytes.ReplaceAll(events, []byte("}}"), []byte("}}\n"))}, "hec": {cutEvents, events}, "otlp": {cutOTLPProto, msg}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				x := &body{plain: c.text, m: &lease{total: &atomic.Int64{}}}
				if err := c.cut(x, func(bodyLine) error { n++; return nil }); err != nil || n != 1000 {
					b.Fatal(n, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/line")
		})
	}
}
