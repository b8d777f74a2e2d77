package bus

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"mimamori/internal/lock"
)

// ServerConfig says how to start the embedded server.
type ServerConfig struct {
	Dir       string      // where JetStream keeps its files
	Listen    string      // host:port for others; "" for this process only
	Websocket string      // host:port for others who can only speak HTTP; "" for none
	TLS       *tls.Config // for Listen and Websocket
	Users     []User      // who may connect from outside
	MaxStore  int64       // bytes on disk; 0 is as much as there is
	Log       *slog.Logger
}

// Server is a NATS server with JetStream in this process.
type Server struct {
	ns     *server.Server
	owner  *Key
	cfg    ServerConfig
	door   *door
	unlock func()

	mu    sync.Mutex
	conns []*Conn
}

// StartServer starts the server and returns when it takes connections. A folder
// that another process works in is an error.
func StartServer(cfg ServerConfig) (*Server, error) {
	unlock, err := lock.Dir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("bus: %w", err)
	}
	s, err := startServer(cfg)
	if err != nil {
		unlock()
		return nil, err
	}
	s.unlock = unlock
	return s, nil
}

func startServer(cfg ServerConfig) (*Server, error) {
	if err := mendBlocks(cfg.Dir, cfg.Log); err != nil {
		return nil, err
	}
	owner, err := NewKey()
	if err != nil {
		return nil, err
	}
	d := &door{owner: owner.Public()}
	d.admit(cfg.Users)
	opts, err := options(cfg, d)
	if err != nil {
		return nil, err
	}
	ns, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("bus: server: %w", err)
	}
	if cfg.Log != nil {
		ns.SetLoggerV2(logger{cfg.Log}, false, false, false)
	}
	ns.Start()
	if !ns.ReadyForConnections(20 * time.Second) {
		ns.Shutdown()
		return nil, fmt.Errorf("bus: the server in %s did not become ready: is %q taken, or the folder not writable?", cfg.Dir, cfg.Listen)
	}
	if !ns.JetStreamEnabled() {
		ns.Shutdown()
		return nil, fmt.Errorf("bus: JetStream did not start in %s: is the disk full or the folder not writable?", cfg.Dir)
	}
	return &Server{ns: ns, owner: owner, cfg: cfg, door: d}, nil
}

func options(cfg ServerConfig, d *door) (*server.Options, error) {
	opts := &server.Options{
		ServerName: "mimamori", NoSigs: true, NoLog: cfg.Log == nil, DontListen: cfg.Listen == "",
		JetStream: true, StoreDir: cfg.Dir, SyncAlways: true, MaxPayload: MaxMessage, MaxPending: 64 << 20,
		JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: cfg.MaxStore, NoSystemAccount: false,
		CustomClientAuthentication: d, AlwaysEnableNonce: true,
	}
	if cfg.MaxStore == 0 {
		opts.JetStreamMaxStore = 1 << 50
	}
	var err error
	if cfg.Websocket != "" {
		ws := server.WebsocketOpts{TLSConfig: cfg.TLS, NoTLS: cfg.TLS == nil}
		if ws.Host, ws.Port, err = hostPort(cfg.Websocket); err != nil {
			return nil, err
		}
		opts.Websocket = ws
	}
	if cfg.Listen == "" {
		return opts, nil
	}
	if opts.Host, opts.Port, err = hostPort(cfg.Listen); err != nil {
		return nil, err
	}
	if opts.TLSConfig = cfg.TLS; cfg.TLS != nil {
		opts.TLSTimeout = 5
	}
	return opts, nil
}

// hostPort splits an address; port 0 becomes any that is free.
func hostPort(address string) (host string, n int, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("bus: listen %q: %w", address, err)
	}
	n, err = strconv.Atoi(port)
	if err != nil || n < 0 || n > 65535 {
		return "", 0, fmt.Errorf("bus: listen %q: no port", address)
	}
	if n == 0 {
		n = server.RANDOM_PORT
	}
	return host, n, nil
}

// Addr is host:port where the server listens, "" when it does not.
func (s *Server) Addr() string {
	if a := s.ns.Addr(); a != nil && s.cfg.Listen != "" {
		return a.String()
	}
	return ""
}

// WebsocketURL is ws://host:port or wss:// where the server listens for those
// who speak HTTP, "" where it does not.
func (s *Server) WebsocketURL() string {
	if s.cfg.Websocket == "" {
		return ""
	}
	return s.ns.WebsocketURL()
}

// Connect opens a connection inside the process, with all rights.
func (s *Server) Connect(ctx context.Context) (*Conn, error) {
	c, err := dial(ctx, DialConfig{Key: s.owner, Name: "owner", Log: s.cfg.Log}, nats.InProcessServer(s.ns))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.conns = append(s.conns, c)
	s.mu.Unlock()
	return c, nil
}

// Close cuts the connections and stops the server; streams are closed whole.
func (s *Server) Close() {
	s.mu.Lock()
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
	s.unlock()
}

// logger passes the server's warnings and errors on.
type logger struct{ log *slog.Logger }

func (l logger) Noticef(string, ...any) {}
func (l logger) Debugf(string, ...any)  {}
func (l logger) Tracef(string, ...any)  {}
func (l logger) Warnf(format string, args ...any) {
	l.log.Warn("nats: " + fmt.Sprintf(format, args...))
}

func (l logger) Errorf(format string, args ...any) {
	l.log.Error("nats: " + fmt.Sprintf(format, args...))
}

func (l logger) Fatalf(format string, args ...any) {
	l.log.Error("nats: " + fmt.Sprintf(format, args...))
}
