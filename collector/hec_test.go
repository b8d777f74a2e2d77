package collector

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// cutAll runs a cutter over a body that comes in chunks of the stream's size,
// or whole, and returns what it found.
func cutAll(t interface{ Fatal(...any) }, cut cutter, text []byte, asStream bool) (out []bodyLine, err error) {
	b := &body{plain: text, m: &lease{total: &atomic.Int64{}}}
	if asStream {
		b = &body{packed: gzipped("gzip", text), encoding: "gzip", m: b.m}
	}
	err = cut(b, func(p bodyLine) error {
		p.line = bytes.Clone(p.line)
		out = append(out, p)
		return nil
	})
	if held := b.m.total.Load(); held < 0 {
		t.Fatal("more memory was given back than taken", held)
	}
	return out, err
}

func bodyTexts(pieces []bodyLine) (out []string) {
	for _, p := range pieces {
		out = append(out, string(p.line))
	}
	return out
}

func TestEventsAreCutWhereTheyEnd(t *testing.T) {
	for _, c := range []struct {
		body string
		want []string
		bad  int
	}{
		{`{"event":"a"}{"event":"b"}`, []string{`{"event":"a"}`, `{"event":"b"}`}, 0},
		{" {\"event\":\"a\"}\r\n\n\t{\"event\":{\"x\":[1,{}]}} ", []string{`{"event":"a"}`, `{"event":{"x":[1,{}]}}`}, 0},
		{"{\n  \"event\": 1\n}", []string{"{\n  \"event\": 1\n}"}, 0},
		{`{"event":"}{\"\\"}{"e":1}`, []string{`{"event":"}{\"\\"}`, `{"e":1}`}, 0},
		// The quote is escaped by mistake, as in a Windows path: the next event is whole.
		{`{"event":"C:\"}` + "\n" + `{"event":"b"}`, []string{`{"event":"C:\"}`, `{"event":"b"}`}, 1},
		{`{"event":1} and more` + "\n" + `{"event":2}`, []string{`{"event":1}`, `and more`, `{"event":2}`}, 1},
		{`{"event":1}{"event":`, []string{`{"event":1}`, `{"event":`}, 1},
		{`{"event":1}]`, []string{`{"event":1}`, `]`}, 1},
	} {
		for _, stream := range []bool{false, true} {
			got, err := cutAll(t, cutEvents, []byte(c.body), stream)
			if err != nil {
				t.Fatal(err)
			}
			sameLines(t, c.want, bodyTexts(got))
			bad := 0
			for _, p := range got {
				if p.bad {
					bad++
				}
			}
			if bad != c.bad {
				t.Errorf("%s: %d bad", c.body, bad)
			}
		}
	}
	for _, text := range []string{"plain", "[{}]", `"x"`, "\xff", "}"} {
		if _, err := cutAll(t, cutEvents, []byte(text), false); !errors.Is(err, errFormat) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Whatever objects a sender writes, with whatever between, the pieces are those
// that the standard library's decoder finds.
func TestEventsAreThoseOfTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []string
		var text []byte
		for range rapid.IntRange(1, 30).Draw(t, "n") {
			v := map[string]any{rapid.String().Draw(t, "k"): anyJSON(t, 3), "event": rapid.StringMatching(`["\\{}\[\] a-z\n]{0,40}`).Draw(t, "e")}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			want, text = append(want, string(b)), append(append(text, b...), rapid.StringMatching(`[ \n\r\t]{0,3}`).Draw(t, "gap")...)
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		for i := range want {
			var raw json.RawMessage
			if err := dec.Decode(&raw); err != nil || string(raw) != want[i] {
				t.Fatal("the oracle disagrees with itself", err)
			}
		}
		got, err := cutAll(t, cutEvents, text, rapid.Bool().Draw(t, "stream"))
		if err != nil || strings.Join(bodyTexts(got), "\x00") != strings.Join(want, "\x00") {
			t.Fatalf("%v\n got %q\nwant %q", err, bodyTexts(got), want)
		}
	})
}

func anyJSON(t *rapid.T, depth int) any {
	switch n := rapid.IntRange(0, 5).Draw(t, "kind"); {
	case n == 0:
		return rapid.String().Draw(t, "s")
	case n == 1:
		return rapid.Int32().Draw(t, "i")
	case n == 2 && depth > 0:
		return []any{anyJSON(t, depth-1), anyJSON(t, depth-1)}
	case n == 3 && depth > 0:
		return map[string]any{rapid.String().Draw(t, "k"): anyJSON(t, depth-1)}
	case n == 4:
		return nil
	}
	return true
}

func TestHEC(t *testing.T) {
	u, p := httpUnder(t, httpIn(Token{Name: "splunk", Token: testToken}))
	auth := []string{"Authorization", "Splunk " + testToken}
	events := `{"time":1,"event":"a"}{"event":"b"}`
	for _, path := range []string{"/services/collector", "/services/collector/event", "/services/collector/event/1.0"} {
		if got := mustPost(t, u, path, events, auth...); got != `{"text":"Success","code":0}` {
			t.Error(got)
		}
	}
	got := mustPost(t, u, "/services/collector/raw?source=/var/log/x.log&channel=1", "one\ntwo", auth...)
	if got != `{"text":"Success","code":0,"ackId":1}` {
		t.Error(got)
	}
	got = mustPost(t, u, "/services/collector/event", events, append(auth, "X-Splunk-Request-Channel", "c")...)
	if got != `{"text":"Success","code":0,"ackId":2}` {
		t.Error(got)
	}
	if got := mustPost(t, u, "/services/collector/ack?channel=1", `{"acks":[1,2]}`, auth...); got != `{"acks":{"1":true,"2":true}}` {
		t.Error(got)
	}
	for _, c := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"/services/collector/event", "", 400, `{"text":"No data","code":5}`},
		{"/services/collector/raw", "\n", 400, `{"text":"No data","code":5}`},
		{"/services/collector/event", "plain", 400, `{"text":"Invalid data format","code":6}`},
		{"/services/collector/ack", "plain", 400, `{"text":"Invalid data format","code":6}`},
	} {
		if status, got, _ := post(t, u, c.path, strings.NewReader(c.body), auth...); status != c.status || got != c.want {
			t.Errorf("%s %q: %d %s", c.path, c.body, status, got)
		}
	}
	if status, got, _ := post(t, u, "/services/collector/ack", strings.NewReader(`{"acks":[1]}`)); status != 401 || got != `{"text":"Token is required","code":2}` {
		t.Errorf("%d %s", status, got)
	}
	recs := kept(t, u, p, 10)
	sameLines(t, []string{`{"time":1,"event":"a"}`, `{"event":"b"}`}, lines(recs[:2]))
	sameLines(t, []string{"one", "two"}, lines(recs[6:8]))
	if recs[0].Input != "http-hec" || recs[6].Input != "http-raw" || recs[6].File != "/var/log/x.log" {
		t.Errorf("%+v", recs[6])
	}
}

func TestHECTellsItsHealthToAnybody(t *testing.T) {
	u, _ := httpUnder(t, httpIn(Token{Name: "splunk", Token: testToken}))
	for _, path := range []string{"/services/collector/health", "/services/collector/health/1.0"} {
		status, got := getHTTP(t, u, path)
		if status != 200 || got != `{"text":"HEC is healthy","code":17}` {
			t.Errorf("%d %s", status, got)
		}
	}
}

func TestBrokenEventsAreKeptAndCounted(t *testing.T) {
	u, p := httpUnder(t, httpIn())
	mustPost(t, u, "/services/collector", `{"event":"good"}`+"\n"+`{"event":"C:\"}`+"\n"+`{"event":"good too"}`)
	recs := kept(t, u, p, 3)
	sameLines(t, []string{`{"event":"good"}`, `{"event":"C:\"}`, `{"event":"good too"}`}, lines(recs))
	if s := u.Stats().Sources[0]; s.BadFraming != 1 || s.Refused != 0 {
		t.Errorf("%+v", s)
	}
}

// Nothing of a body is lost: what is cut out of it are, but for blanks, its
// bytes in their order, and it does not matter how the body is cut in parts.
func FuzzEvents(f *testing.F) {
	f.Add([]byte(`{"event":"a"}{"event":{"b":[1,2]}}`))
	f.Add([]byte("{\"event\":\"C:\\\"}\n{}\nx"))
	f.Add([]byte("{\"a\":\"" + strings.Repeat("x", 70_000) + "\"}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		whole, err := cutAll(t, cutEvents, text, false)
		streamed, err2 := cutAll(t, cutEvents, text, true)
		if (err == nil) != (err2 == nil) || strings.Join(bodyTexts(whole), "\x00") != strings.Join(bodyTexts(streamed), "\x00") {
			t.Fatalf("%v %v\n%q\n%q", err, err2, bodyTexts(whole), bodyTexts(streamed))
		}
		if err != nil {
			return
		}
		all := ""
		for _, p := range whole {
			if p.total > int64(len(p.line)) {
				return
			}
			all += string(p.line)
		}
		blanks := strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "")
		if blanks.Replace(all) != blanks.Replace(string(text)) {
			t.Fatalf("%q became %q", text, bodyTexts(whole))
		}
	})
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nb\r\n\nc"))
	f.Add([]byte(strings.Repeat("x", 70_000) + "\n\xff"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var want []string
		for l := range strings.SplitSeq(string(text), "\n") {
			if l = strings.TrimSuffix(l, "\r"); l != "" && len(l) < 1<<20 {
				want = append(want, l)
			}
		}
		for _, stream := range []bool{false, true} {
			got, err := cutAll(t, cutLines, text, stream)
			if err != nil || strings.Join(bodyTexts(got), "\n") != strings.Join(want, "\n") {
				t.Fatalf("%v\n got %q\nwant %q", err, bodyTexts(got), want)
			}
		}
	})
}

// FuzzUnpack feeds hostile bytes to every unpacker: an error or a bounded body.
func FuzzUnpack(f *testing.F) {
	for e := range packers {
		f.Add(e, gzipped(e, []byte("line\nline\n")))
	}
	f.Add("zstd", []byte{0x28, 0xb5, 0x2f, 0xfd, 0x04, 0xf8})
	f.Fuzz(func(t *testing.T, encoding string, b []byte) {
		m := &lease{total: &atomic.Int64{}}
		x, err := newBody(b, encoding, m)
		if err == nil {
			err = x.chunks(func([]byte, bool) error { return nil })
		}
		if r := (refusal{}); err != nil && !errors.As(err, &r) {
			t.Fatalf("%T %v", err, err)
		}
		if m.total.Load() > httpMemory || m.total.Load() != m.held {
			t.Fatal(m.total.Load(), m.held)
		}
	})
}

func getHTTP(t *testing.T, u *under, path string) (int, string) {
	t.Helper()
	conn := dialHTTP(t, u)
	_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.0\r\n\r\n")
	b, err := io.ReadAll(conn)
	if err != nil || len(b) < 12 {
		t.Fatalf("%q %v", b, err)
	}
	_, text, _ := strings.Cut(string(b), "\r\n\r\n")
	status := 0
	for _, c := range b[9:12] {
		status = 10*status + int(c-'0')
	}
	return status, text
}
