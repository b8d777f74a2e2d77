package app

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mimamori/archive"
	"mimamori/event"
	"mimamori/frame"
	"mimamori/ingest"
	"mimamori/internal/bus"
	"mimamori/internal/calendar"
	"mimamori/internal/sample"
	"mimamori/rules"
	"mimamori/soc"
	"mimamori/store"
)

// tape is a stream of frames that are there already.
type tape struct{ msgs []bus.Msg }

func (s *tape) Read(ctx context.Context, from uint64, fn func(bus.Msg) error) error {
	for _, m := range s.msgs {
		if m.Seq < from {
			continue
		}
		if err := fn(m); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *tape) Purge(context.Context, string, uint64) error { return nil }

func (s *tape) State(context.Context) (bus.StreamState, error) {
	return bus.StreamState{Last: uint64(len(s.msgs))}, nil
}

var replayKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize))

// past is a data folder that a service has filled, in the days of November, and
// left.
type past struct {
	t      testing.TB
	cfg    Config
	now    time.Time
	rnd    *rand.Rand
	frames []*frame.Frame // in the order of their arrival
	at     []time.Time
	tape   tape
	engine *rules.Engine
	ticks  *atomic.Int64
}

const (
	pastTowns   = 3
	pastMinutes = 5 // of one frame
)

var pastStart = time.Date(2026, 11, 20, 9, 0, 0, 0, calendar.JST())

// newPast makes frames of some hours of three towns, an attack in them, one with
// a firewall whose clock runs nine hours late. Frames overtake each other.
func newPast(t testing.TB, seed uint64, hours int) *past {
	t.Helper()
	p := &past{t: t, cfg: DefaultConfig(), ticks: new(atomic.Int64), now: pastStart.AddDate(0, 0, 3), rnd: rand.New(rand.NewPCG(seed, 5))}
	p.cfg.Data = t.TempDir()
	type sealed struct {
		f  *frame.Frame
		at time.Time
	}
	var all []sealed
	for n, town := range sample.Towns(pastTowns) {
		m := sample.New(town, seed+uint64(n), pastStart)
		m.Incidents = 40
		for _, source := range []string{"fw", "mixed"} {
			w, err := frame.NewWriter(frame.Header{Collector: "col-" + town.Code, Municipality: town.Code, Zone: "internet", Source: source, Epoch: 7}, replayKey)
			if err != nil {
				t.Fatal(err)
			}
			for slot := range hours * 60 / pastMinutes {
				f, end := p.seal(w, m, source == "fw", slot)
				late := time.Duration(p.rnd.IntN(4000)) * time.Millisecond
				if p.rnd.IntN(15) == 0 {
					late += time.Duration(p.rnd.IntN(40)) * time.Minute
				}
				all = append(all, sealed{f, end.Add(late)})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b sealed) int { return a.at.Compare(b.at) })
	for _, s := range all {
		p.frames, p.at = append(p.frames, s.f), append(p.at, s.at)
		if p.rnd.IntN(20) == 0 { // sent again
			p.frames, p.at = append(p.frames, s.f), append(p.at, s.at.Add(time.Microsecond))
		}
	}
	for i, f := range p.frames {
		p.tape.msgs = append(p.tape.msgs, bus.Msg{Subject: bus.FrameSubject(f.Municipality, f.Collector, f.Source), Data: f.Bytes, Seq: uint64(i + 1), Time: p.at[i].Add(time.Duration(p.rnd.IntN(1000)))})
	}
	return p
}

// seal makes one frame of a source, and tells when it was sealed.
func (p *past) seal(w *frame.Writer, m *sample.Maker, wrong bool, slot int) (*frame.Frame, time.Time) {
	at := pastStart.Add(time.Duration(slot) * pastMinutes * time.Minute)
	for range 4 + p.rnd.IntN(12) {
		at = at.Add(time.Duration(p.rnd.IntN(15_000)) * time.Millisecond)
		m.SetTime(at)
		line, _ := m.Append(nil)
		if wrong {
			claim := at.UTC()
			line = fmt.Appendf(nil, "<189>date=%s time=%s devname=\"fw-utc\" devid=\"FGT60F1\" logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" level=\"notice\" vd=\"root\" srcip=10.2.0.%d srcport=1 dstip=203.0.113.5 dstport=443 proto=6 action=\"close\" policyid=12 service=\"HTTPS\" sentbyte=10 rcvdbyte=90",
				claim.Format("2006-01-02"), claim.Format("15:04:05"), p.rnd.IntN(250))
		}
		w.Add(&frame.Record{Line: string(line), Received: at.UnixMicro(), Peer: "192.0.2.9", Input: "syslog-tcp"})
	}
	f, err := w.Seal()
	if err != nil {
		p.t.Fatal(err)
	}
	f.Bytes = bytes.Clone(f.Bytes)
	return f, at.Add(time.Second)
}

// clock stands still but for a nanosecond, so that files have names of their own.
func (p *past) clock() time.Time { return p.now.Add(time.Duration(p.ticks.Add(1))) }

func (p *past) events() *store.Store {
	p.t.Helper()
	s, err := store.Open(filepath.Join(p.cfg.Data, "events"), store.Options{Now: p.clock, Threads: 1, MemoryMB: 128})
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *past) soc(dir string) *soc.Service {
	p.t.Helper()
	s, err := soc.Open(p.t.Context(), filepath.Join(dir, "soc.db"), p.clock)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// live lets the frames up to one of them arrive, with the service stopped and
// started again at some of them.
func (p *past) live(stops ...int) {
	p.t.Helper()
	set, err := LoadRules(p.cfg.Rules)
	if err != nil {
		p.t.Fatal(err)
	}
	files := p.cfg.ArchiveFiles()
	for n, stop := range append(stops, len(p.tape.msgs)) {
		p.engine = rules.NewEngine(set, rules.Options{})
		p.session(&files, &tape{p.tape.msgs[:stop]}, n == len(stops))
	}
}

func (p *past) session(files *Archive, stream *tape, last bool) {
	keys, err := files.OpenKeys()
	if err != nil {
		p.t.Fatal(err)
	}
	sign, err := archive.LoadOrMakeSigner(files.Sign)
	if err != nil {
		p.t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	kept, err := archive.Open(archive.Config{Dir: files.Dir, Keys: keys, Sign: sign, Now: p.clock, Log: log})
	if err != nil {
		p.t.Fatal(err)
	}
	formats, err := LoadFormats(p.cfg.Formats)
	if err != nil {
		p.t.Fatal(err)
	}
	enricher, err := OpenEnricher(&p.cfg, log)
	if err != nil {
		p.t.Fatal(err)
	}
	events, people := p.events(), p.soc(p.cfg.Data)
	line, err := ingest.New(ingest.Config{
		Stream: stream, Formats: formats, Detector: p.engine, Memory: p.engine, Alerts: alerts{people}, Store: segments{events}, Archive: frames{kept}, Enricher: enricher,
		Collectors: func(id string) (ingest.Collector, bool) {
			return ingest.Collector{ID: id, Municipality: strings.TrimPrefix(id, "col-"), Public: replayKey.Public().(ed25519.PublicKey)}, true
		},
		Dir: filepath.Join(p.cfg.Data, "ingest"), Location: calendar.JST(), Now: p.clock, Log: log,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- line.Run(ctx) }()
	for tick := time.NewTicker(time.Millisecond); line.Status().Position < uint64(len(stream.msgs)); <-tick.C {
	}
	cancel()
	if err := <-ended; err != nil {
		p.t.Fatal(err)
	}
	if st := line.Status(); st.Rejected > 0 || st.Committed != st.Position {
		p.t.Fatalf("%+v", st)
	}
	if last {
		var rest []event.Alert
		p.engine.Flush(func(a event.Alert) { rest = append(rest, a) })
		if _, err := people.Insert(context.Background(), rest); err != nil {
			p.t.Fatal(err)
		}
	}
	for _, close := range []func() error{kept.Close, events.Close, people.Close} {
		if err := close(); err != nil {
			p.t.Fatal(err)
		}
	}
}

// rows are all events of a folder, by identity.
func (p *past) rows(dir string) map[event.Ref]string {
	p.t.Helper()
	s, err := store.Open(filepath.Join(dir, "events"), store.Options{Now: p.clock, Threads: 1, MemoryMB: 128})
	if err != nil {
		p.t.Fatal(err)
	}
	defer s.Close()
	out := map[event.Ref]string{}
	err = s.Each(context.Background(), event.Query{}, func(b *event.Batch) error {
		for i := range b.Events {
			e := &b.Events[i]
			ref := event.Ref{Collector: strings.Clone(e.Collector), Source: strings.Clone(e.Source), Epoch: e.Epoch, Seq: e.Seq}
			if _, twice := out[ref]; twice {
				p.t.Errorf("%v is there twice", ref)
			}
			out[ref] = string(e.AppendJSON(nil))
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// recorded are all alerts of a folder but those that tell how formats drift, by
// identity.
func (p *past) recorded(dir string) map[string]string {
	p.t.Helper()
	s := p.soc(dir)
	defer s.Close()
	out := map[string]string{}
	for f := (soc.AlertFilter{Trial: true, Newest: true, Limit: 1000}); ; {
		page, err := s.Alerts(context.Background(), f)
		if err != nil {
			p.t.Fatal(err)
		}
		for i := range page.Alerts {
			a, err := s.Alert(context.Background(), page.Alerts[i].ID, nil)
			if err != nil {
				p.t.Fatal(err)
			}
			if a.Rule != "mimamori-drift" {
				out[a.ID] = fmt.Sprintf("%s %s %q %v %v %d %q %v", a.Rule, a.Municipality, a.Key, a.Start, a.End, a.Count, a.Title.EN, a.Events)
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			return out
		}
	}
}

// copied is the folder again, to be spoilt.
func (p *past) copied() *past {
	p.t.Helper()
	c := *p
	c.cfg.Data = p.t.TempDir()
	if err := os.CopyFS(c.cfg.Data, os.DirFS(p.cfg.Data)); err != nil {
		p.t.Fatal(err)
	}
	return &c
}

func (p *past) rereader(tell func(Reread)) *Rereader {
	if tell == nil {
		tell = func(Reread) {}
	}
	return &Rereader{Config: p.cfg, Here: true, Log: slog.New(slog.DiscardHandler), Now: p.clock, Tell: tell}
}

// replay is one that must succeed.
func (p *past) replay(r Replay) *Reread {
	p.t.Helper()
	out, err := p.rereader(nil).Replay(context.Background(), r)
	if err != nil || out.State != Done || out.Replay == nil {
		p.t.Fatalf("%+v %+v: %v", out, out.Replay, err)
	}
	return &out
}

// alike compares rows.
func (p *past) alike(what string, got, want map[event.Ref]string) {
	p.t.Helper()
	bad := 0
	for ref, js := range want {
		if got[ref] != js {
			if bad++; bad <= 3 {
				p.t.Errorf("%s: %v\n is   %s\n was  %s", what, ref, got[ref], js)
			}
		}
	}
	for ref := range got {
		if _, ok := want[ref]; !ok {
			bad++
		}
	}
	if bad > 0 {
		p.t.Fatalf("%s: %d of %d rows differ (%d there)", what, bad, len(want), len(got))
	}
}
