package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"mimamori/event"
	"mimamori/ingest/enrich"
	"mimamori/internal/bus"
	"mimamori/internal/place"
)

// Config is the prefecture's configuration file.
type Config struct {
	Data           string                      `yaml:"data"`           // folder of everything that is kept
	Timezone       string                      `yaml:"timezone"`       // of device times without a zone
	Console        Console                     `yaml:"console"`        // the web console
	Bus            Bus                         `yaml:"bus"`            // where collectors connect
	Municipalities string                      `yaml:"municipalities"` // CSV of codes and names; "" for the built-in table
	Collectors     []Collector                 `yaml:"collectors"`     // who may send
	Zones          map[string][]enrich.Network `yaml:"zones"`          // networks of each municipality
	Enrichment     enrich.Files                `yaml:"enrichment"`     // files of assets, places and indicators
	Rules          []string                    `yaml:"rules"`          // folders of rules beside the built-in ones
	Lists          string                      `yaml:"lists"`          // folder of named lists, NAME.txt; default DATA/lists
	Formats        []string                    `yaml:"formats"`        // folders of formats beside the built-in ones
	Retention      string                      `yaml:"retention"`      // age at which events go: 400d, 48h
	Archive        Archive                     `yaml:"archive"`        // frames as they came
	Keep           []Keep                      `yaml:"keep"`           // other ages; the first that fits counts
	Erasure        Erasure                     `yaml:"erasure"`        // of a municipality's month, for good
	Metrics        Metrics                     `yaml:"metrics"`        // for Prometheus
	Coverage       []Coverage                  `yaml:"coverage"`       // sources that towns should have
	Sinks          Sinks                       `yaml:"sinks"`          // engines that follow the event store

	SQLBox []string `yaml:"-"` // the program's own command for analysts' SQL; nil: there is none
}

// Metrics says where Prometheus may ask.
type Metrics struct {
	Listen string `yaml:"listen"` // host:port of this machine; "" for nowhere
}

// Coverage is a source that should be there, besides those that collectors are
// configured for, or more about one of them.
type Coverage struct {
	Municipality string `yaml:"municipality"` // code; "" for every one with a collector
	Zone         string `yaml:"zone"`         // "" for any
	Source       string `yaml:"source"`       // name of the source, * stands for anything
	Kind         string `yaml:"kind"`         // what people call it
	Quiet        string `yaml:"quiet"`        // longest silence that is normal, 35d or 12h; "": it is learned
}

// Console says where the web console answers.
type Console struct {
	Listen string `yaml:"listen"`
	Public string `yaml:"public"` // URL under which people reach it; "" for http://listen
}

// Bus says where collectors connect: to the server in this process, or to NATS
// servers of the prefecture's own, whose files then say who may connect.
type Bus struct {
	Listen    string   `yaml:"listen"`
	Websocket string   `yaml:"websocket"` // host:port for collectors whose line lets only HTTP pass; "" for none
	Cert      string   `yaml:"cert"`      // PEM, read again when it changes; both or none
	Key       string   `yaml:"key"`
	URLs      []string `yaml:"urls"`      // nats:// or tls:// of other servers; then listen is not used
	NKey      string   `yaml:"nkey"`      // file of the NKey for them, made when missing; default DATA/bus.nk
	MaxBytes  int64    `yaml:"max_bytes"` // of frames waiting; beyond it collectors keep theirs
	Public    []string `yaml:"public"`    // URLs under which collectors reach it, for invitations
	CA        string   `yaml:"ca"`        // PEM of the authority that collectors are to trust; "": cert itself when it signs itself, else their system's
}

// Collector is a collector that may send.
type Collector struct {
	ID           string `yaml:"id"`
	Municipality string `yaml:"municipality"`
	Key          string `yaml:"key"` // public NKey, U…
}

// DefaultConfig is what an empty file means.
func DefaultConfig() Config {
	return Config{
		Data: "data", Timezone: "Asia/Tokyo", Retention: "400d", Sinks: defaultSinks(),
		Console: Console{Listen: "127.0.0.1:8080"}, Bus: Bus{Listen: "127.0.0.1:4222", MaxBytes: 64 << 30},
	}
}

// LoadConfig reads a configuration file over the defaults. Paths in it are
// relative to its folder. The error shows file:line:column.
func LoadConfig(path string) (Config, error) {
	c := DefaultConfig()
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	doc, err := place.Decode(path, text, &c)
	if err != nil {
		return c, err
	}
	for i := range c.Collectors {
		col := &c.Collectors[i]
		col.Municipality = doc.Written("$.collectors["+strconv.Itoa(i)+"].municipality", col.Municipality)
	}
	for i := range c.Keep {
		k := &c.Keep[i]
		k.Municipality = doc.Written("$.keep["+strconv.Itoa(i)+"].municipality", k.Municipality)
	}
	for i := range c.Coverage {
		x := &c.Coverage[i]
		x.Municipality = doc.Written("$.coverage["+strconv.Itoa(i)+"].municipality", x.Municipality)
	}
	if at, err := c.check(); err != nil {
		return c, doc.ErrorAt(at, err.Error(), "")
	}
	dir := filepath.Dir(path)
	for _, p := range append([]*string{
		&c.Data, &c.Municipalities, &c.Lists, &c.Bus.Cert, &c.Bus.Key, &c.Bus.NKey, &c.Bus.CA, &c.Sinks.Loki.Password, &c.Sinks.Loki.Token, &c.Sinks.Loki.CA,
		&c.Sinks.Elasticsearch.Password, &c.Sinks.Elasticsearch.APIKey, &c.Sinks.Elasticsearch.CA,
	}, pointers(c.Rules, c.Formats, c.Enrichment.GeoIP)...) {
		*p = below(dir, *p)
	}
	for _, p := range c.archivePaths() {
		*p = below(dir, *p)
	}
	for code, path := range c.Enrichment.Assets {
		c.Enrichment.Assets[code] = below(dir, path)
	}
	for i := range c.Enrichment.Indicators {
		l := &c.Enrichment.Indicators[i]
		l.File = below(dir, l.File)
	}
	return c, nil
}

// below makes a path that a file names relative to that file's folder.
func below(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func pointers(lists ...[]string) []*string {
	var out []*string
	for _, l := range lists {
		for i := range l {
			out = append(out, &l[i])
		}
	}
	return out
}

var collectorID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// check finds the first contradiction and the path of its key.
func (c *Config) check() (string, error) {
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		return "$.timezone", fmt.Errorf("timezone %q is not known; for Japan write Asia/Tokyo", c.Timezone)
	}
	if at, err := c.checkKeep(); err != nil {
		return at, err
	}
	if at, err := c.checkArchive(); err != nil {
		return at, err
	}
	if at, err := c.checkErasure(); err != nil {
		return at, err
	}
	if (c.Bus.Cert == "") != (c.Bus.Key == "") {
		return "$.bus", errors.New("cert and key go together")
	}
	seen := map[string]bool{}
	for i, col := range c.Collectors {
		at := "$.collectors[" + strconv.Itoa(i) + "]"
		if !collectorID.MatchString(col.ID) {
			return at + ".id", fmt.Errorf("collector id %q: small letters, digits and hyphens, at most 63", col.ID)
		}
		if seen[col.ID] {
			return at + ".id", fmt.Errorf("collector %q is listed twice", col.ID)
		}
		seen[col.ID] = true
		if err := event.CheckCode(col.Municipality); err != nil {
			return at + ".municipality", err
		}
		if _, err := bus.ParsePublic(col.Key); err != nil {
			return at + ".key", errors.New("want the public key that mimamori-collector shows at its first start (U…)")
		}
	}
	if at, err := c.checkHealth(); err != nil {
		return at, err
	}
	if at, err := c.checkSinks(); err != nil {
		return at, err
	}
	return c.checkEnrichment()
}

// municipalities loads the table of codes.
func (c *Config) municipalities() (*event.Municipalities, error) {
	if c.Municipalities == "" {
		return event.BuiltinMunicipalities(), nil
	}
	f, err := os.Open(c.Municipalities)
	if err != nil {
		return nil, fmt.Errorf("municipalities: %w", err)
	}
	defer f.Close()
	return event.LoadMunicipalities(f)
}

// dirs opens folders of rules or formats; a missing one is an error.
func dirs(paths []string, open func(string) fs.FS) ([]fs.FS, error) {
	var out []fs.FS
	for _, p := range slices.Compact(slices.Clone(paths)) {
		info, err := os.Stat(p)
		if err != nil {
			return nil, fmt.Errorf("configuration: %w", err)
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("configuration: %s is no folder", p)
		}
		out = append(out, open(p))
	}
	return out, nil
}
