package testkit

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ConnectProxy is an HTTP proxy that knows CONNECT and nothing else.
type ConnectProxy struct {
	addr   string
	want   string // Proxy-Authorization
	Opened atomic.Int64
}

// NewConnectProxy starts a proxy on this machine that wants a user and password,
// unless both are empty. It ends with the test.
func NewConnectProxy(t testing.TB, user, password string) *ConnectProxy {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &ConnectProxy{addr: ln.Addr().String()}
	if user != "" {
		p.want = "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wg.Add(1)
		defer wg.Done()
		p.serve(ctx, w, r)
	})}
	wg.Go(func() {
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = server.Close()
		wg.Wait()
	})
	return p
}

// Addr is host:port.
func (p *ConnectProxy) Addr() string { return p.addr }

func (p *ConnectProxy) serve(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodConnect:
		http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
		return
	case r.Header.Get("Proxy-Authorization") != p.want:
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
		return
	}
	out, err := new(net.Dialer).DialContext(ctx, "tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer out.Close()
	in, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer in.Close()
	defer context.AfterFunc(ctx, func() { in.Close(); out.Close() })()
	if _, err := io.WriteString(in, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	p.Opened.Add(1)
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(out, in)
		out.Close()
	})
	_, _ = io.Copy(in, out)
	in.Close()
	wg.Wait()
}
