package app

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/oklog/run"

	"mimamori/dashboards/console"
	"mimamori/event"
	"mimamori/store"
	"mimamori/store/elastic"
	"mimamori/store/loki"
)

// Sinks are the engines that follow the event store.
type Sinks struct {
	Alarm         string        `yaml:"alarm"` // age of the oldest event that an engine lacks, from which on it is a warning
	Elasticsearch Elasticsearch `yaml:"elasticsearch"`
	Loki          Loki          `yaml:"loki"`
}

// Elasticsearch is one that follows the event store.
type Elasticsearch struct {
	elastic.Config `yaml:",inline"`

	From string `yaml:"from"` // beginning or now: what a new engine is given
	Keep string `yaml:"keep"` // how long retention waits for it
	Read bool   `yaml:"read"` // it answers the console's searches, too
}

// Loki is a Grafana Loki that follows the event store.
type Loki struct {
	URL      string `yaml:"url"` // "" for none
	User     string `yaml:"user"`
	Password string `yaml:"password_file"` // a file with the password alone
	Token    string `yaml:"token_file"`    // a file with a bearer token
	CA       string `yaml:"ca"`            // PEM of the authority, "" for the system's
	MaxAge   string `yaml:"max_age"`       // later than this an event stands at its arrival
	From     string `yaml:"from"`          // as Elasticsearch's
	Keep     string `yaml:"keep"`          //
}

// engine is one of them at work.
type engine struct {
	store.SinkOptions
	sink    store.Sink
	refused atomic.Int64
}

// defaultSinks is what an empty file means.
func defaultSinks() Sinks {
	const from, keep = "beginning", "7d"
	return Sinks{Alarm: "1h", Elasticsearch: Elasticsearch{From: from, Keep: keep}, Loki: Loki{MaxAge: "5d", From: from, Keep: keep}}
}

// checkSinks checks what the configuration says of engines.
func (c *Config) checkSinks() (string, error) {
	l, e := &c.Sinks.Loki, &c.Sinks.Elasticsearch
	for _, x := range []struct{ at, age string }{{"alarm", c.Sinks.Alarm}, {"elasticsearch.keep", e.Keep}, {"loki.max_age", l.MaxAge}, {"loki.keep", l.Keep}} {
		if _, err := parseAge(x.age); err != nil {
			return "$.sinks." + x.at, err
		}
	}
	for _, x := range []struct{ at, from string }{{"elasticsearch", e.From}, {"loki", l.From}} {
		if x.from != "beginning" && x.from != "now" {
			return "$.sinks." + x.at + ".from", fmt.Errorf("from %q: write beginning or now", x.from)
		}
	}
	if l.User != "" && l.Token != "" {
		return "$.sinks.loki.token_file", errors.New("give user and password_file, or token_file, not both")
	}
	if e.Read && len(e.URLs) == 0 {
		return "$.sinks.elasticsearch.read", errors.New("read: true needs urls: an Elasticsearch that may answer")
	}
	if len(e.URLs) > 0 {
		if at, err := e.Check(); err != nil {
			return "$.sinks.elasticsearch." + at, err
		}
	}
	return "", nil
}

// openSinks makes the engines; they are served when the program runs.
func (a *App) openSinks(context.Context) error {
	return errors.Join(a.openElasticsearch(), a.openLoki())
}

func (a *App) openElasticsearch() error {
	c := &a.cfg.Sinks.Elasticsearch
	if len(c.URLs) == 0 {
		return nil
	}
	e, err := a.addEngine("elasticsearch", c.From, c.Keep)
	if err != nil {
		return err
	}
	e.Replace = true
	s, err := elastic.Open(c.Config, elastic.Options{
		Log: a.log, Lists: a.lists, Refused: func(ref event.Ref, reason string) { a.refused(e, ref, reason) },
	})
	if e.sink = s; c.Read && err == nil {
		a.answers.engine, a.answers.name = s, e.Name
	}
	return err
}

func (a *App) openLoki() error {
	l := &a.cfg.Sinks.Loki
	if l.URL == "" {
		return nil
	}
	e, err := a.addEngine("loki", l.From, l.Keep)
	if err != nil {
		return err
	}
	password, err := secret(l.Password)
	if err != nil {
		return err
	}
	token, err := secret(l.Token)
	if err != nil {
		return err
	}
	age, err := parseAge(l.MaxAge)
	if err != nil {
		return err
	}
	sink, err := loki.Open(loki.Config{
		URL: l.URL, User: l.User, Password: password, Token: token, CA: l.CA, MaxAge: age,
		Refused: func(r loki.Refusal) { a.refused(e, r.Ref, r.Reason) },
	})
	if err != nil {
		return err
	}
	a.onClose("loki", func() error { sink.Close(); return nil })
	e.sink = sink
	return nil
}

// addEngine enters one that follows; its sink is still to come.
func (a *App) addEngine(name, from, keep string) (*engine, error) {
	age, err := parseAge(keep)
	e := &engine{SinkOptions: store.SinkOptions{Name: name, FromNow: from == "now", Keep: age}}
	a.engines = append(a.engines, e)
	return e, err
}

// secret reads a file with one secret; "" for no file.
func secret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("configuration: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// refused counts an event that an engine does not take, and says so ever more
// seldom.
func (a *App) refused(e *engine, ref event.Ref, reason string) {
	if n := e.refused.Add(1); bits.OnesCount64(uint64(n)) == 1 {
		a.log.Warn("an engine refuses events for good; they stay in the event store", "sink", e.Name, "collector", ref.Collector, "source", ref.Source, "sequence", ref.Seq, "reason", reason, "so_far", n)
	}
}

func (a *App) sinkOptions() []store.SinkOptions {
	var out []store.SinkOptions
	for _, e := range a.engines {
		out = append(out, e.SinkOptions)
	}
	return out
}

// runSinks serves each engine apart from the others.
func (a *App) runSinks(ctx context.Context, g *run.Group, cancel func()) {
	for _, e := range a.engines {
		g.Add(func() error { return a.store.Follow(ctx, e.Name, e.sink) }, func(error) { cancel() })
	}
}

// sinkState is how an engine stands.
type sinkState struct {
	store.SinkStats
	refused int64
	lag     time.Duration // age of the oldest event that it lacks
	alarm   bool
}

func (a *App) sinkStates(stats []store.SinkStats) []sinkState {
	bound, _ := parseAge(a.cfg.Sinks.Alarm) // checked when it was loaded
	var out []sinkState
	for i, e := range a.engines { // in the order of their options
		s := sinkState{SinkStats: stats[i], refused: e.refused.Load()}
		if !s.Oldest.IsZero() {
			s.lag = max(a.now().Sub(s.Oldest), 0)
		}
		s.alarm = s.lag > bound
		out = append(out, s)
	}
	return out
}

// sinks tells the console how the engines stand.
func (h health) sinks(s *console.Status, stats []store.SinkStats) {
	warn := func(name, text string) {
		s.Warnings = append(s.Warnings, console.Warning{Where: "sinks." + name, Text: text, At: s.At})
	}
	if why := h.app.answers.away(); why != "" {
		warn(h.app.answers.name, instead(h.app.answers.name).JA+" / "+instead(h.app.answers.name).EN+" "+why)
	}
	for _, e := range h.app.sinkStates(stats) {
		s.Sinks = append(s.Sinks, console.Sink{Name: e.Name, Behind: e.Behind, Oldest: e.Oldest, Lost: e.Lost, Refused: e.refused, Err: e.Err, Answers: e.Name == h.app.answers.name})
		if e.alarm {
			warn(e.Name, fmt.Sprintf("%s への送り出しが %s 遅れています（約 %d 件）。ログは保存先に残り、戻れば送られます / %s is %s behind (about %d events); they wait in the event store. %s",
				e.Name, e.lag.Round(time.Minute), e.Behind, e.Name, e.lag.Round(time.Minute), e.Behind, e.Err))
		}
		if e.Position != "" {
			warn(e.Name, "送り出しの位置を保存できません。再起動すると重ねて送られます / its position cannot be kept: after a restart events are sent again. "+e.Position)
		}
		for _, file := range e.Damaged {
			warn(e.Name, "読めない保存ファイルがあり、その先は送られていません / a damaged file: what follows in it was not sent: "+file)
		}
	}
}
