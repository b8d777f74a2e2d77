package loki

import (
	"strconv"
	"strings"
	"time"

	logproto "github.com/grafana/loki/pkg/push"

	"mimamori/event"
	"mimamori/internal/calendar"
)

var (
	fTime         = event.MustLookup("@timestamp")
	fIngested     = event.MustLookup("event.ingested")
	fReceived     = event.MustLookup("received")
	fOriginal     = event.MustLookup("event.original")
	fMunicipality = event.MustLookup("municipality")
	fZone         = event.MustLookup("zone")
	fDataset      = event.MustLookup("event.dataset")
)

// metadata are the fields that stand beside a line. Their names in Loki have _
// in place of the point.
var metadata = [...]event.Field{
	event.MustLookup("host.name"), event.MustLookup("user.name"), event.MustLookup("source.ip"), event.MustLookup("destination.ip"),
	event.MustLookup("event.action"), event.MustLookup("event.outcome"),
}

// metadataNames are theirs.
var metadataNames = [len(metadata)]string{"host_name", "user_name", "source_ip", "destination_ip", "event_action", "event_outcome"}

// Lanes keep apart what Loki would refuse in one stream: it takes what is up to
// an hour older than the newest of its stream, and nothing from the future.
const (
	laneLive     = "live"     // came as it happened
	laneBackfill = "backfill" // came late: a stream for each hour, in which no order matters
	laneArrival  = "arrival"  // its time is too old, ahead or unknown: stands at its arrival
)

const (
	late  = 30 * time.Minute // half of what a stream takes
	ahead = 5 * time.Minute  // half of what Loki takes
)

// nobody is the tenant of what belongs to no municipality.
const nobody = "none"

// line is an event as Loki has it. It depends on the event alone, so that an
// event that is sent again is the same.
type line struct {
	tenant, stream string
	entry          logproto.Entry
	ref            event.Ref
}

func newLine(e *event.Event, maxAge time.Duration) line {
	l := line{ref: e.Ref, tenant: e.Str(fMunicipality)}
	labels := []string{"municipality", l.tenant, "zone", e.Str(fZone), "dataset", e.Str(fDataset)}
	if l.tenant == "" {
		l.tenant = nobody
	}
	at, arrived, claimed, lane := place(e, maxAge)
	labels = append(labels, "lane", lane)
	l.entry = logproto.Entry{Timestamp: time.Unix(0, at).UTC(), Line: e.Str(fOriginal)}
	switch lane {
	case laneBackfill:
		labels = append(labels, "hour", l.entry.Timestamp.Format("2006-01-02T15Z"))
	case laneArrival:
		if claimed != 0 {
			l.note("time", time.Unix(0, claimed).UTC().Format(time.RFC3339Nano))
		}
	}
	l.stream = selector(labels)
	if l.entry.Line == "" {
		l.entry.Line = string(e.AppendJSON(nil))
	}
	l.note("id", e.Collector+"/"+e.Source+"/"+strconv.FormatUint(e.Epoch, 10)+"/"+strconv.FormatUint(e.Seq, 10))
	l.note(monthNote, time.Unix(0, arrived).In(calendar.JST()).Format("2006-01"))
	for i, f := range metadata {
		if v, ok := e.Get(f); ok {
			l.note(metadataNames[i], v.Text())
		}
	}
	return l
}

// place says where in time an event stands, when it arrived, which time it claims
// and in which lane it goes.
func place(e *event.Event, maxAge time.Duration) (at, arrived, claimed int64, lane string) {
	for _, f := range [...]event.Field{fIngested, fReceived, fTime} {
		if v, ok := e.Get(f); ok {
			arrived = v.Int()
			break
		}
	}
	v, ok := e.Get(fTime)
	if !ok {
		return arrived, arrived, 0, laneArrival
	}
	claimed = v.Int()
	switch { // not by the difference, which may overflow
	case claimed < arrived-int64(maxAge) || claimed > arrived+int64(ahead):
		return arrived, arrived, claimed, laneArrival
	case claimed < arrived-int64(late):
		return claimed, arrived, claimed, laneBackfill
	}
	return claimed, arrived, claimed, laneLive
}

func (l *line) note(name, value string) {
	if value != "" {
		l.entry.StructuredMetadata = append(l.entry.StructuredMetadata, logproto.LabelAdapter{Name: name, Value: strings.ToValidUTF8(value, "\uFFFD")})
	}
}

// size is about what the line takes in a request.
func (l *line) size() int {
	n := len(l.entry.Line) + 32
	for _, m := range l.entry.StructuredMetadata {
		n += len(m.Name) + len(m.Value) + 8
	}
	return n
}

// selector writes labels, given as names and values, as Loki reads them.
func selector(labels []string) string {
	var b strings.Builder
	for i := 0; i < len(labels); i += 2 {
		if labels[i+1] == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(labels[i])
		b.WriteByte('=')
		b.WriteString(strconv.Quote(strings.ToValidUTF8(labels[i+1], "\uFFFD")))
	}
	return "{" + b.String() + "}"
}
