package ingest

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"

	"mimamori/event"
	"mimamori/frame"
	"mimamori/ingest/format"
	"mimamori/internal/bus"
)

// Fields that every event gets here.
var (
	fMunicipality    = event.MustLookup("municipality")
	fZone            = event.MustLookup("zone")
	fCollector       = event.MustLookup("collector")
	fInput           = event.MustLookup("input")
	fReceived        = event.MustLookup("received")
	fTags            = event.MustLookup("tags")
	fFilePath        = event.MustLookup("log.file.path")
	fPeer            = event.MustLookup("log.source.address")
	fSourceIP        = event.MustLookup("source.ip")
	fDestinationIP   = event.MustLookup("destination.ip")
	fSourceZone      = event.MustLookup("source.zone")
	fDestinationZone = event.MustLookup("destination.zone")
	fQuarantine      = event.MustLookup("quarantine")
)

// Tags that tell what was done to a line before it was parsed.
var (
	tagCP932     = []string{"charset-cp932"}
	tagEscaped   = []string{"charset-unknown"}
	tagTruncated = []string{"line-truncated"}
)

// batchPool lends batches, which are used again once their events are stored.
type batchPool struct{ free sync.Pool }

func (p *batchPool) get() *event.Batch {
	if b, ok := p.free.Get().(*event.Batch); ok {
		return b
	}
	return new(event.Batch)
}

func (p *batchPool) put(b *event.Batch) {
	b.Reset()
	p.free.Put(b)
}

// worker verifies, unpacks, parses and enriches frames. One goroutine owns it.
type worker struct {
	cfg      *Config
	batches  *batchPool
	unpacker *frame.Unpacker
	parser   *format.Parser
	builder  *event.Builder
	records  []frame.Record
}

func newWorker(cfg *Config, batches *batchPool) (*worker, error) {
	u, err := frame.NewUnpacker()
	if err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
	}
	return &worker{
		cfg: cfg, batches: batches, unpacker: u, builder: new(event.Builder),
		parser: cfg.Formats.Parser(format.Options{Location: cfg.Location, Now: cfg.Now, Format: "auto"}),
	}, nil
}

// do fills the job: a batch of events, or the reason why the frame is not
// trusted. A panic in a parser costs this frame only.
func (w *worker) do(j *frameJob) {
	defer close(j.done)
	defer func() {
		if p := recover(); p != nil {
			j.err = fmt.Errorf("the parser failed on this frame: %v", p)
			w.builder.Reset()
		}
	}()
	if j.probe = j.msg.Subject == bus.ProbeSubject; j.probe {
		return
	}
	if j.frame, j.err = w.verify(j.msg.Data); j.err != nil {
		return
	}
	if w.records, j.err = w.unpacker.Unpack(j.frame, w.records[:0]); j.err != nil {
		return
	}
	j.batch = w.batches.get()
	for i := range w.records {
		w.record(j, &w.records[i], j.frame.First+uint64(i))
	}
	clear(w.records)
}

func (w *worker) verify(data []byte) (*frame.Frame, error) {
	f, err := frame.Parse(data)
	if err != nil {
		return nil, err
	}
	c, ok := w.cfg.Collectors(f.Collector)
	if !ok {
		return f, fmt.Errorf("collector %q is not registered, or revoked", f.Collector)
	}
	if c.Municipality != f.Municipality {
		return f, fmt.Errorf("collector %q belongs to %s, its frame says %s", f.Collector, c.Municipality, f.Municipality)
	}
	return f, f.Verify(c.Public)
}

func (w *worker) record(j *frameJob, r *frame.Record, seq uint64) {
	if r.Flags&frame.Dropped != 0 {
		j.counts.Dropped++
		return
	}
	f, x := j.frame, w.builder
	line, tags := r.Line, []string(nil)
	if r.Flags&frame.NotUTF8 != 0 {
		line, tags = readable(line)
	}
	if r.Flags&frame.Truncated != 0 {
		tags = append(tags[:len(tags):len(tags)], tagTruncated...)
	}
	res := w.parser.Parse(format.Input{Line: line, Received: time.UnixMicro(r.Received), Hint: f.Source}, x)
	if res.Reason != "" {
		j.counts.Quarantined++
		if _, ok := x.Get(fQuarantine); !ok {
			x.Add(fQuarantine, res.Reason)
		}
	}
	if tags != nil {
		x.Add(fTags, tags...)
	}
	x.Set(fMunicipality, event.String(f.Municipality))
	x.Set(fCollector, event.String(f.Collector))
	if f.Zone != "" {
		x.Set(fZone, event.String(f.Zone))
	}
	x.Set(fInput, event.String(r.Input))
	x.Set(fReceived, event.Time(r.Received*1000))
	if r.File != "" {
		x.Set(fFilePath, event.String(r.File))
	}
	if r.Peer != "" {
		x.Set(fPeer, event.String(r.Peer))
	}
	w.zone(f.Municipality, fSourceIP, fSourceZone)
	w.zone(f.Municipality, fDestinationIP, fDestinationZone)
	j.batch.Append(x, event.Ref{Collector: f.Collector, Source: f.Source, Epoch: f.Epoch, Seq: seq})
	j.counts.Stored++
}

// zone tells which zone of the town an address lies in.
func (w *worker) zone(town string, ip, zone event.Field) {
	v, ok := w.builder.Get(ip)
	if !ok || w.cfg.Zones == nil {
		return
	}
	addr, err := netip.ParseAddr(v.Str())
	if err != nil {
		return
	}
	if z := w.cfg.Zones.Of(town, addr); z != "" {
		w.builder.Set(zone, event.String(z))
	}
}

// readable turns bytes that are no UTF-8 into text: as CP932 when they read as
// that without a fault, else with each odd byte written \xNN, so that nothing
// is lost to the eye. The frame keeps the bytes themselves.
func readable(line string) (string, []string) {
	if s, err := japanese.ShiftJIS.NewDecoder().String(line); err == nil && !strings.ContainsRune(s, utf8.RuneError) {
		return s, tagCP932
	}
	var b strings.Builder
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRuneInString(line[i:])
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02x`, line[i])
		} else {
			b.WriteString(line[i : i+size])
		}
		i += size
	}
	return b.String(), tagEscaped
}
