// Package bench measures what one event costs at each step of its way, in CPU
// seconds of the whole process, on lines that are made or read from a file.
// Making and reading them is not counted. Memory is the process's peak.
package bench

import (
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"time"

	"mimamori/event"
	"mimamori/frame"
	"mimamori/ingest"
	"mimamori/ingest/enrich"
	"mimamori/ingest/format"
	"mimamori/internal/app"
	"mimamori/internal/calendar"
	"mimamori/internal/measure"
	"mimamori/internal/sample"
)

// Config says what to measure on.
type Config struct {
	Events int                                 // lines to make; with Lines set, at most so many are read (0 is all)
	Lines  func(each func(string) error) error // lines from elsewhere; nil makes them
	Format string                              // format of the lines
	Zone   *time.Location                      // of times without a zone
	Dir    string                              // scratch folder
	Rules  string                              // folder of rules; "" for the built-in ones
	Log    *slog.Logger
	Now    func() time.Time
}

// Result is a measurement. The names are part of the command line.
type Result struct {
	Step          string  `json:"step"`
	Events        int     `json:"events"`
	MicrosPerItem float64 `json:"us_per_event"`
	MaxRSSBytes   int64   `json:"max_rss_bytes"`

	CPUSeconds    float64 `json:"cpu_seconds,omitempty"`
	WallSeconds   float64 `json:"wall_seconds,omitempty"`
	RawBytes      int64   `json:"raw_bytes,omitempty"`
	WireBytes     int64   `json:"wire_bytes,omitempty"`
	Rules         int     `json:"rules,omitempty"`
	Matches       int     `json:"matches,omitempty"`
	BytesPerEvent float64 `json:"bytes_per_event,omitempty"`
	Choices       int     `json:"choices,omitempty"`        // how often the rules' index was chosen anew
	ChooseSeconds float64 `json:"choose_seconds,omitempty"` // CPU of that, which is in no other figure
}

// String is the measurement as a line for people.
func (r Result) String() string {
	return fmt.Sprintf("%s: %d events, %.2f µs of CPU an event, %.2f CPU s, peak %d MiB\n", r.Step, r.Events, r.MicrosPerItem, r.CPUSeconds, r.MaxRSSBytes>>20)
}

func (r *Result) done(u measure.Use) {
	r.CPUSeconds, r.WallSeconds = u.CPU.Seconds(), u.Wall.Seconds()
	r.MicrosPerItem = u.CPU.Seconds() * 1e6 / float64(max(r.Events, 1))
	r.MaxRSSBytes = measure.MaxRSS()
}

// chunk is how many lines are made at a time.
const chunk = 20_000

// chunks calls fn with the lines, some thousands at a time.
func (c *Config) chunks(fn func([]string) error) error {
	buf := make([]string, 0, chunk)
	n := 0
	add := func(line string) error {
		if c.Events > 0 && n >= c.Events {
			return nil
		}
		n++
		if buf = append(buf, line); len(buf) < chunk {
			return nil
		}
		err := fn(buf)
		buf = buf[:0]
		return err
	}
	if err := c.each(add); err != nil {
		return err
	}
	if len(buf) == 0 {
		return nil
	}
	return fn(buf)
}

func (c *Config) each(add func(string) error) error {
	if c.Lines != nil {
		return c.Lines(add)
	}
	m := sample.New(sample.Towns(1)[0], 1, time.Date(2026, 11, 22, 9, 0, 0, 0, calendar.JST()))
	m.Incidents = 5000
	var b []byte
	for range c.Events {
		b, _ = m.Append(b[:0])
		if err := add(string(b)); err != nil {
			return err
		}
	}
	return nil
}

// parser opens the formats as the configuration says.
func (c *Config) parser() (*format.Parser, error) {
	set, err := app.LoadFormats(nil)
	if err != nil {
		return nil, err
	}
	return set.Parser(format.Options{Location: c.Zone, Now: c.Now, Format: c.Format}), nil
}

// parse turns lines into a batch.
func (c *Config) parse(p *format.Parser, x *event.Builder, lines []string, first int) *event.Batch {
	b := new(event.Batch)
	for i, l := range lines {
		p.Parse(format.Input{Line: l, Received: c.Now(), Hint: "bench"}, x)
		b.Append(x, event.Ref{Collector: "bench", Source: "bench", Epoch: 1, Seq: uint64(first + i + 1)})
	}
	return b
}

// Ingest measures verify, unpack, parse and enrich of sealed frames.
func Ingest(c Config) (Result, error) {
	r := Result{Step: "ingest"}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	town := sample.Towns(1)[0].Code
	w, err := frame.NewWriter(frame.Header{Collector: "bench", Municipality: town, Zone: "internet", Source: "bench", Epoch: 1}, key)
	if err != nil {
		return r, err
	}
	enricher, err := enrich.New(enrich.Config{Zones: map[string][]enrich.Network{town: {{CIDR: sample.MyNumberNet, Zone: "mynumber"}, {CIDR: sample.LGWANNet, Zone: "lgwan"}, {CIDR: sample.InternetNet, Zone: "internet"}}}})
	if err != nil {
		return r, err
	}
	set, err := app.LoadFormats(nil)
	if err != nil {
		return r, err
	}
	public, _ := key.Public().(ed25519.PublicKey)
	open, err := ingest.NewOpener(&ingest.Config{
		Formats: set, Enricher: enricher, Location: c.Zone, Now: c.Now, Log: c.Log,
		Collectors: func(string) (ingest.Collector, bool) {
			return ingest.Collector{ID: "bench", Municipality: town, Public: public}, true
		},
	})
	if err != nil {
		return r, err
	}
	defer open.Close()
	var total measure.Use
	err = c.chunks(func(lines []string) error {
		frames, err := seal(w, lines)
		if err != nil {
			return err
		}
		stop := measure.Start()
		for _, f := range frames {
			n, err := open.Open(f)
			if err != nil {
				return err
			}
			r.Events += n
		}
		u := stop()
		total.CPU, total.Wall = total.CPU+u.CPU, total.Wall+u.Wall
		return nil
	})
	r.done(total)
	return r, err
}

func seal(w *frame.Writer, lines []string) ([][]byte, error) {
	var out [][]byte
	flush := func() error {
		f, err := w.Seal()
		if err == nil && f != nil {
			out = append(out, f.Bytes)
		}
		return err
	}
	for i, l := range lines {
		w.Add(&frame.Record{Line: l, Received: 1795309200000000 + int64(i), Peer: "192.0.2.1", Input: "syslog-tcp"})
		if w.Size() > 512<<10 {
			if err := flush(); err != nil {
				return nil, fmt.Errorf("bench: %w", err)
			}
		}
	}
	return out, flush()
}
