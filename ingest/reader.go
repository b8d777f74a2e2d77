package ingest

import (
	"time"

	"mimamori/event"
	"mimamori/ingest/enrich"
	"mimamori/ingest/format"
)

// Fields that every event gets here.
var (
	fMunicipality = event.MustLookup("municipality")
	fZone         = event.MustLookup("zone")
	fCollector    = event.MustLookup("collector")
	fInput        = event.MustLookup("input")
	fReceived     = event.MustLookup("received")
	fTags         = event.MustLookup("tags")
	fFilePath     = event.MustLookup("log.file.path")
	fHeader       = event.MustLookup("log.file.header")
	fPeer         = event.MustLookup("log.source.address")
	fQuarantine   = event.MustLookup("quarantine")
	fIngested     = event.MustLookup("event.ingested")
)

// entry is a line with all that is known of its way: what an event is made of,
// when it comes and when it is read again.
type entry struct {
	line, header string // readable; the header of its file, "" for none
	tags         []string

	municipality, zone, collector, source string
	input, file, peer                     string

	received, ingested int64 // nanoseconds since 1970; 0 is unknown
}

// reader turns entries into events. One goroutine owns it.
type reader struct {
	parser *format.Parser
	enrich *enrich.Session
}

func newReader(formats *format.Set, enricher *enrich.Enricher, zone *time.Location) *reader {
	return &reader{parser: formats.Parser(format.Options{Location: zone, Format: "auto"}), enrich: enricher.Session()}
}

// read parses the line into x, which is empty, and adds what is known besides.
func (r *reader) read(n *entry, x *event.Builder) format.Result {
	res := r.parser.Parse(format.Input{Line: n.line, Received: time.Unix(0, n.received), Hint: n.source, Header: n.header}, x)
	if res.Reason != "" {
		if _, ok := x.Get(fQuarantine); !ok {
			x.Add(fQuarantine, res.Reason)
		}
	}
	if n.tags != nil {
		x.Add(fTags, n.tags...)
	}
	x.Set(fMunicipality, event.String(n.municipality))
	x.Set(fCollector, event.String(n.collector))
	x.Set(fInput, event.String(n.input))
	x.Set(fReceived, event.Time(n.received))
	if n.ingested != 0 {
		x.Set(fIngested, event.Time(n.ingested))
	}
	setText(x, fZone, n.zone)
	setText(x, fFilePath, n.file)
	setText(x, fHeader, n.header)
	setText(x, fPeer, n.peer)
	r.enrich.Event(x, enrich.Origin{Municipality: n.municipality, Zone: n.zone, Received: n.received})
	return res
}

func setText(x *event.Builder, f event.Field, text string) {
	if text != "" {
		x.Set(f, event.String(text))
	}
}
