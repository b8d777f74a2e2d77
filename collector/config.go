package collector

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"mimamori/collector/mask"
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
	Carry        Carry      `yaml:"carry"` // in place of prefecture, where there is no line
	Inputs       []Input    `yaml:"inputs"`
	Seal         Seal       `yaml:"seal"`
	Spool        Spool      `yaml:"spool"`
	Mask         Mask       `yaml:"mask"`
	Status       Status     `yaml:"status"`
	Relay        Relay      `yaml:"relay"`

	Managed  bool   `yaml:"managed"`   // inputs come as orders of the prefecture; this file holds who and where only
	OrderKey string `yaml:"order_key"` // managed: public NKey that signs orders
}

// Status is the page for the people of the municipality.
type Status struct {
	Listen  string `yaml:"listen"`  // host:port of this machine; default 127.0.0.1:8686; off for none
	Contact string `yaml:"contact"` // whom to call when something is wrong: name and telephone number
}

// Prefecture is where frames go.
type Prefecture struct {
	URLs       []string `yaml:"urls"`        // tls://host:port or wss://host:port/path, tried in turn; nats:// and ws:// only to this machine
	CA         string   `yaml:"ca"`          // PEM file of the authority to trust; default: the system's
	Cert       string   `yaml:"cert"`        // PEM file of a client certificate, with Key
	Key        string   `yaml:"key"`         // PEM file of its key
	ServerName string   `yaml:"server_name"` // name to expect in the certificate; default: the URL's host
	Plain      bool     `yaml:"plain"`       // allow nats:// and ws:// to another machine

	Proxy       string `yaml:"proxy"`        // http://user:password@host:port of a proxy that knows CONNECT
	Rate        Size   `yaml:"rate"`         // bytes a second, of all that is sent; default: as much as the line carries
	BacklogRate Size   `yaml:"backlog_rate"` // of it, for what an outage left behind; default: half of rate
}

// Input is one thing that is listened to or read: one source.
type Input struct {
	Source string `yaml:"source"` // name of the sequence: [a-z0-9-], at most 64 characters
	Type   string `yaml:"type"`   // one of inputTypes: syslog, relp, beats, http, file, journald, auditd, winlog
	Zone   string `yaml:"zone"`   // where it differs from the collector's

	Charset  string `yaml:"charset"`   // auto (default), utf-8, cp932, euc-jp, iso-2022-jp, utf-16, utf-16le or utf-16be
	WhenFull string `yaml:"when_full"` // where it differs from the spool's

	Listen         string        `yaml:"listen"`          // udp://host:port (syslog only), tcp:// or tls://; http:// or https:// (http only)
	Cert           string        `yaml:"cert"`            // tls: PEM file of the certificate
	Key            string        `yaml:"key"`             // tls: PEM file of its key
	ClientCA       string        `yaml:"client_ca"`       // tls: PEM file; clients must show a certificate of it
	MaxConnections int           `yaml:"max_connections"` // tcp, tls: more are refused; default 1000
	Idle           time.Duration `yaml:"idle"`            // tcp, tls: close after silence between messages; default 6h

	Paths     []string   `yaml:"paths"`     // file: names or globs; ** stands for any number of folders
	Exclude   []string   `yaml:"exclude"`   // file: globs of files to leave; without a folder: names in any folder
	Start     string     `yaml:"start"`     // file: of files that are there when the source begins: beginning (default) or end
	Share     bool       `yaml:"share"`     // file: they lie on a file server (SMB, NFS)
	Multiline *Multiline `yaml:"multiline"` // file: records of several lines
	CSV       *CSV       `yaml:"csv"`       // file: rows of CSV

	// Logs of the operating system.
	Directory string    `yaml:"directory"` // journald: folder of the journal; default: the system's own
	Units     []string  `yaml:"units"`     // journald: of these units only
	Matches   []string  `yaml:"matches"`   // journald: FIELD=value, as journalctl takes them
	Channels  []Channel `yaml:"channels"`  // winlog: what to subscribe to
	Render    bool      `yaml:"render"`    // winlog: with the text that the event viewer shows
	Locale    uint32    `yaml:"locale"`    // winlog: language of that text as a Windows LCID, 1041 is Japanese; default: the system's

	// http: listen is http://host:port (on loopback, or where the line itself is
	// protected) or https://. Senders POST lines or NDJSON to /v1/lines or /,
	// Splunk HEC to /services/collector/event and …/raw, OTLP logs to /v1/logs;
	// 200 is answered when all is on disk, 503 when it must be sent again. idle
	// is 2m here. Tokens are given as Bearer, as Splunk, or as the password of
	// Basic; without any, only loopback is listened on.
	Tokens []Token `yaml:"tokens"`
}

// Channel is one channel of the Windows Event Log, or a selection of several.
type Channel struct {
	Name  string `yaml:"name"`  // such as Security; with an XML query: a name of your own
	Query string `yaml:"query"` // XPath, or XML that begins with <QueryList>; default: all events
}

// Multiline says which lines are one record. Begin or Continue is set.
type Multiline struct {
	Begin    string        `yaml:"begin"`     // RE2 of lines that begin a record; others go on the one before
	Continue string        `yaml:"continue"`  // RE2 of lines that go on the record before; others begin one
	MaxLines int           `yaml:"max_lines"` // the rest is the next record; default 500
	MaxBytes Size          `yaml:"max_bytes"` // the same; default 128KiB, at most 1MiB
	Timeout  time.Duration `yaml:"timeout"`   // an unfinished record is taken after so much quiet; default 5s
}

// CSV says how rows and their header are found.
type CSV struct {
	Preamble   int    `yaml:"preamble"`   // lines before the header row
	Header     string `yaml:"header"`     // or RE2 of header rows: what stands before the first is the preamble, and others may follow
	Headerless bool   `yaml:"headerless"` // there is no header row
	Delimiter  string `yaml:"delimiter"`  // one ASCII character; default ","
	Quote      string `yaml:"quote"`      // one ASCII character; default "\""
}

// Seal says when a frame is closed, whichever comes first.
type Seal struct {
	Bytes    Size          `yaml:"bytes"`    // before compression; default 512KiB
	Interval time.Duration `yaml:"interval"` // since its first record; default 200ms
}

// Spool bounds what waits for the prefecture.
type Spool struct {
	MaxBytes Size          `yaml:"max_bytes"` // on disk; default 8GiB
	MaxAge   time.Duration `yaml:"max_age"`   // frames older than this are given up; default: none is too old
	WhenFull string        `yaml:"when_full"` // block or drop-oldest; default: drop-oldest for inputs that cannot wait, block for others
}

// Policies for a full spool.
const (
	whenFullBlock = "block"
	whenFullDrop  = "drop-oldest"
)

// gives tells whether the input gives up its oldest frames when the spool is
// full.
func (s *Spool) gives(in *Input) bool {
	switch {
	case in.WhenFull != "":
		return in.WhenFull == whenFullDrop
	case s.WhenFull != "":
		return s.WhenFull == whenFullDrop
	}
	loses := inputTypes[in.Type].loses
	return loses != nil && loses(in)
}

// Mask says what is replaced by pseudonyms before a line is written.
type Mask struct {
	MyNumber  *bool          `yaml:"mynumber"`  // マイナンバー; default true
	Corporate bool           `yaml:"corporate"` // 法人番号
	Key       string         `yaml:"key"`       // file of the town's key, made when missing; default DATA/mask.key
	Patterns  []mask.Pattern `yaml:"patterns"`  // of the town's own
	IDs       []string       `yaml:"ids"`       // keys in lines whose 12 digits are known to be no My Number
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
	def(&c.Mask.Key, filepath.Join(c.Data, "mask.key"))
	if c.Mask.MyNumber == nil {
		c.Mask.MyNumber = new(true)
	}
	if c.Seal.Bytes == 0 {
		c.Seal.Bytes = 512 << 10
	}
	if c.Seal.Interval == 0 {
		c.Seal.Interval = 200 * time.Millisecond
	}
	if c.Spool.MaxBytes == 0 {
		c.Spool.MaxBytes = 8 << 30
	}
	if c.Carry != (Carry{}) {
		c.Carry = c.Carry.withDefaults()
	}
	def(&c.Status.Listen, "127.0.0.1:8686")
	if c.Relay.Listen != "" && c.Relay.MaxConnections == 0 {
		c.Relay.MaxConnections = 64
	}
	if c.Prefecture.BacklogRate == 0 {
		c.Prefecture.BacklogRate = c.Prefecture.Rate / 2
	}
	c.Inputs = append([]Input(nil), c.Inputs...)
	for i := range c.Inputs {
		in := &c.Inputs[i]
		def(&in.Zone, c.Zone)
		if in.Type == "auditd" && len(in.Paths) == 0 {
			in.Paths = []string{auditLog}
		}
		if s := in.scheme(); s == "" || s == "udp" {
			continue
		}
		if in.MaxConnections == 0 {
			in.MaxConnections = 1000
		}
		if in.Idle == 0 && in.Type == "http" { // a new connection costs nothing, and loses nothing
			in.Idle = 2 * time.Minute
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
	fix(&c.Data, &c.Key, &c.Mask.Key, &c.Carry.Dir, &c.Prefecture.CA, &c.Prefecture.Cert, &c.Prefecture.Key)
	for i := range c.Inputs {
		in := &c.Inputs[i]
		fix(&in.Cert, &in.Key, &in.ClientCA, &in.Directory)
		for j := range in.Paths {
			fix(&in.Paths[j])
		}
		for j, glob := range in.Exclude {
			if filepath.Base(glob) != glob {
				fix(&in.Exclude[j])
			}
		}
		for j := range in.Tokens {
			fix(&in.Tokens[j].File)
		}
	}
}

// line checks how frames leave: over a line, or as files.
func (c *Config) line() *problem {
	if c.Carry == (Carry{}) {
		return c.Prefecture.problem()
	}
	if len(c.Prefecture.URLs) > 0 {
		return &problem{"$.carry", "carry: there is a line to the prefecture too", "remove carry or prefecture"}
	}
	return c.Carry.problem()
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
	for _, p := range []*problem{c.problem(), c.line()} {
		if p != nil {
			return Config{}, doc.ErrorAt(p.path, p.msg, p.hint)
		}
	}
	return c, nil
}

// ConfigError is a mistake in a configuration file and its place.
type ConfigError = place.Error
