package bus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// DialConfig says how to reach a server.
type DialConfig struct {
	URLs []string    // nats://host:port or tls://host:port, tried in turn
	Key  *Key        // who we are
	TLS  *tls.Config // nil for none
	Name string      // shown in the server's log
	Log  *slog.Logger

	Hasty bool // give up after a few quick tries; ErrDenied where the key is not welcome

	// Files, where not nil, give certificates anew for each connection.
	Files *TLSFiles
	// Dialer, where not nil, opens the connections; it also resolves names.
	Dialer Dialer
}

// Dialer opens TCP connections; *net.Dialer is one.
type Dialer interface {
	Dial(network, address string) (net.Conn, error)
}

// Conn is a connection that redials by itself.
type Conn struct {
	nc *nats.Conn
	js jetstream.JetStream

	handling sync.RWMutex // held for reading by handlers that run
}

// Dial connects, or returns a connection that goes on trying. An error means
// that the configuration is wrong, not that the server is away, unless
// cfg.Hasty asks for that.
func Dial(ctx context.Context, cfg DialConfig) (*Conn, error) {
	if !cfg.Hasty {
		return dial(ctx, cfg, nats.RetryOnFailedConnect(true))
	}
	// A server whose users change just now turns away whoever is coming, so one
	// refusal does not count.
	for n := 0; ; n++ {
		c, err := dial(ctx, cfg)
		if err == nil || n == quickTries {
			return c, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(rand.N(300 * time.Millisecond)): //nolint:gosec // jitter, no secret
		}
	}
}

const quickTries = 4

func dial(_ context.Context, cfg DialConfig, more ...nats.Option) (*Conn, error) {
	opts := []nats.Option{
		nats.Name(cfg.Name), nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond),
		nats.ReconnectJitter(500*time.Millisecond, 2*time.Second), nats.ReconnectBufSize(-1), nats.Timeout(10 * time.Second), nats.IgnoreDiscoveredServers(),
		nats.PingInterval(20 * time.Second), nats.MaxPingsOutstanding(2), nats.IgnoreAuthErrorAbort(),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) { logTo(cfg.Log, "nats connection", of(sub, err)) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { logTo(cfg.Log, "nats line lost; redialling", err) }),
	}
	if cfg.Key != nil {
		opts = append(opts, nats.Nkey(cfg.Key.Public(), cfg.Key.pair.Sign), nats.CustomInboxPrefix(inbox(cfg.Key.Public())))
	}
	if cfg.TLS != nil {
		opts = append(opts, nats.Secure(cfg.TLS))
	}
	if cfg.Files != nil {
		opts = append(opts, cfg.Files.option)
	}
	if cfg.Dialer != nil {
		opts = append(opts, nats.SetCustomDialer(cfg.Dialer), nats.SkipHostLookup())
	}
	nc, err := nats.Connect(strings.Join(cfg.URLs, ","), append(opts, more...)...)
	if errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) {
		err = fmt.Errorf("%w: %w", ErrDenied, err)
	}
	if err != nil {
		return nil, fmt.Errorf("bus: connect to %s: %w", strings.Join(cfg.URLs, ", "), err)
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(10*time.Second), jetstream.WithPublishAsyncTimeout(10*time.Minute))
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("bus: %w", err)
	}
	return &Conn{nc: nc, js: js}, nil
}

// of names the subscription of an error, and what it has missed.
func of(sub *nats.Subscription, err error) error {
	if sub == nil {
		return err
	}
	missed, _ := sub.Dropped() // of one that has ended nothing is known
	return fmt.Errorf("%s, %d messages missed: %w", sub.Subject, missed, err)
}

func logTo(log *slog.Logger, msg string, err error) {
	if log != nil && err != nil {
		log.Warn(msg, "err", err)
	}
}

// Close ends the connection and waits for handlers that run.
func (c *Conn) Close() {
	c.nc.Close()
	c.handling.Lock()
	defer c.handling.Unlock()
}

// Connected tells whether the line stands.
func (c *Conn) Connected() bool { return c.nc.IsConnected() }

// Publish sends data to the stream that takes the subject and returns its
// sequence there once it is durable. Whoever gets an error repeats the call:
// the message may have arrived all the same.
func (c *Conn) Publish(ctx context.Context, subject string, data []byte) (uint64, error) {
	return c.publish(ctx, &nats.Msg{Subject: subject, Data: data})
}

func (c *Conn) publish(ctx context.Context, m *nats.Msg) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	// No hidden retries: the caller's loop is the only one.
	ack, err := c.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
	if err != nil {
		return 0, explain("publish to "+m.Subject, err)
	}
	return ack.Sequence, nil
}

// JetStream's codes for a message that its store refused.
const (
	jsStoreFailed = 10077
	jsNoResources = 10023
)

// explain maps an error of the client to ours.
func explain(what string, err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && (api.ErrorCode == jsStoreFailed || api.ErrorCode == jsNoResources) {
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	if errors.Is(err, nats.ErrReconnectBufExceeded) { // the client's word for it, while it redials
		err = ErrOffline
	}
	return fmt.Errorf("bus: %s: %w", what, err)
}
