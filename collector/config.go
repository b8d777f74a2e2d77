package collector

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"mimamori/internal/place"
)

// Config says who a collector is, what it takes and where it sends. A zero
// field means its default.
type Config struct {
	Collector    string     `yaml:"collector"`    // its name: [a-z0-9-], at most 64 characters
	Municipality string     `yaml:"municipality"` // 6-digit 全国地方公共団体コード
	Zone         string     `yaml:"zone"`         // mynumber, lgwan or internet
	Data         string     `yaml:"data"`         // folder of the spool
	Key          string     `yaml:"key"`          // file of the NKey, made when missing; default DATA/collector.nk
	Prefecture   Prefecture `yaml:"prefecture"`
	Inputs       []Input    `yaml:"inputs"`
	Seal         Seal       `yaml:"seal"`
	Spool        Spool      `yaml:"spool"`
}

// Prefecture is where frames go.
type Prefecture struct {
	URLs       []string `yaml:"urls"`        // tls://host:port, tried in turn; nats:// only to this machine
	CA         string   `yaml:"ca"`          // PEM file of the authority to trust; default: the system's
	Cert       string   `yaml:"cert"`        // PEM file of a client certificate, with Key
	Key        string   `yaml:"key"`         // PEM file of its key
	ServerName string   `yaml:"server_name"` // name to expect in the certificate; default: the URL's host
	Plain      bool     `yaml:"plain"`       // allow nats:// to another machine
}

// Input is one thing that is listened to or read: one source.
type Input struct {
	Source string `yaml:"source"` // name of the sequence: [a-z0-9-], at most 64 characters
	Type   string `yaml:"type"`   // syslog or file
	Zone   string `yaml:"zone"`   // where it differs from the collector's

	Listen         string        `yaml:"listen"`          // syslog: udp://host:port, tcp:// or tls://
	Cert           string        `yaml:"cert"`            // tls: PEM file of the certificate
	Key            string        `yaml:"key"`             // tls: PEM file of its key
	ClientCA       string        `yaml:"client_ca"`       // tls: PEM file; clients must show a certificate of it
	MaxConnections int           `yaml:"max_connections"` // tcp, tls: more are refused; default 1000
	Idle           time.Duration `yaml:"idle"`            // tcp, tls: close after silence between messages; default 6h

	Paths []string `yaml:"paths"` // file: names or globs
}

// Seal says when a frame is closed, whichever comes first.
type Seal struct {
	Bytes    Size          `yaml:"bytes"`    // before compression; default 512KiB
	Interval time.Duration `yaml:"interval"` // since its first record; default 200ms
}

// Spool bounds what waits for the prefecture.
type Spool struct {
	MaxBytes Size `yaml:"max_bytes"` // on disk; default 8GiB
}

// withDefaults fills what is not set.
func (c Config) withDefaults() Config {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&c.Data, "data")
	def(&c.Key, filepath.Join(c.Data, "collector.nk"))
	if c.Seal.Bytes == 0 {
		c.Seal.Bytes = 512 << 10
	}
	if c.Seal.Interval == 0 {
		c.Seal.Interval = 200 * time.Millisecond
	}
	if c.Spool.MaxBytes == 0 {
		c.Spool.MaxBytes = 8 << 30
	}
	c.Inputs = append([]Input(nil), c.Inputs...)
	for i := range c.Inputs {
		in := &c.Inputs[i]
		def(&in.Zone, c.Zone)
		if in.MaxConnections == 0 {
			in.MaxConnections = 1000
		}
		if in.Idle == 0 {
			in.Idle = 6 * time.Hour
		}
	}
	return c
}

// Load reads and checks a configuration file. Relative paths in it are relative
// to its folder. The error is a *ConfigError where it has a place in the file.
func Load(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	c, err := Parse(path, text)
	if err != nil {
		return Config{}, err
	}
	c.resolve(filepath.Dir(path))
	return c, nil
}

// resolve makes the paths relative to dir.
func (c *Config) resolve(dir string) {
	fix := func(ps ...*string) {
		for _, p := range ps {
			if *p != "" && !filepath.IsAbs(*p) {
				*p = filepath.Join(dir, *p)
			}
		}
	}
	fix(&c.Data, &c.Key, &c.Prefecture.CA, &c.Prefecture.Cert, &c.Prefecture.Key)
	for i := range c.Inputs {
		in := &c.Inputs[i]
		fix(&in.Cert, &in.Key, &in.ClientCA)
		for j := range in.Paths {
			fix(&in.Paths[j])
		}
	}
}

// Parse reads and checks a configuration and fills in the defaults. name stands
// for the file in errors. The error is a *ConfigError.
func Parse(name string, text []byte) (Config, error) {
	var c Config
	doc, err := place.Decode(name, text, &c)
	if err != nil {
		return Config{}, err
	}
	c.Municipality = doc.Written("$.municipality", c.Municipality)
	c = c.withDefaults()
	for _, p := range []*problem{c.problem(), c.Prefecture.problem()} {
		if p != nil {
			return Config{}, doc.ErrorAt(p.path, p.msg, p.hint)
		}
	}
	return c, nil
}

// ConfigError is a mistake in a configuration file and its place.
type ConfigError = place.Error
