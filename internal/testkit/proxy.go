package testkit

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy stands between a client and a server over TCP and makes the line bad.
// Its faults may be changed at any time.
type Proxy struct {
	to   string
	ln   net.Listener
	rnd  *rand.Rand
	wg   sync.WaitGroup
	once sync.Once

	down    atomic.Bool
	delay   atomic.Int64 // nanoseconds, each way
	rate    atomic.Int64 // bytes a second, each way; 0 for any
	corrupt atomic.Int64 // flips a bit in one of so many pieces; 0 for none

	mu    sync.Mutex
	conns map[net.Conn]bool
	taken int
}

// NewProxy listens on this machine and passes connections on to an address. It
// ends with the test. seed decides which pieces are corrupted.
func NewProxy(t testing.TB, to string, seed uint64) *Proxy {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{to: to, ln: ln, rnd: rand.New(rand.NewPCG(seed, 2)), conns: map[net.Conn]bool{}} //nolint:gosec // faults, no secret
	p.wg.Go(p.accept)
	t.Cleanup(p.Close)
	return p
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// SetDown refuses connections and, at the beginning, cuts those that are open.
func (p *Proxy) SetDown(down bool) {
	if p.down.Store(down); down {
		p.Cut()
	}
}

// SetDelay lets every piece arrive later.
func (p *Proxy) SetDelay(d time.Duration) { p.delay.Store(int64(d)) }

// SetRate lets no more bytes a second pass each way; 0 for any.
func (p *Proxy) SetRate(bytes int64) { p.rate.Store(bytes) }

// SetCorrupt flips a bit in one of n pieces; 0 for none.
func (p *Proxy) SetCorrupt(n int64) { p.corrupt.Store(n) }

// Taken is how many connections were passed on.
func (p *Proxy) Taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}

// Cut resets every open connection.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // as a line does that is cut
		}
		_ = c.Close()
	}
}

// Close ends the proxy and waits for what it started.
func (p *Proxy) Close() {
	p.once.Do(func() {
		_ = p.ln.Close()
		p.SetDown(true)
		p.wg.Wait()
	})
}

func (p *Proxy) accept() {
	for {
		in, err := p.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		p.wg.Go(func() { p.pass(in) })
	}
}

// keep remembers a connection, unless the line is down.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down.Load() {
		_ = c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) forget(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

func (p *Proxy) pass(in net.Conn) {
	if !p.keep(in) {
		return
	}
	defer p.forget(in)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := new(net.Dialer).DialContext(ctx, "tcp", p.to)
	if err != nil || !p.keep(out) {
		return
	}
	defer p.forget(out)
	p.mu.Lock()
	p.taken++
	p.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { p.carry(out, in) })
	p.carry(in, out)
	wg.Wait()
}

// late is a piece and when it may arrive.
type late struct {
	b  []byte
	at time.Time
}

// carry copies one way with the faults that are set.
func (p *Proxy) carry(to, from net.Conn) {
	pieces := make(chan late, 1024)
	var wg sync.WaitGroup
	wg.Go(func() {
		var free time.Time // when the line has carried what was written
		for x := range pieces {
			if rate := p.rate.Load(); rate > 0 {
				if now := time.Now(); free.Before(now) {
					free = now
				}
				free = free.Add(time.Duration(len(x.b)) * time.Second / time.Duration(rate))
				if x.at.Before(free) {
					x.at = free
				}
			}
			timer := time.NewTimer(time.Until(x.at))
			<-timer.C
			if _, err := to.Write(x.b); err != nil {
				_ = from.Close()
			}
		}
		if half, ok := to.(*net.TCPConn); ok {
			_ = half.CloseWrite()
		}
	})
	defer wg.Wait()
	defer close(pieces)
	for {
		b := make([]byte, 4<<10)
		n, err := from.Read(b)
		if n > 0 {
			p.spoil(b[:n])
			pieces <- late{b[:n], time.Now().Add(time.Duration(p.delay.Load()))}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				_ = to.Close()
			}
			return
		}
	}
}

// spoil flips a bit now and then.
func (p *Proxy) spoil(b []byte) {
	n := p.corrupt.Load()
	if n == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rnd.Int64N(n) == 0 {
		b[p.rnd.IntN(len(b))] ^= 1 << p.rnd.IntN(8)
	}
}
