package agent

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/goccy/go-yaml"

	"mimamori/collector"
	"mimamori/internal/bus"
	"mimamori/internal/care"
	"mimamori/internal/whole"
)

// Reasons why an enrolment fails; test with errors.Is.
var (
	ErrRefused  = errors.New("the prefecture refuses the enrolment")
	ErrEnrolled = errors.New("there is a configuration already; a machine is enrolled once, or the file is moved away first")
)

// Enrolment is what a machine needs to become a collector.
type Enrolment struct {
	Token  string
	Data   string // folder of spool, key and orders
	Config string // local configuration file to write
	Log    *slog.Logger
	Now    func() time.Time
}

// identity is the local configuration file of an enrolled collector.
type identity struct {
	Collector    string `yaml:"collector"`
	Municipality string `yaml:"municipality"`
	Zone         string `yaml:"zone"`
	Data         string `yaml:"data"`
	Managed      bool   `yaml:"managed"`
	OrderKey     string `yaml:"order_key"`
	Prefecture   home   `yaml:"prefecture"`
}

type home struct {
	URLs []string `yaml:"urls"`
	CA   string   `yaml:"ca,omitempty"`
}

// Enrol makes the collector's own key, which stays here, registers its public
// half with the prefecture by a token, and writes the local configuration. It
// may be called again with the same token when it was interrupted.
func Enrol(ctx context.Context, e Enrolment) (collector.Config, error) {
	t, err := care.ParseToken(e.Token)
	if err != nil {
		return collector.Config{}, err
	}
	if _, err := os.Stat(e.Config); !errors.Is(err, fs.ErrNotExist) {
		return collector.Config{}, fmt.Errorf("%s: %w", e.Config, errors.Join(ErrEnrolled, err))
	}
	if e.Data, err = filepath.Abs(e.Data); err != nil {
		return collector.Config{}, fmt.Errorf("enrol: %w", err)
	}
	if e.Log == nil {
		e.Log = slog.New(slog.DiscardHandler)
	}
	key, err := bus.LoadOrMakeKey(filepath.Join(e.Data, "collector.nk"))
	if err != nil {
		return collector.Config{}, err
	}
	secure, err := trust(t)
	if err != nil {
		return collector.Config{}, err
	}
	if err := e.ask(ctx, t, key, secure); err != nil {
		return collector.Config{}, err
	}
	if err := e.write(t); err != nil {
		return collector.Config{}, fmt.Errorf("enrol: %w", err)
	}
	return collector.Load(e.Config)
}

// trust makes the TLS configuration of the token, nil where its URLs are plain.
func trust(t care.Token) (*tls.Config, error) {
	if len(t.URLs[0]) < 6 || t.URLs[0][:6] != "tls://" {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA == nil {
		return cfg, nil
	}
	ca, err := x509.ParseCertificate(t.CA)
	if err != nil {
		return nil, fmt.Errorf("%w: its certificate: %w", care.ErrToken, err)
	}
	cfg.RootCAs = x509.NewCertPool()
	cfg.RootCAs.AddCert(ca)
	return cfg, nil
}

// ask registers the key. Where the invitation no longer opens the line, an
// earlier answer may have been lost: then the key itself does.
func (e *Enrolment) ask(ctx context.Context, t care.Token, key *bus.Key, secure *tls.Config) error {
	holder, err := bus.ParseKey(t.Seed)
	if err != nil {
		return fmt.Errorf("%w: %w", care.ErrToken, err)
	}
	conn, err := bus.Dial(ctx, bus.DialConfig{URLs: t.URLs, Key: holder, TLS: secure, Name: "enrolment of " + t.Collector, Log: e.Log, Hasty: true})
	if errors.Is(err, bus.ErrDenied) {
		own, again := bus.Dial(ctx, bus.DialConfig{URLs: t.URLs, Key: key, TLS: secure, Log: e.Log, Hasty: true})
		if again != nil {
			return fmt.Errorf("%w: 招待は使用済みか、期限切れか、取り消されています。 / the invitation was used, has expired or was withdrawn: %w", ErrRefused, err)
		}
		own.Close()
		return nil
	}
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	defer conn.Close()
	b, err := json.Marshal(care.NewRequest(t.Invitation, key.Public(), holder.Private(), key.Private()))
	if err != nil { // strings and bytes always have a JSON form
		panic(err)
	}
	reply, err := insist(ctx, conn, bus.EnrolSubject(t.Invitation), b)
	if err != nil {
		return fmt.Errorf("enrol: the prefecture does not answer; the same token may be tried again: %w", err)
	}
	var w care.Welcome
	if err := json.Unmarshal(reply, &w); err != nil {
		return fmt.Errorf("enrol: the prefecture's answer cannot be read: %w", err)
	}
	if w.Refused != "" {
		return fmt.Errorf("%w: %s", ErrRefused, w.Refused)
	}
	return state{High: w.After}.save(e.Data)
}

// insist asks a few times: the line may be cut while the server takes up others,
// and asking twice is harmless.
func insist(ctx context.Context, conn *bus.Conn, subject string, data []byte) (reply []byte, err error) {
	for range 15 {
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		reply, err = conn.Request(try, subject, data)
		if err != nil && ctx.Err() == nil {
			<-try.Done() // a failure may come at once
		}
		cancel()
		if err == nil || ctx.Err() != nil {
			return reply, err
		}
	}
	return reply, err
}

// write writes the authority's certificate and the local configuration.
func (e *Enrolment) write(t care.Token) error {
	id := identity{
		Collector: t.Collector, Municipality: t.Municipality, Zone: t.Zone, Data: e.Data, Managed: true, OrderKey: t.OrderKey, Prefecture: home{URLs: t.URLs},
	}
	if t.CA != nil {
		id.Prefecture.CA = filepath.Join(e.Data, "prefecture-ca.pem")
		if err := os.MkdirAll(e.Data, 0o700); err != nil {
			return err
		}
		if err := whole.Bytes(id.Prefecture.CA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: t.CA})); err != nil {
			return err
		}
	}
	text, err := yaml.MarshalWithOptions(id, yaml.UseSingleQuote(false))
	if err != nil {
		return err
	}
	head := "# 県の招待で作成。入力の設定は県から届きます。 / Written by enrolment; inputs come as orders of the prefecture.\n"
	if err := os.MkdirAll(filepath.Dir(e.Config), 0o700); err != nil {
		return err
	}
	return whole.Bytes(e.Config, append([]byte(head), text...))
}
