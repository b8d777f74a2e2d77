package ingest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/ingest/enrich"
	"mimamori/ingest/format"
)

var fOriginal = event.MustLookup("event.original")

// ReparseConfig says how lines are read again.
type ReparseConfig struct {
	Formats  *format.Set
	Enricher *enrich.Enricher
	Location *time.Location // of device times without a zone
	Force    bool           // also where an event says less than before
	Dry      bool           // change nothing, only count
}

// Reparser reads the lines of stored events again: an event gets what the same
// line would get if it came now, with the same way and times of arrival, by the
// formats and tables of today. What it cannot read as well as before it leaves
// as it is, and counts. It runs no rules. One goroutine uses it.
//
// It is a store's Rewriter.
type Reparser struct {
	cfg    ReparseConfig
	reader *reader
	entry  entry
	fresh  event.Batch // the event at hand, read again

	done, open Report // open: of a segment that is not settled
}

// NewReparser makes a reparser.
func NewReparser(cfg ReparseConfig) *Reparser {
	return &Reparser{cfg: cfg, reader: newReader(cfg.Formats, cfg.Enricher, cfg.Location)}
}

// Report is the account of what is settled.
func (r *Reparser) Report() *Report { return &r.done }

// Read is how many events were read, settled or not.
func (r *Reparser) Read() uint64 { return r.done.Read + r.open.Read }

// Settle takes what was read since the last call into the account, or forgets it.
func (r *Reparser) Settle(stored bool) {
	if stored {
		r.done.add(&r.open)
	}
	r.open = Report{}
}

// Rewrite reads the line of an event again and puts what becomes of it into x;
// false when nothing does.
func (r *Reparser) Rewrite(e *event.Event, x *event.Builder) (changed bool) {
	r.open.Read++
	defer func() {
		if p := recover(); p != nil { // costs this event only, as when it came
			r.open.leave("the parser failed on this line")
			changed = false
		}
	}()
	if !e.Has(fOriginal) {
		r.open.leave("event.original is not stored")
		return false
	}
	if !e.Has(fReceived) {
		r.open.leave("the time of receipt is not stored")
		return false
	}
	r.entry.of(e)
	res := r.reader.read(&r.entry, x)
	carryTime(e, x, res.Claim)
	if why := r.worse(e, &res); why != "" {
		r.open.leave(why)
		return false
	}
	r.fresh.Reset()
	now := r.fresh.Append(x, e.Ref)
	differs := r.open.compare(e, now, res.Format)
	if !differs || r.cfg.Dry {
		return false
	}
	x.Load(now)
	return true
}

// of fills in the entry that a stored event was made of.
func (n *entry) of(e *event.Event) {
	received, _ := e.Get(fReceived)
	ingested, _ := e.Get(fIngested)
	*n = entry{
		line: e.Str(fOriginal), header: e.Str(fHeader), municipality: e.Str(fMunicipality), zone: e.Str(fZone), collector: e.Collector, source: e.Source,
		input: e.Str(fInput), file: e.Str(fFilePath), peer: e.Str(fPeer), received: received.Int(), ingested: ingested.Int(),
	}
	tags, _ := e.Get(fTags)
	for _, tag := range tags.List() {
		if strings.HasPrefix(tag, charsetTag) || tag == tagTruncated[0] {
			n.tags = append(n.tags, tag)
		}
	}
}

// How well a line is read.
const (
	unread = iota
	partly // by a format, with a reason for quarantine
	fully
)

func reading(taken bool, quarantined bool) int {
	switch {
	case !quarantined:
		return fully
	case taken:
		return partly
	}
	return unread
}

// worse tells why an event is left as it is although its line can be read.
func (r *Reparser) worse(e *event.Event, res *format.Result) string {
	dataset := e.Str(fDataset)
	was := reading(dataset != format.Unknown, e.Has(fQuarantine))
	if reading(res.Format != "", res.Reason != "") >= was {
		return ""
	}
	if r.entry.header == "" && r.cfg.Formats.ReadsRows(dataset) {
		return "the header of its file is not stored"
	}
	switch {
	case r.cfg.Force:
		return ""
	case res.Format == "":
		return "no format takes it any more"
	}
	return fmt.Sprintf("it would be read worse by %s: %s", res.Format, res.Reason)
}

// carryTime keeps what was judged of the line's time when it came, as long as the
// line still claims that time; a new claim counts as it is.
func carryTime(e *event.Event, x *event.Builder, c format.Claim) {
	at, _ := e.Get(fTimestamp)
	was, repaired := at, e.Has(fRepair)
	if v, ok := e.Get(fClaimed); ok {
		was = v
	}
	if c.Clock == format.NoClock || c.At != was.Int() {
		return
	}
	if repaired {
		x.Set(fTimestamp, at)
		x.Set(fClaimed, was)
		x.Set(fRepair, event.String(e.Str(fRepair)))
		x.Add(fTags, tagRepaired)
	}
	if v, ok := e.Get(fSkew); ok {
		x.Set(fSkew, v)
	}
}

// compare counts what has changed in an event, and answers whether anything has.
func (p *Report) compare(was, now *event.Event, format string) bool {
	reasons, quarantined := now.Get(fQuarantine)
	if quarantined {
		p.Quarantined.count(readBy(format, strings.Join(reasons.List(), "; ")))
	}
	fields := differences(was, now)
	if len(fields) == 0 {
		p.Same++
		return false
	}
	p.Changed++
	if was.Has(fQuarantine) && !quarantined {
		p.Released.count(format)
	}
	p.Fields.count(fields)
	p.example(was, now, format, fields)
	return true
}

// readBy names the format that says why a line is quarantined.
func readBy(format, reason string) string {
	if format == "" {
		return reason
	}
	return format + ": " + reason
}

// differences lists the fields of two events that differ, in field order.
func differences(was, now *event.Event) []event.Field {
	var out []event.Field
	for f, v := range was.All {
		if w, ok := now.Get(f); !ok || !alike(v, w) {
			out = append(out, f)
		}
	}
	for f := range now.All {
		if !was.Has(f) {
			out = append(out, f)
		}
	}
	slices.Sort(out)
	return out
}

// alike tells whether two values are the same once they are stored: bytes that
// are no UTF-8 are replaced there, and text has its field's kind.
func alike(a, b event.Value) bool {
	if a.Kind() == event.List || b.Kind() == event.List {
		return slices.EqualFunc(a.List(), b.List(), func(a, b string) bool { return storable(a) == storable(b) })
	}
	return a.Equal(b) || storable(a.Text()) == storable(b.Text())
}

// storable is a text as the store gives it back.
func storable(s string) string {
	for _, c := range s {
		if c == 0xFFFD {
			return string([]rune(s))
		}
	}
	return s
}
