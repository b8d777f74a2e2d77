package collector

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"mimamori/frame"
)

const testToken = "0123456789abcdef0123"

func httpIn(tokens ...Token) Input {
	return Input{Source: "in", Type: "http", Listen: "http://127.0.0.1:0", Tokens: tokens}
}

// post sends a request and returns status, body and headers. headers come in
// pairs.
func post(t *testing.T, u *under, path string, body io.Reader, headers ...string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+u.Addr("in").String()+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Header
}

func mustPost(t *testing.T, u *under, path, body string, headers ...string) string {
	t.Helper()
	status, text, _ := post(t, u, path, strings.NewReader(body), headers...)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, status, text)
	}
	return text
}

// httpUnder starts a collector with one HTTP input.
func httpUnder(t *testing.T, in Input) (*under, *prefecture) {
	t.Helper()
	key := newKey(t)
	p := newPrefecture(t, key)
	return start(t, config(t, in), key, p.conn), p
}

// kept is what the prefecture has once n lines are shipped.
func kept(t *testing.T, u *under, p *prefecture, n int) []frame.Record {
	t.Helper()
	u.shipped("in", n)
	recs, _ := p.records("in")
	if len(recs) != n {
		t.Fatalf("%d records, want %d", len(recs), n)
	}
	return recs
}

// packers pack a body the ways that senders do.
var packers = map[string]func(w io.Writer) io.WriteCloser{
	"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	"zstd": func(w io.Writer) io.WriteCloser {
		z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			panic(err)
		}
		return z
	},
}

func gzipped(encoding string, text []byte) []byte {
	var b bytes.Buffer
	w := packers[encoding](&b)
	_, _ = w.Write(text)
	_ = w.Close()
	return b.Bytes()
}

func TestLinesComeThroughInEveryEncodingSmallAndLarge(t *testing.T) {
	u, p := httpUnder(t, httpIn())
	var want []string
	for _, n := range []int{1, 100, 80_000} { // 2 MB: unpacked as a stream
		lines, text := numbered(len(want), n)
		for _, e := range slices.Sorted(maps.Keys(packers)) {
			status, got, _ := post(t, u, "/", bytes.NewReader(gzipped(e, []byte(text))), "Content-Encoding", e)
			if status != 200 || got != fmt.Sprintf(`{"stored":%d}`, n) {
				t.Fatalf("%s: %d %s", e, status, got)
			}
			want = append(want, lines...)
		}
		mustPost(t, u, "/v1/lines", strings.TrimSuffix(strings.ReplaceAll(text, "\n", "\r\n\n"), "\r\n\n"))
		want = append(want, lines...)
	}
	recs := kept(t, u, p, len(want))
	sameLines(t, want, lines(recs))
	if r := recs[0]; r.Peer != "127.0.0.1" || r.Input != "http-lines" || r.File != "" {
		t.Errorf("%+v", r)
	}
}

// Answers that did not wait for the spool would let many lines into one frame.
func TestAnswerComesAfterTheSpoolHasIt(t *testing.T) {
	u, _ := httpUnder(t, httpIn())
	for range 20 {
		mustPost(t, u, "/", "a line\n")
	}
	if s := u.Stats(); s.Spooled < 19 { // the last is counted a moment after its answer
		t.Errorf("20 answers, %d frames", s.Spooled)
	}
}

func TestTokens(t *testing.T) {
	u, p := httpUnder(t, httpIn(Token{Name: "a", Token: "another-sender-s-token"}, Token{Name: "b", Token: testToken}))
	basic := func(user, password string) string {
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth(user, password)
		return r.Header.Get("Authorization")
	}
	good := []string{"Bearer " + testToken, "bearer " + testToken, "Splunk " + testToken, basic("x", testToken), "Bearer another-sender-s-token"}
	for _, a := range good {
		mustPost(t, u, "/", "let in\n", "Authorization", a)
	}
	bad := map[string]int{
		"": 401, "Bearer": 403, "Bearer ": 403, "Digest x": 401, "Bearer " + testToken[1:]: 403, "Bearer " + testToken + "0": 403,
		basic(testToken, ""): 403, testToken: 401,
	}
	for a, want := range bad {
		for path, text := range map[string]string{"/": `{"error":`, "/services/collector": `{"text":`, "/v1/logs": `{"code":`} {
			status, got, h := post(t, u, path, strings.NewReader(`{"event":1}`), "Authorization", a, "Content-Type", "application/json")
			if status != want || !strings.HasPrefix(got, text) || (h.Get("WWW-Authenticate") != "") != (want == 401) {
				t.Errorf("%s, %q: %d %s", path, a, status, got)
			}
		}
	}
	kept(t, u, p, len(good))
	if s := u.Stats().Sources[0]; s.Refused != uint64(3*len(bad)) {
		t.Errorf("%+v", s)
	}
}

func TestWebPageCannotWriteToAnInputWithoutTokens(t *testing.T) {
	u, _ := httpUnder(t, httpIn())
	if status, _, _ := post(t, u, "/", strings.NewReader("x"), "Origin", "http://evil.example"); status != 403 {
		t.Error(status)
	}
}

func TestRequestsThatAreNotForUsAreRefusedWithTheirStatus(t *testing.T) {
	u, _ := httpUnder(t, httpIn())
	for _, c := range []struct {
		path, body string
		headers    []string
		want       int
	}{
		{"/nowhere", "x", nil, 404},
		{"/", "", nil, 400},
		{"/", "\n\r\n\n", nil, 400},
		{"/", "x", []string{"Content-Encoding", "br"}, 415},
		{"/", "x", []string{"Content-Encoding", "gzip, gzip"}, 415},
		{"/", "not packed", []string{"Content-Encoding", "gzip"}, 400},
		{"/", "not packed", []string{"Content-Encoding", "deflate"}, 400},
		{"/", "not packed", []string{"Content-Encoding", "zstd"}, 400},
		{"/v1/logs", "{}", nil, 415},
	} {
		if status, text, _ := post(t, u, c.path, strings.NewReader(c.body), c.headers...); status != c.want {
			t.Errorf("%+v: %d %s", c, status, text)
		}
	}
	res, err := http.Get("http://" + u.Addr("in").String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 405 {
		t.Error(res.StatusCode)
	}
	if s := u.Stats().Sources[0]; s.Lines != 0 || s.Refused != 10 {
		t.Errorf("%+v", s)
	}
}

// A body that is packed and cut, or has a flipped bit, leaves nothing.
func TestDamagedBodyLeavesNothing(t *testing.T) {
	u, _ := httpUnder(t, httpIn())
	_, text := numbered(0, 80_000) // 2 MB: unpacked as a stream
	for e := range packers {
		whole := gzipped(e, []byte(text))
		flipped := bytes.Clone(whole)
		flipped[len(flipped)/2] ^= 4
		for _, b := range [][]byte{whole[:len(whole)/2], whole[:len(whole)-3], flipped} {
			if status, got, _ := post(t, u, "/", bytes.NewReader(b), "Content-Encoding", e); status != 400 {
				t.Errorf("%s: %d %s", e, status, got)
			}
		}
	}
	if s := u.Stats().Sources[0]; s.Lines != 0 || s.BadFraming != 9 {
		t.Errorf("%+v", s)
	}
}

// A line cut in a body is answered by sending it again: nothing of the first
// try is there. A line cut after the body is what HTTP cannot help: the sender
// does not know, and the lines are there twice.
func TestSenderThatTriesAgainAfterACutLine(t *testing.T) {
	u, p := httpUnder(t, httpIn())
	want, text := numbered(0, 20_000)
	head := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(text))
	for _, n := range []int{0, 1, len(text) / 2, len(text) - 1} {
		conn := dialHTTP(t, u)
		_, _ = io.WriteString(conn, head+text[:n])
		conn.Close()
	}
	eventually(t, "all cuts are seen", func() bool {
		s := u.Stats().Sources[0]
		return s.Refused == 4 && s.Connections == 0
	})
	mustPost(t, u, "/", text)
	sameLines(t, want, lines(kept(t, u, p, len(want))))

	conn := dialHTTP(t, u)
	_, _ = io.WriteString(conn, head+text)
	u.shipped("in", 2*len(want))
	conn.Close() // without having seen the answer
	mustPost(t, u, "/", text)
	kept(t, u, p, 3*len(want))
}

func dialHTTP(t *testing.T, u *under) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", u.Addr("in").String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	return conn
}

func TestTokenFilesAreReadAndCheckedAtStart(t *testing.T) {
	dir := t.TempDir()
	good, bad := dir+"/good", dir+"/bad"
	write(t, good, testToken+"\r\n")
	write(t, bad, "short\n")
	u, p := httpUnder(t, httpIn(Token{Name: "a", File: good}))
	mustPost(t, u, "/", "x", "Authorization", "Bearer "+testToken)
	kept(t, u, p, 1)
	for file, want := range map[string]string{bad: "holds no token for a", dir + "/none": "no such file"} {
		cfg := config(t, httpIn(Token{Name: "a", File: file}))
		if err := cfg.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
		c, err := New(cfg, Options{Key: newKey(t), Prefecture: func(context.Context) (Publisher, error) { return nil, errDown }})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
