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
)

// User may connect with an NKey and publish to some subjects, nothing else.
type User struct {
	Public  string
	Publish []string
}

// ServerConfig says how to start the embedded server.
type ServerConfig struct {
	Dir      string      // where JetStream keeps its files
	Listen   string      // host:port for others; "" for this process only
	TLS      *tls.Config // for Listen
	Users    []User      // who may connect from outside
	MaxStore int64       // bytes on disk; 0 is as much as there is
	Log      *slog.Logger
}

// Server is a NATS server with JetStream in this process.
type Server struct {
	ns     *server.Server
	owner  *Key
	cfg    ServerConfig
	unlock func()

	mu    sync.Mutex
	conns []*Conn
}

// StartServer starts the server and returns when it takes connections. A folder
// that another process works in is an error.
func StartServer(cfg ServerConfig) (*Server, error) {
	unlock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
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
	owner, err := NewKey()
	if err != nil {
		return nil, err
	}
	opts, err := options(cfg, owner)
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
	return &Server{ns: ns, owner: owner, cfg: cfg}, nil
}

func options(cfg ServerConfig, owner *Key) (*server.Options, error) {
	opts := &server.Options{
		ServerName: "mimamori", NoSigs: true, NoLog: cfg.Log == nil, DontListen: cfg.Listen == "",
		JetStream: true, StoreDir: cfg.Dir, SyncAlways: true, MaxPayload: MaxMessage, MaxPending: 64 << 20,
		JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: cfg.MaxStore, NoSystemAccount: false,
	}
	if cfg.MaxStore == 0 {
		opts.JetStreamMaxStore = 1 << 50
	}
	opts.Nkeys = []*server.NkeyUser{{Nkey: owner.Public()}}
	for _, u := range cfg.Users {
		opts.Nkeys = append(opts.Nkeys, nkeyUser(u))
	}
	if cfg.Listen == "" {
		return opts, nil
	}
	host, port, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("bus: listen %q: %w", cfg.Listen, err)
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 0 || n > 65535 {
		return nil, fmt.Errorf("bus: listen %q: no port", cfg.Listen)
	}
	if n == 0 {
		n = server.RANDOM_PORT
	}
	opts.Host, opts.Port, opts.TLSConfig = host, n, cfg.TLS
	if cfg.TLS != nil {
		opts.TLSTimeout = 5
	}
	return opts, nil
}

// nkeyUser lets a collector publish its subjects and hear the answers.
func nkeyUser(u User) *server.NkeyUser {
	return &server.NkeyUser{Nkey: u.Public, Permissions: &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: u.Publish},
		Subscribe: &server.SubjectPermission{Allow: []string{inbox(u.Public) + ".>"}},
	}}
}

// inbox is the private reply prefix of a key, so that nobody hears another's answers.
func inbox(public string) string { return "_INBOX." + public }

// SetUsers replaces who may connect from outside. Those no longer listed are
// cut off at once.
func (s *Server) SetUsers(users []User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	cfg := s.cfg
	cfg.Users = users
	opts, err := options(cfg, s.owner)
	if err != nil {
		return err
	}
	if addr := s.Addr(); addr != "" { // keep the port that was chosen
		_, port, _ := net.SplitHostPort(addr)
		opts.Port, _ = strconv.Atoi(port)
	}
	if err := s.ns.ReloadOptions(opts); err != nil {
		return fmt.Errorf("bus: users: %w", err)
	}
	s.cfg = cfg
	return nil
}

// Addr is host:port where the server listens, "" when it does not.
func (s *Server) Addr() string {
	if a := s.ns.Addr(); a != nil && s.cfg.Listen != "" {
		return a.String()
	}
	return ""
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
