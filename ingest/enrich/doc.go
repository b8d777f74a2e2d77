// Package enrich adds to an event what an analyst would look up: the zone, the
// asset, the country and the network of its addresses, the parts of its domain
// names and URLs, the program behind a user agent, the direction of the traffic,
// and whether an indicator of compromise is in it. It runs between formats and
// rules, in place on the event, and adds only: what the device said stays as it
// said it, except that checksums are spelled in small letters.
//
// What is known of a private address is known per municipality: towns use the
// same ranges, so that there is no table across them.
//
// Under pressure it neither blocks nor drops. What it finds out it remembers in
// caches of a fixed size; an event of which all is remembered costs no
// allocation. Every text that it looks at has a bound, beyond which it is left as
// it is. Its files (lists of assets and indicators, databases of places) are read
// again when they change, beside the events and taken over at once; a file that
// is missing or broken leaves what was read from it before and is reported, as is
// each bad line of a list, which does not stop the others.
package enrich

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"mimamori/event"
)

// Config says what events are enriched by.
type Config struct {
	Zones map[string][]Network // by municipality
	Files Files
	Log   *slog.Logger // where trouble with files is reported
}

// Files are the files of an operator.
type Files struct {
	Assets     map[string]string `yaml:"assets"`     // CSV or YAML file of each municipality's assets
	GeoIP      []string          `yaml:"geoip"`      // MMDB files: places and networks of public addresses; the first that knows wins
	Indicators []List            `yaml:"indicators"` // of compromise
}

// List is a file of indicators of compromise.
type List struct {
	Name    string `yaml:"name"`    // what analysts call it
	File    string `yaml:"file"`    // one indicator to a line, or CSV with a header row
	Expires string `yaml:"expires"` // 2027-03-31: day from which indicators without a date of their own no longer count; "" for never
}

// lookEvery is how often files are looked at.
const lookEvery = 10 * time.Second

// tables are what is looked up in; nothing changes them.
type tables struct {
	towns map[string]*town
	geo   []*database
	lists []*indicators
}

// town is what is known of one municipality.
type town struct {
	zones  networks[string]
	assets *assets // nil for none
}

// Enricher holds the tables and keeps them up to date. Any number of goroutines
// may use it, each through a Session of its own.
type Enricher struct {
	log    *slog.Logger
	zones  map[string]networks[string]
	tables atomic.Pointer[tables]
	failed atomic.Int64

	mu     sync.Mutex // held while files are read
	assets map[string]*source[*assets]
	geo    []*source[*database]
	lists  []*source[*indicators]
}

// New reads the files. The error is a contradiction in the configuration; a file
// that cannot be read is reported, and tried again while Run runs.
func New(cfg Config) (*Enricher, error) {
	e := &Enricher{log: cfg.Log, zones: map[string]networks[string]{}, assets: map[string]*source[*assets]{}}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	for town, list := range cfg.Zones {
		n, err := zonesOf(town, list)
		if err != nil {
			return nil, err
		}
		e.zones[town] = n
	}
	for town, path := range cfg.Files.Assets {
		e.assets[town] = &source[*assets]{path: path}
	}
	for _, path := range cfg.Files.GeoIP {
		e.geo = append(e.geo, &source[*database]{path: path})
	}
	for _, l := range cfg.Files.Indicators {
		until, err := l.until()
		if err != nil {
			return nil, err
		}
		e.lists = append(e.lists, &source[*indicators]{path: l.File, value: &indicators{name: l.Name, until: until}})
	}
	e.publish()
	e.Reload()
	return e, nil
}

// Run looks for files that changed until ctx ends.
func (e *Enricher) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			e.Reload()
		}
	}
}

// Reload reads the files that changed and takes them over at once.
func (e *Enricher) Reload() {
	e.mu.Lock()
	defer e.mu.Unlock()
	changed := false
	report := func(err error) { e.log.Error("enrichment: what was read before stays in force", "err", err) }
	bad := func(err error) { e.log.Warn("enrichment: left out", "err", err) }
	for _, s := range e.assets {
		changed = s.renew(func(path string) (*assets, error) {
			l := limited{path: path, report: bad}
			defer l.done()
			return readAssets(path, l.add)
		}, report) || changed
	}
	for _, s := range e.geo {
		changed = s.renew(openDatabase, report) || changed
	}
	for _, s := range e.lists {
		changed = s.renew(func(path string) (*indicators, error) {
			l := limited{path: path, report: bad}
			defer l.done()
			set, err := readIndicators(path, s.value, l.add)
			if err == nil {
				e.log.Info("indicators", "list", set.name, "file", path, "count", len(set.entries), "mib", set.bytes()>>20)
			}
			return set, err
		}, report) || changed
	}
	if changed {
		e.publish()
	}
	e.failed.Store(e.count())
}

// count is how many files cannot be read.
func (e *Enricher) count() (n int64) {
	count := func(bad bool) {
		if bad {
			n++
		}
	}
	for _, s := range e.assets {
		count(s.bad)
	}
	for _, s := range e.geo {
		count(s.bad)
	}
	for _, s := range e.lists {
		count(s.bad)
	}
	return n
}

// Failed is how many files could not be read when they were last looked at.
func (e *Enricher) Failed() int64 { return e.failed.Load() }

// publish puts new tables in place of the old.
func (e *Enricher) publish() {
	t := &tables{towns: map[string]*town{}}
	for code, z := range e.zones {
		t.towns[code] = &town{zones: z}
	}
	for code, s := range e.assets {
		if t.towns[code] == nil {
			t.towns[code] = &town{}
		}
		t.towns[code].assets = s.value
	}
	for _, s := range e.geo {
		if s.value != nil {
			t.geo = append(t.geo, s.value)
		}
	}
	for _, s := range e.lists {
		if len(s.value.entries) > 0 {
			t.lists = append(t.lists, s.value)
		}
	}
	e.tables.Store(t)
}

// Origin is where an event comes from.
type Origin struct {
	Municipality string // of the collector, "" when unknown
	Zone         string // of the collector, "" when unknown
	Received     int64  // nanoseconds since 1970
}

// Event enriches one event in place.
func (s *Session) Event(x *event.Builder, o Origin) {
	if t := s.enricher.tables.Load(); t != s.tables {
		s.begin(t)
	}
	s.x, s.received = x, o.Received/int64(time.Second)
	s.enter(o.Municipality, o.Zone)
	s.checksums()
	s.urlParts()
	s.domains()
	s.addresses()
	s.agent()
	if len(s.tables.lists) > 0 {
		s.urlIndicators()
		s.mailIndicators()
	}
}
