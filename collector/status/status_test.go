package status

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"mimamori/internal/care"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a page over a made-up account and a hand-set clock.
type bench struct {
	*Page
	mu      sync.Mutex
	beat    care.Heartbeat
	shipped uint64
	now     time.Time
}

func made(now time.Time) care.Heartbeat {
	return care.Heartbeat{
		Collector: "tottori-lgwan-1", Municipality: "312011", Version: "v0.4.0", Platform: "windows/amd64", Started: now.Add(-50 * time.Hour), Sent: now,
		Spool: care.Spool{MaxBytes: 8 << 30},
		Certificates: []care.Certificate{
			{What: "prefecture.ca", Subject: "鳥取県自治体情報セキュリティクラウド 認証局", NotAfter: now.AddDate(3, 0, 0)},
		},
		Sources: []care.Source{
			{Source: "fortigate", Kind: "syslog-udp", Zone: "internet", Epoch: 1, Last: 1204117, Lines: 1204117, Bytes: 5 << 29, LastLine: now.Add(-2 * time.Second), Masked: map[string]uint64{"mynumber": 12}},
			{Source: "skysea", Kind: "file", Zone: "lgwan", Epoch: 1, Last: 80321, Lines: 80321, Bytes: 1 << 25, LastLine: now.Add(-3 * time.Minute)},
		},
	}
}

func newBench() *bench {
	b := &bench{now: time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)}
	b.beat = made(b.now)
	b.Page = New(Config{
		Listen: "127.0.0.1:0", To: []string{"tls://seccloud.pref.example.jp:4222"}, Key: "UABC", Contact: "県 情報政策課 0857-26-0000",
		Beat:    func() care.Heartbeat { b.mu.Lock(); defer b.mu.Unlock(); return b.beat },
		Shipped: func() uint64 { return b.shipped },
		Log:     slog.New(slog.DiscardHandler), Now: func() time.Time { return b.now },
	})
	return b
}

func (b *bench) get(t *testing.T, path string, header ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:8686"+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

func wants(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, x := range texts {
		if !strings.Contains(page, x) {
			t.Errorf("the page lacks %q:\n%s", x, page)
		}
	}
}

func TestThePageSaysInJapaneseThatAllIsWell(t *testing.T) {
	b := newBench()
	resp, page := b.get(t, "/")
	wants(t, page, "正常に動いています", "していただくことはありません", "fortigate", "3分前", "1,204,117", "インターネット接続系", "2029年11月22日", `lang="ja"`)
	if strings.Contains(page, "<script") || strings.Contains(page, "https://") || resp.Header.Get("Content-Security-Policy") == "" {
		t.Error("the page asks for more than its own style")
	}
	_, page = b.get(t, "/?lang=en")
	wants(t, page, "All is well", "Nothing to do", "3 min ago", `lang="en"`)
	if _, page = b.get(t, "/", "Accept-Language", "en-US,en;q=0.9,ja;q=0.5"); !strings.Contains(page, "All is well") {
		t.Error("the browser's language is not heard")
	}
	if _, page = b.get(t, "/", "Accept-Language", "fr, ja"); !strings.Contains(page, "正常") {
		t.Error("the browser's language is not heard")
	}
}

func TestThePageSaysWhatIsWrongAndWhomToCall(t *testing.T) {
	for _, c := range []struct {
		name  string
		wreck func(*bench)
		ja    string
		en    string
	}{
		{"cut", func(b *bench) {
			b.beat.Spool = care.Spool{Frames: 912, Bytes: 41 << 20, MaxBytes: 8 << 30, Oldest: b.now.Add(-5 * time.Minute)}
			b.Report()
			b.now = b.now.Add(6 * time.Minute)
		}, "県に送れていません", "Nothing gets to the prefecture"},
		{"full", func(b *bench) { b.beat.Spool.Full, b.beat.Spool.Frames = true, 9 }, "ためる場所がいっぱいです", "There is no more room"},
		{"behind", func(b *bench) {
			b.beat.Spool = care.Spool{Frames: 40, MaxBytes: 8 << 30, Oldest: b.now.Add(-time.Hour)}
			b.shipped++
		}, "たまったログを送っています", "Catching up"},
		{"clock", func(b *bench) { b.beat.Offset = -312 }, "時計が5分遅れています", "clock is 5 min slow"},
		{"certificate", func(b *bench) { b.beat.Certificates[0].NotAfter = b.now.Add(9 * 24 * time.Hour) }, "期限まで9日", "ends in 9 days"},
		{"expired", func(b *bench) { b.beat.Certificates[0].NotAfter = b.now.Add(-time.Hour) }, "期限が切れています", "has expired"},
		{"never", func(b *bench) { b.beat.Sources[1].LastLine = time.Time{} }, "skysea：起動してから何も届いていません", "skysea: nothing has come"},
		{"trouble", func(b *bench) { b.beat.Sources[1].Trouble = "folder cannot be read <b>" }, "folder cannot be read &lt;b&gt;", "folder cannot be read &lt;b&gt;"},
		{"lost", func(b *bench) { b.beat.Sources[0].Dropped = map[string]uint64{"no room": 4711} }, "4,711", "4,711"},
		{"room", func(b *bench) { b.beat.Spool.Bytes, b.beat.Spool.MaxBytes = 80, 100 }, "80%を使いました", "80% of the room"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench()
			c.wreck(b)
			_, ja := b.get(t, "/")
			_, en := b.get(t, "/?lang=en")
			wants(t, ja, c.ja)
			wants(t, en, c.en)
			if strings.Contains(ja+en, "%!") {
				t.Error("a text lacks its argument")
			}
			if c.name != "behind" && c.name != "lost" {
				wants(t, ja, "0857-26-0000")
			}
			report := b.Report()
			var out bytes.Buffer
			if err := Write(&out, &report, false, b.now); err != nil || c.name != "trouble" && !strings.Contains(out.String(), c.ja) {
				t.Errorf("%v\n%s", err, out.String())
			}
		})
	}
}

func TestHealthAndMetrics(t *testing.T) {
	b := newBench()
	if resp, _ := b.get(t, "/healthz"); resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
	_, text := b.get(t, "/metrics")
	wants(t, text, `mimamori_collector_lines_total{kind="syslog-udp",source="fortigate",zone="internet"} 1.204117e+06`,
		`mimamori_collector_masked_total{kind="syslog-udp",source="fortigate",what="mynumber",zone="internet"} 12`,
		`mimamori_collector_sending 1`, `mimamori_collector_clock_offset_seconds 0`)
	strict := prometheus.NewPedanticRegistry()
	strict.MustRegister(NewMetrics(b.Report))
	if _, err := strict.Gather(); err != nil {
		t.Error(err)
	}
	b.beat.Spool.Full = true
	if resp, _ := b.get(t, "/healthz"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Error(resp.Status)
	}
}

func TestAPageElsewhereCannotReadThisOne(t *testing.T) {
	b := newBench()
	for host, want := range map[string]int{"attacker.example:8686": 421, "127.0.0.1:8686": 200, "localhost:8686": 200, "[::1]:8686": 200, "192.0.2.1": 421} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/status.json", nil)
		r.Host = host
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", host, w.Code, want)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/", nil)
	w := httptest.NewRecorder()
	if b.Handler().ServeHTTP(w, r); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestTheTerminalAsksThePage(t *testing.T) {
	b := newBench()
	addr := make(chan string, 1)
	b.cfg.Ready = func(a string) { addr <- a }
	if at := os.Getenv("MIMAMORI_STATUS_DEV"); at != "" {
		b.cfg.Listen = at
		b.beat.Spool = care.Spool{Frames: 912, Bytes: 41 << 20, MaxBytes: 8 << 30, Oldest: b.now.Add(-5 * time.Minute)}
		b.beat.Trouble = "nats: no servers available for connection"
		b.beat.Sources[1].Trouble = `a file cannot be read: open C:\ログ\操作ログ_20261122.csv: Access is denied.`
		b.beat.Offset = 95
		b.beat.Certificates = append(b.beat.Certificates, care.Certificate{What: "inputs.fortigate.cert", Subject: "collector-1.city.example.lg.jp", NotAfter: b.now.Add(12 * 24 * time.Hour)})
		b.Report()
		b.now = b.now.Add(6 * time.Minute)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { b.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	at := <-addr
	if os.Getenv("MIMAMORI_STATUS_DEV") != "" {
		t.Log("look at http://" + at)
		<-t.Context().Done()
	}
	r, err := Ask(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(b.Report())
	if got, _ := json.Marshal(r); !bytes.Equal(got, want) {
		t.Errorf("%s\n%s", got, want)
	}
	other := newBench()
	other.cfg.Listen = at // taken: it gives way
	other.Run(ctx)
	cancel()
	wg.Wait()
	if _, err := Ask(t.Context(), at); !errors.Is(err, ErrNoPage) {
		t.Error(err)
	}
}

func TestAPageThatSawNothingLeaveDoesNotSayAllIsWell(t *testing.T) {
	b := newBench()
	b.beat.Spool.Frames, b.beat.Trouble = 3, "there is no line to the server"
	_, page := b.get(t, "/")
	if !strings.Contains(page, "県への接続を待っています") || strings.Contains(page, "正常に動いています") || strings.Contains(page, "合っています") {
		t.Errorf("%s", page)
	}
	b.shipped = 3
	b.beat.Spool.Frames = 0
	if _, page = b.get(t, "/"); !strings.Contains(page, "正常に動いています") {
		t.Errorf("%s", page)
	}
}
