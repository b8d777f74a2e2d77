package bench

import (
	"bytes"
	"context"
	"slices"
	"time"

	"mimamori/event"
	"mimamori/ingest/enrich"
	"mimamori/ingest/format"
	"mimamori/internal/calendar"
	"mimamori/internal/sample"
	"mimamori/store"
)

// filler makes stored events of made lines.
type filler struct {
	parser *format.Parser
	enrich *enrich.Session
	towns  []sample.Town
	makers []*sample.Maker
	x      event.Builder
	line   []byte
	plant  needle // what the next lines that fit get
}

func (c *Config) filler(start time.Time) (*filler, error) {
	p, err := c.parser()
	if err != nil {
		return nil, err
	}
	f := &filler{parser: p, towns: sample.Towns(6)}
	zones := map[string][]enrich.Network{}
	for i, t := range f.towns {
		zones[t.Code] = []enrich.Network{{CIDR: sample.MyNumberNet, Zone: "mynumber"}, {CIDR: sample.LGWANNet, Zone: "lgwan"}, {CIDR: sample.InternetNet, Zone: "internet"}}
		m := sample.New(t, uint64(i), start)
		m.Incidents = 5000
		f.makers = append(f.makers, m)
	}
	e, err := enrich.New(enrich.Config{Zones: zones})
	if err != nil {
		return nil, err
	}
	f.enrich = e.Session()
	return f, nil
}

// add makes the n-th event, at a time, and returns the length of its line.
func (f *filler) add(b *event.Batch, n int, at time.Time) int64 {
	town := n % len(f.towns)
	f.makers[town].SetTime(at)
	f.line, _ = f.makers[town].Append(f.line[:0])
	f.put()
	received := at.Add(200 * time.Millisecond)
	code := f.towns[town].Code
	f.parser.Parse(format.Input{Line: string(f.line), Received: received, Hint: "bench"}, &f.x)
	f.x.Set(event.MustLookup("municipality"), event.String(code))
	f.x.Set(event.MustLookup("collector"), event.String(f.towns[town].Host))
	f.x.Set(event.MustLookup("received"), event.Time(received.UnixNano()))
	f.x.Set(event.MustLookup("event.ingested"), event.Time(at.Truncate(time.Second).Add(1200*time.Millisecond).UnixNano()))
	f.enrich.Event(&f.x, enrich.Origin{Municipality: code, Zone: "internet", Received: received.UnixNano()})
	b.Append(&f.x, event.Ref{Collector: f.towns[town].Host, Source: "bench", Epoch: 1, Seq: uint64(n + 1)})
	return int64(len(f.line))
}

// later makes events of others, some time afterwards.
func (f *filler) later(of *event.Batch, n int, by time.Duration) *event.Batch {
	b := new(event.Batch)
	for i := range of.Events {
		e := &of.Events[i]
		for field, v := range e.All {
			if v.Kind() == event.Date {
				v = event.Time(v.Int() + int64(by))
			}
			f.x.Set(field, v)
		}
		ref := e.Ref
		ref.Seq = uint64(n + i + 1)
		b.Append(&f.x, ref)
	}
	return b
}

// put writes each needle over what the line has in its place, if it has; else
// another line gets it.
func (f *filler) put() {
	for _, n := range []struct {
		after, until string
		text         *string
	}{
		{" srcip=", " ", &f.plant.address}, {"SHA256=", ",", &f.plant.hash}, {`"User":"TOWN\\`, `"`, &f.plant.user},
	} {
		_, rest, ok := bytes.Cut(f.line, []byte(n.after))
		end := bytes.Index(rest, []byte(n.until))
		if ok && end >= 0 && *n.text != "" {
			f.line = slices.Concat(f.line[:len(f.line)-len(rest)], []byte(*n.text), rest[end:])
			*n.text = ""
		}
	}
}

// perCommit is how many events the pipeline stores at once under load.
const perCommit = 40_000

// fill stores a day's lines of six towns.
func (c *Config) fill(ctx context.Context, s *store.Store, r *BacktestResult) error {
	start := time.Date(2026, 11, 22, 0, 0, 0, 0, calendar.JST())
	f, err := c.filler(start)
	if err != nil {
		return err
	}
	step := 24 * time.Hour / time.Duration(max(c.Events, 1))
	for r.Events < c.Events {
		b := new(event.Batch)
		for len(b.Events) < perCommit && r.Events < c.Events {
			r.RawBytes += f.add(b, r.Events, start.Add(step*time.Duration(r.Events)))
			r.Events++
		}
		if err := s.Commit(ctx, store.Commit{Batches: []*event.Batch{b}}); err != nil {
			return err
		}
	}
	return nil
}
