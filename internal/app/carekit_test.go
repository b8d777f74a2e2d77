package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"mimamori/collector/agent"
	"mimamori/frame"
	"mimamori/internal/bus"
	"mimamori/internal/care"
	"mimamori/soc/fleet"
)

const (
	tottori = "312011"
	yonago  = "312029"
)

// certificate writes a certificate for this machine that signs itself.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	return cert, key
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// prefecture is the program, run over TLS, and a second hand on its register,
// as commands have one.
type prefecture struct {
	*App
	t    *testing.T
	cfg  Config
	hand *fleet.Fleet
	stop func()
}

func startPrefecture(t *testing.T, formats ...string) *prefecture {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Data, cfg.Console.Listen, cfg.Bus.Listen = t.TempDir(), "127.0.0.1:0", "127.0.0.1:0"
	cfg.Bus.Cert, cfg.Bus.Key = certificate(t, t.TempDir())
	cfg.Formats = formats
	p := &prefecture{t: t, cfg: cfg}
	p.start()
	hand, err := OpenFleet(t.Context(), cfg.Data, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	p.hand = hand
	t.Cleanup(func() { hand.Close() })
	return p
}

// start opens the program, again on the port that it had.
func (p *prefecture) start() {
	p.t.Helper()
	a, err := New(p.t.Context(), p.cfg, logger(p.t, "prefecture"), time.Now)
	if err != nil {
		p.t.Fatal(err)
	}
	p.App, p.cfg.Bus.Listen = a, a.BusAddr()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := a.Run(ctx); err != nil {
			p.t.Error(err)
		}
	})
	p.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	p.t.Cleanup(p.stop)
}

func (p *prefecture) invite(id, town string, age time.Duration) care.Token {
	p.t.Helper()
	i := fleet.Invitation{Collector: id, Municipality: town, Zone: "internet", CreatedBy: "sato", Expires: time.Now().Add(age)}
	tok, err := Invite(p.t.Context(), p.hand, p.cfg, i, []string{"tls://" + p.BusAddr()})
	if err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, "the invitation is known", func() bool {
		rev, err := p.hand.Revision(p.t.Context())
		return err == nil && p.roster.now.Load().revision >= rev
	})
	return tok
}

// machine is a town's computer.
type machine struct {
	t      *testing.T
	dir    string
	config string
	agent  *agent.Agent
	stop   func()
}

func newMachine(t *testing.T) *machine {
	dir := t.TempDir()
	return &machine{t: t, dir: dir, config: filepath.Join(dir, "collector.yaml")}
}

func (m *machine) enrol(token string) error {
	_, err := agent.Enrol(m.t.Context(), agent.Enrolment{Token: token, Data: filepath.Join(m.dir, "data"), Config: m.config, Now: time.Now, Log: logger(m.t, "enrol")})
	return err
}

func (m *machine) key() *bus.Key {
	m.t.Helper()
	k, err := bus.LoadKey(filepath.Join(m.dir, "data", "collector.nk"))
	if err != nil {
		m.t.Fatal(err)
	}
	return k
}

// signed makes frames that nobody has sent yet.
func (m *machine) signed(n int) (out [][]byte) {
	m.t.Helper()
	w, err := frame.NewWriter(frame.Header{Collector: "town-a", Municipality: tottori, Zone: "internet", Source: "late", Epoch: 1}, m.key().Private())
	if err != nil {
		m.t.Fatal(err)
	}
	for range n {
		w.Add(&frame.Record{Line: "late", Received: time.Now().UnixMicro(), Input: "file"})
		f, err := w.Seal()
		if err != nil {
			m.t.Fatal(err)
		}
		out = append(out, bytes.Clone(f.Bytes))
	}
	return out
}

// run starts the agent with short waits.
func (m *machine) run() {
	m.t.Helper()
	a, err := agent.New(agent.Options{
		Config: m.config, Log: logger(m.t, "machine"), Beat: 200 * time.Millisecond, Steady: 300 * time.Millisecond, Trial: 3 * time.Second,
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.agent = a
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := a.Run(ctx); err != nil {
			m.t.Error(err)
		}
	})
	m.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	m.t.Cleanup(m.stop)
}

// enrolled starts a machine that has joined.
func (p *prefecture) enrolled(id string) *machine {
	p.t.Helper()
	m := newMachine(p.t)
	if err := m.enrol(p.invite(id, tottori, time.Hour).String()); err != nil {
		p.t.Fatal(err)
	}
	return m
}

func (p *prefecture) order(id, text string) uint64 {
	p.t.Helper()
	v, err := p.hand.SetConfig(p.t.Context(), fleet.Config{Collector: id, Text: text, CreatedBy: "sato"})
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// becomes waits until a version has the state.
func (p *prefecture) becomes(id string, version uint64, want fleet.State) fleet.Config {
	p.t.Helper()
	var got fleet.Config
	eventually(p.t, id+" has its configuration "+string(want), func() bool {
		all, err := p.hand.Configs(p.t.Context(), id)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, c := range all {
			if c.Version == version {
				got = c
			}
		}
		return got.State == want
	})
	return got
}

// eventually polls until ok, and fails after a long while.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick, end := time.NewTicker(10*time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("still not: %s", what)
		}
	}
}

func logger(t *testing.T, who string) *slog.Logger {
	least := slog.LevelWarn // shown when the test fails
	if testing.Verbose() {
		least = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: least})).With("who", who)
}

type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(string(bytes.TrimSpace(b)))
	return len(b), nil
}
