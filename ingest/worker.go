package ingest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"mimamori/event"
	"mimamori/frame"
	"mimamori/internal/bus"
	"mimamori/internal/charset"
)

// charsetTag begins the tags of lines that were not UTF-8.
const charsetTag = "charset-"

// Tags that tell what was done to a line before it was parsed.
var (
	tagEscaped   = []string{charsetTag + "unknown"}
	tagTruncated = []string{"line-truncated"}
)

// charsetTags are the tags of lines by their encoding.
var charsetTags = tagsOf(charset.Names())

func tagsOf(names []string) map[string][]string {
	m := map[string][]string{}
	for _, name := range names {
		m[name] = []string{charsetTag + name}
	}
	return m
}

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
	reader   *reader
	entry    entry
	builder  *event.Builder
	records  []frame.Record
	header   struct{ raw, charset, text string } // the last one that was decoded
}

func newWorker(cfg *Config, batches *batchPool) (*worker, error) {
	u, err := frame.NewUnpacker()
	if err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
	}
	return &worker{
		cfg: cfg, batches: batches, unpacker: u, builder: new(event.Builder),
		reader: newReader(cfg.Formats, cfg.Enricher, cfg.Location),
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
	if j.frame == nil { // one of the archive was verified when it came
		if j.err = w.verify(j); j.err != nil {
			return
		}
	}
	if w.records, j.err = w.unpacker.Unpack(j.frame, w.records[:0]); j.err != nil {
		return
	}
	if j.batch = w.batches.get(); j.frame.Kind == frame.Gap {
		return
	}
	j.parts = append(j.parts, newPart(w.sane(j.frame.From), w.location()))
	for i := range w.records {
		w.record(j, &w.records[i], j.frame.First+uint64(i))
	}
	clear(w.records)
	for i := range j.parts {
		j.counts = j.counts.Plus(j.parts[i].counts)
	}
}

// sane replaces a receive time that no collector can mean by the present: a
// clock that jumped must not open accounts of other centuries.
func (w *worker) sane(received int64) int64 {
	now := w.cfg.Now()
	if t := time.UnixMicro(received); t.Before(now.AddDate(-10, 0, 0)) || t.After(now.AddDate(0, 0, 2)) {
		return now.UnixMicro()
	}
	return received
}

// location is where a day begins and ends.
func (w *worker) location() *time.Location {
	if w.cfg.Location == nil {
		return time.UTC
	}
	return w.cfg.Location
}

// part is the job's share of the day on which a record was received.
func (w *worker) part(j *frameJob, received int64) *part {
	p := &j.parts[len(j.parts)-1]
	if received >= p.start && received < p.end {
		return p
	}
	for i := range j.parts {
		if p = &j.parts[i]; received >= p.start && received < p.end {
			return p
		}
	}
	if len(j.parts) < maxParts {
		j.parts = append(j.parts, newPart(w.sane(received), w.location()))
	}
	return &j.parts[len(j.parts)-1]
}

// verify fills in the frame as far as it can be read, and says why it is not
// trusted.
func (w *worker) verify(j *frameJob) error {
	f, err := frame.Parse(j.msg.Data)
	if err != nil {
		return err
	}
	j.frame = f
	c, ok := w.cfg.Collectors(f.Collector)
	if !ok || c.Until > 0 && j.msg.Seq > c.Until {
		return fmt.Errorf("collector %q is not registered, or revoked", f.Collector)
	}
	if c.Municipality != f.Municipality {
		return fmt.Errorf("collector %q belongs to %s, its frame says %s", f.Collector, c.Municipality, f.Municipality)
	}
	j.public = c.Public
	return f.Verify(c.Public)
}

func (w *worker) record(j *frameJob, r *frame.Record, seq uint64) {
	day := w.part(j, r.Received)
	if r.Flags&frame.Dropped != 0 {
		day.drop(r.Line, 1)
		return
	}
	if r.Masked > 0 {
		day.counts.Masked++
	}
	f := j.frame
	w.entry = entry{
		line: r.Line, header: w.heading(r), municipality: f.Municipality, zone: f.Zone, collector: f.Collector, source: f.Source,
		input: r.Input, file: r.File, peer: r.Peer, received: r.Received * 1000,
	}
	if r.Flags&frame.NotUTF8 != 0 {
		w.entry.line, w.entry.tags = readable(r)
	}
	if r.Flags&frame.Truncated != 0 {
		w.entry.tags = slices.Concat(w.entry.tags, tagTruncated)
	}
	if !j.msg.Time.IsZero() {
		w.entry.ingested = j.msg.Time.UnixNano() // the stream's time, and so the same after a crash
	}
	res := w.reader.read(&w.entry, w.builder)
	if res.Reason != "" {
		day.counts.Quarantined++
	}
	j.claims = append(j.claims, res.Claim)
	j.batch.Append(w.builder, event.Ref{Collector: f.Collector, Source: f.Source, Epoch: f.Epoch, Seq: seq})
	day.counts.Stored++
}

// heading is the header of a row's file as text.
func (w *worker) heading(r *frame.Record) string {
	if r.Header == "" || utf8.ValidString(r.Header) && r.Charset == "" {
		return r.Header
	}
	if w.header.raw != r.Header || w.header.charset != r.Charset {
		head := frame.Record{Line: r.Header, Charset: r.Charset}
		w.header.raw, w.header.charset = strings.Clone(r.Header), strings.Clone(r.Charset)
		w.header.text, _ = readable(&head)
	}
	return w.header.text
}

// readable turns a line that is not UTF-8 into text, by the encoding that its
// collector found or, where it found none, by a guess from this line alone. Bytes
// that fit nothing are written \xNN, so that nothing is lost to the eye. The
// frame keeps the bytes themselves.
func readable(r *frame.Record) (string, []string) {
	name := r.Charset
	if name == "" {
		name = charset.Guess(r.Line)
	}
	tags, ok := charsetTags[name]
	if !ok {
		tags = tagEscaped
	}
	return charset.Decode(name, r.Line), tags
}
