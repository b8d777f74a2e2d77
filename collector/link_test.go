package collector

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"mimamori/internal/bus"
	"mimamori/internal/testkit"
)

// far is a prefecture that collectors reach over a real connection.
type far struct {
	*prefecture
	key *bus.Key
	ca  *authority
}

func newFar(t *testing.T, cfg bus.ServerConfig) *far {
	t.Helper()
	f := &far{key: newKey(t), ca: newAuthority(t)}
	cfg.Dir, cfg.Listen = t.TempDir(), "127.0.0.1:0"
	f.prefecture = newPrefectureWith(t, f.key, cfg)
	return f
}

// collect runs a collector against the prefecture as its configuration says,
// and checks that a line arrives.
func (f *far) collect(t *testing.T, p Prefecture, more ...func(*Config)) *under {
	t.Helper()
	in, path := fileIn(t, "app.log")
	cfg := config(t, in)
	cfg.Prefecture = p
	for _, m := range more {
		m(&cfg)
	}
	u := start(t, cfg, f.key, nil)
	before := len(f.arrived("files"))
	write(t, path, "a line\n")
	u.shipped("files", 1)
	if len(f.arrived("files")) <= before {
		t.Error("nothing arrived")
	}
	return u
}

func TestOfSeveralAddressesOneThatAnswersIsEnough(t *testing.T) {
	f := newFar(t, bus.ServerConfig{})
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	f.collect(t, Prefecture{URLs: []string{"nats://" + dead.Addr().String(), "nats://" + f.server.Addr()}})
}

func TestThroughAProxyThatKnowsConnect(t *testing.T) {
	f := newFar(t, bus.ServerConfig{})
	proxy := testkit.NewConnectProxy(t, "town", "p@ss")
	f.collect(t, Prefecture{URLs: []string{"nats://" + f.server.Addr()}, Proxy: "http://town:p%40ss@" + proxy.Addr()})
	if proxy.Opened.Load() == 0 {
		t.Error("the proxy was not used")
	}
	line := &bus.Line{Proxy: &url.URL{Host: proxy.Addr(), User: url.UserPassword("town", "wrong")}, Timeout: time.Second}
	if conn, err := line.Dial("tcp", f.server.Addr()); err == nil {
		conn.Close()
		t.Error("a wrong password opened the line")
	}
}

func TestThroughSquid(t *testing.T) {
	program, err := exec.LookPath("squid")
	if err != nil {
		t.Skip("squid is not installed")
	}
	f := newFar(t, bus.ServerConfig{})
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.Addr().String()
	free.Close()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil { // squid leaves root
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "squid.conf")
	write(t, conf, fmt.Sprintf("http_port %s\nhttp_access allow localhost\nhttp_access deny all\ncache deny all\npid_filename none\naccess_log none\ncache_log %s/log\ncoredump_dir %s\nshutdown_lifetime 0\n", at, dir, dir))
	if err := os.Chmod(conf, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-N", "-f", conf)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // "signal: killed"
	})
	f.collect(t, Prefecture{URLs: []string{"nats://" + f.server.Addr()}, Proxy: "http://" + at})
}

func TestOverWebSocket(t *testing.T) {
	f := newFar(t, bus.ServerConfig{Websocket: "127.0.0.1:0"})
	f.collect(t, Prefecture{URLs: []string{f.server.WebsocketURL() + "/mimamori"}})
}

func TestOverWebSocketWithTLSThroughAProxy(t *testing.T) {
	ca := newAuthority(t)
	files := &bus.TLSFiles{Cert: ca.cert, Key: ca.key}
	f := newFar(t, bus.ServerConfig{Websocket: "127.0.0.1:0", TLS: serverConfig(files)})
	proxy := testkit.NewConnectProxy(t, "", "")
	f.collect(t, Prefecture{URLs: []string{f.server.WebsocketURL()}, CA: ca.ca, Proxy: "http://" + proxy.Addr()})
	if proxy.Opened.Load() == 0 {
		t.Error("the proxy was not used")
	}
}

func TestRenewedCertificatesAreTakenWithoutARestart(t *testing.T) {
	first, second := newAuthority(t), newAuthority(t)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	replace := func(a *authority, age time.Duration) {
		for from, to := range map[string]string{a.cert: cert, a.key: key} {
			b, err := os.ReadFile(from)
			if err == nil {
				err = os.WriteFile(to, b, 0o600)
			}
			if err == nil {
				err = os.Chtimes(to, time.Time{}, time.Now().Add(-age))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	replace(first, time.Hour)
	files := &bus.TLSFiles{Cert: cert, Key: key}
	f := newFar(t, bus.ServerConfig{TLS: serverConfig(files)})
	proxy := testkit.NewProxy(t, f.server.Addr(), 1)
	in, path := fileIn(t, "app.log")
	cfg := config(t, in)
	cfg.Prefecture = Prefecture{URLs: []string{"tls://" + proxy.Addr()}, CA: cert, Cert: cert, Key: key}
	u := start(t, cfg, f.key, nil)
	write(t, path, "before\n")
	u.shipped("files", 1)
	replace(second, time.Minute)
	proxy.Cut()
	write(t, path, "after\n")
	u.shipped("files", 2)
	write(t, cert, "no certificate any more") // the old one serves on
	proxy.Cut()
	write(t, path, "still\n")
	u.shipped("files", 3)
}

func TestThinLineIsSharedSmoothly(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	got := make(chan int, 1024)
	wg.Go(func() {
		defer close(got)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		b := make([]byte, 64<<10)
		for {
			n, err := conn.Read(b)
			if n > 0 {
				got <- n
			}
			if err != nil {
				return
			}
		}
	})
	line := &bus.Line{Rate: bus.NewBucket(100 << 10), Timeout: time.Second}
	conn, err := line.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil { // the line never stands still
		t.Fatal(err)
	}
	if n, err := conn.Write(make([]byte, 60<<10)); n != 60<<10 || err != nil {
		t.Fatal(n, err)
	}
	took := time.Since(began)
	conn.Close()
	most := 0
	for n := range got {
		most = max(most, n)
	}
	if took < 400*time.Millisecond || took > 20*time.Second {
		t.Errorf("60 KiB at 100 KiB a second took %s", took)
	}
	if most > 32<<10 {
		t.Errorf("%d bytes came at once", most)
	}
}

func TestExitPassesOthersOnAndNoStranger(t *testing.T) {
	ca := newAuthority(t)
	files := &bus.TLSFiles{Cert: ca.cert, Key: ca.key}
	f := newFar(t, bus.ServerConfig{TLS: serverConfig(files)})
	proxy := testkit.NewConnectProxy(t, "", "")
	exit := f.collect(t, Prefecture{URLs: []string{"tls://" + f.server.Addr()}, CA: ca.ca, Proxy: "http://" + proxy.Addr()}, func(c *Config) {
		c.Relay = Relay{Listen: "127.0.0.1:0", Allow: []string{"127.0.0.0/8"}, MaxConnections: 12}
	})
	f.collect(t, Prefecture{URLs: []string{"tls://" + exit.RelayAddr().String()}, CA: ca.ca, ServerName: "127.0.0.1"})
	if s := exit.Stats().Relay; s.Taken != 1 || s.Up == 0 || s.Down == 0 || s.Refused != 0 {
		t.Errorf("%+v", s)
	}
	if n := proxy.Opened.Load(); n != 2 {
		t.Errorf("%d connections went through the proxy, want the exit's own and the other's", n)
	}
	for range 40 { // one address takes no more than its share
		conn, err := net.Dial("tcp", exit.RelayAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	eventually(t, "most are refused", func() bool { return exit.Stats().Relay.Refused >= 30 })
	if n := exit.Stats().Relay.Open; n > relayPerPeer {
		t.Errorf("%d connections are open", n)
	}
}

func TestExitIsForThoseWhoAreListed(t *testing.T) {
	r := newRelay(&Relay{Listen: "127.0.0.1:0", Allow: []string{"192.0.2.0/24"}, MaxConnections: 4}, &Link{line: &bus.Line{Timeout: time.Second}}, slog.New(slog.DiscardHandler))
	if err := r.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { r.run(ctx) })
	defer wg.Wait()
	defer cancel()
	conn, err := net.Dial("tcp", r.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("a stranger was let in")
	}
	if s := r.stats(); s.Refused != 1 || s.Taken != 0 {
		t.Errorf("%+v", s)
	}
}
