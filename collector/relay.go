package collector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Relay makes a collector the exit for other collectors of its town: they name
// its address in prefecture.urls, with server_name, and it passes their bytes
// on over its own way to the prefecture. Encryption, keys and acknowledgements
// stay between them and the prefecture: an exit reads, keeps and answers nothing.
type Relay struct {
	Listen         string   `yaml:"listen"`          // host:port
	Allow          []string `yaml:"allow"`           // networks that may use it, such as 10.1.0.0/24
	MaxConnections int      `yaml:"max_connections"` // more are refused, as are more than 8 of one address; default 64
}

const (
	relayIdle    = 5 * time.Minute // collectors and servers ask for a sign of life more often
	relayPerPeer = 8
)

// RelayStats is what an exit did.
type RelayStats struct {
	Open      int64  // connections now
	Taken     uint64 // connections that reached the prefecture
	Refused   uint64 // by address or number
	Failed    uint64 // no address of the prefecture answered
	Up, Down  uint64 // bytes to the prefecture and from it
	LastError string
}

// relay passes connections on. Under pressure it refuses and counts; memory is
// bounded by the number of connections.
type relay struct {
	cfg   *Relay
	link  *Link
	log   *slog.Logger
	allow []netip.Prefix
	idle  time.Duration
	ln    net.Listener

	mu   sync.Mutex
	peer map[netip.Addr]int
	turn int
	err  string

	now, taken, refused, failed, up, down atomic.Uint64
}

func newRelay(cfg *Relay, to *Link, log *slog.Logger) *relay {
	r := &relay{cfg: cfg, link: to, log: log.With("part", "relay"), idle: relayIdle, peer: map[netip.Addr]int{}}
	for _, s := range cfg.Allow {
		if p, err := netip.ParsePrefix(s); err == nil { // the configuration was checked
			r.allow = append(r.allow, p.Masked())
		}
	}
	return r
}

func (r *relay) open(ctx context.Context) (err error) {
	if r.ln, err = new(net.ListenConfig).Listen(ctx, "tcp", r.cfg.Listen); err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	return nil
}

// run passes connections on until ctx ends, and waits for all of them.
func (r *relay) run(ctx context.Context) {
	accept(ctx, r.ln, r.log, func(conn net.Conn) func() {
		peer, ok := r.enter(conn)
		if !ok {
			return nil
		}
		return func() {
			defer r.leave(peer)
			r.pass(ctx, conn)
		}
	})
}

// enter counts a connection in, where it may use this exit.
func (r *relay) enter(conn net.Conn) (netip.Addr, bool) {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	peer := at.Addr().Unmap()
	r.mu.Lock()
	defer r.mu.Unlock()
	why := ""
	switch {
	case err != nil || !r.allowed(peer):
		why = "its address is not in relay.allow"
	case r.peer[peer] >= relayPerPeer:
		why = "its address has too many connections"
	case r.now.Load() >= uint64(r.cfg.MaxConnections):
		why = "there are too many connections"
	}
	if why != "" {
		if n := r.refused.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th …
			r.log.Warn("connection refused", "peer", peer, "why", why, "refused", n)
		}
		return peer, false
	}
	r.peer[peer]++
	r.now.Add(1)
	return peer, true
}

func (r *relay) allowed(a netip.Addr) bool {
	for _, p := range r.allow {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func (r *relay) leave(peer netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.peer[peer]--; r.peer[peer] == 0 {
		delete(r.peer, peer)
	}
	r.now.Add(^uint64(0))
}

// pass carries bytes both ways until both ends are through, nothing has come
// for long, or ctx ends.
func (r *relay) pass(ctx context.Context, in net.Conn) {
	out, err := r.reach(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.fail(err)
		}
		return
	}
	defer out.Close()
	r.taken.Add(1)
	stop := context.AfterFunc(ctx, func() { in.Close(); out.Close() })
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { r.carry(out, in, &r.up) })
	r.carry(in, out, &r.down)
	wg.Wait()
}

// reach connects to the first address of the prefecture that answers,
// beginning with another one each time.
func (r *relay) reach(ctx context.Context) (net.Conn, error) {
	r.mu.Lock()
	first := r.turn
	r.turn++
	r.mu.Unlock()
	var errs []error
	for i := range r.link.hosts {
		conn, err := r.link.line.DialContext(ctx, "tcp", r.link.hosts[(first+i)%len(r.link.hosts)])
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (r *relay) fail(err error) {
	r.log.Warn("the prefecture cannot be reached for another collector", "err", err)
	r.failed.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err.Error()
}

// carry copies one way and tells the other side when it ends. A way on which
// nothing came for long ends both: NATS asks for signs of life both ways.
func (r *relay) carry(to, from net.Conn, count *atomic.Uint64) {
	buf := make([]byte, 32<<10)
	for {
		_ = from.SetReadDeadline(time.Now().Add(r.idle))
		n, err := from.Read(buf)
		if n > 0 {
			_ = to.SetWriteDeadline(time.Now().Add(r.idle))
			if _, werr := to.Write(buf[:n]); werr != nil {
				_ = from.Close()
				return
			}
			count.Add(uint64(n))
		}
		if err == nil {
			continue
		}
		half, ok := to.(interface{ CloseWrite() error })
		if !errors.Is(err, io.EOF) || !ok || half.CloseWrite() != nil {
			_ = to.Close()
			_ = from.Close()
		}
		return
	}
}

func (r *relay) stats() *RelayStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &RelayStats{
		Open: int64(r.now.Load()), Taken: r.taken.Load(), Refused: r.refused.Load(), Failed: r.failed.Load(),
		Up: r.up.Load(), Down: r.down.Load(), LastError: r.err,
	}
}
