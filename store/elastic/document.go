package elastic

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"mimamori/event"
	"mimamori/internal/calendar"
)

// document is an event made ready for a bulk request.
type document struct {
	ref    event.Ref
	id     string
	stream string
	town   string // last part of the stream's name
	text   []byte // action and source, two lines
}

var (
	atField       = event.MustLookup("@timestamp")
	townField     = event.MustLookup("municipality")
	datasetField  = event.MustLookup("event.dataset")
	originalField = event.MustLookup("event.original")
	messageField  = event.MustLookup("message")
)

// errIdentity refuses an event that no collector numbers so.
var errIdentity = errors.New("epoch or sequence is beyond 9223372036854775807, which is as far as Elasticsearch counts")

// document makes an event's document. Its error refuses the event for good.
func (s *Store) document(e *event.Event) (*document, error) {
	if e.Epoch > math.MaxInt64 || e.Seq > math.MaxInt64 {
		return nil, errIdentity
	}
	d := &document{ref: e.Ref, id: identity(e.Ref), town: town(e.Str(townField))}
	d.stream = s.cfg.Prefix + "-" + dataset(e.Str(datasetField)) + "-" + d.town
	dst := []byte(`{"create":{"_index":`)
	dst = append(event.AppendString(dst, d.stream), `,"_id":`...)
	dst = append(event.AppendString(dst, d.id), "}}\n"...)
	d.text = append(appendSource(dst, e), '\n')
	return d, nil
}

// identity is a document's _id: collector/source/epoch/seq, or the hash of it
// where that is no text or too long for Elasticsearch.
func identity(r event.Ref) string {
	escape := strings.NewReplacer("%", "%25", "/", "%2F")
	s := escape.Replace(r.Collector) + "/" + r.Source + "/" + strconv.FormatUint(r.Epoch, 10) + "/" + strconv.FormatUint(r.Seq, 10)
	if len(s) > 512 || !utf8.ValidString(s) {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	return s
}

// town is the last part of a stream's name.
func town(code string) string {
	if event.CheckCode(code) != nil {
		return "unknown"
	}
	return code
}

// dataset makes a dataset's name fit for a stream's name.
func dataset(name string) string {
	out := []byte(strings.ToLower(name))
	for i, c := range out {
		if !(c == '_' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z') {
			out[i] = '_'
		}
	}
	if len(out) == 0 {
		return "generic"
	}
	return string(out[:min(len(out), 100)])
}

// place says where in the document a value stands.
type place uint8

const (
	byField place = iota // under its ECS name
	byVendor
	byName // in mimamori.values, not in the index
)

// keyRoom is what stands beside a vendor's field's name and value in a term.
const keyRoom = len(vendorField) + 2

// maxTerm is the longest term of Lucene, in bytes.
const maxTerm = 32766

// placeOf decides for one value. What an index field could not give back, or
// would refuse, stands by its name.
func placeOf(f event.Field, v event.Value) place {
	kind := v.Kind()
	text := kind == event.Keyword || kind == event.Text || kind == event.IP
	if !f.Known() {
		if text && fits(v.Str(), len(f.Name())+keyRoom) || kind == event.List && fitAll(v.List(), len(f.Name())+keyRoom) {
			return byVendor
		}
		return byName
	}
	ok := kind == f.Type()
	switch f.Type() {
	case event.Keyword:
		ok = text && fits(v.Str(), 0)
	case event.Text:
		ok = text
	case event.IP:
		a, canonical := event.ParseIP(v.Str())
		ok = ok && canonical && a.Str() == v.Str()
	case event.List:
		ok = ok && fitAll(v.List(), 0)
	case event.Double:
		x := v.Float()
		ok = ok && !math.IsNaN(x) && !math.IsInf(x, 0) && (x != 0 || !math.Signbit(x)) // -0 sorts before 0 there
	case event.Date:
		ok = ok && v.Int() >= 0
	}
	if ok {
		return byField
	}
	return byName
}

// fits tells whether a text may be a term, with n bytes before it.
func fits(s string, n int) bool {
	return len(s)+n <= maxTerm && (utf8.ValidString(s) || 3*len(s)+n <= maxTerm)
}

func fitAll(list []string, n int) bool {
	for _, s := range list {
		if !fits(s, n) {
			return false
		}
	}
	return len(list) > 0 // the index does not tell an empty list from none
}

// appendSource appends the document itself.
func appendSource(dst []byte, e *event.Event) []byte {
	dst = e.AppendJSONFunc(dst, func(f event.Field) bool { v, _ := e.Get(f); return placeOf(f, v) == byField })
	dst = dst[:len(dst)-1]
	comma := func(first byte) byte {
		if dst[len(dst)-1] == first {
			return ' '
		}
		return ','
	}
	at, timed := e.Get(atField)
	if !timed || placeOf(atField, at) != byField {
		dst = append(append(dst, comma('{')), `"@timestamp":"1970-01-01T00:00:00Z"`...) // a data stream must have one
	}
	dst = append(append(dst, comma('{')), `"vendor":{`...)
	for f, v := range e.All {
		if placeOf(f, v) == byVendor {
			dst = append(dst, comma('{'))
			dst = v.AppendJSON(append(event.AppendString(dst, f.Name()), ':'))
		}
	}
	dst = append(dst, `},"mimamori":{"collector":`...)
	dst = append(event.AppendString(dst, e.Collector), `,"source":`...)
	dst = append(event.AppendString(dst, e.Source), `,"epoch":`...)
	dst = append(strconv.AppendUint(dst, e.Epoch, 10), `,"seq":`...)
	dst = strconv.AppendUint(dst, e.Seq, 10)
	if timed && placeOf(atField, at) == byField {
		dst = appendLocal(dst, time.Unix(0, at.Int()))
	}
	return append(appendOdd(dst, e, timed), "}}"...)
}

// appendLocal appends the parts of a time in Japan, which conditions ask for.
func appendLocal(dst []byte, at time.Time) []byte {
	at = at.In(calendar.JST())
	_, week := at.ISOWeek()
	dst = append(dst, `,"local":{"off":`...)
	dst = strconv.AppendBool(dst, calendar.Day(at).Off())
	for _, p := range []struct {
		name string
		n    int
	}{{"minute", at.Minute()}, {"hour", at.Hour()}, {"day", at.Day()}, {"week", week}, {"month", int(at.Month())}, {"year", at.Year()}} {
		dst = append(append(append(dst, `,"`...), p.name...), `":`...)
		dst = strconv.AppendInt(dst, int64(p.n), 10)
	}
	return append(dst, '}')
}

// appendOdd appends the values that the index does not have, and the names of
// the fields that it does not have whole.
func appendOdd(dst []byte, e *event.Event, timed bool) []byte {
	var names []string
	if !timed {
		names = append(names, untimed)
	}
	values := len(dst)
	for f, v := range e.All {
		switch {
		case placeOf(f, v) == byName:
			if len(dst) == values {
				dst = append(dst, `,"values":{`...)
			} else {
				dst = append(dst, ',')
			}
			dst = append(event.AppendString(dst, f.Name()), ':')
			dst = appendValue(dst, v)
			names = append(names, f.Name())
		case f.Type() == event.Text && f.Known() && brokenWords(v.Str()):
			names = append(names, f.Name())
		}
	}
	if len(dst) > values {
		dst = append(dst, '}')
	}
	if len(names) > 0 {
		dst = event.Strings(names).AppendJSON(append(dst, `,"odd":`...))
	}
	return dst
}

// appendValue writes a value so that valueOf reads it back.
func appendValue(dst []byte, v event.Value) []byte {
	switch v.Kind() {
	case event.Double:
		if x := v.Float(); math.IsNaN(x) || math.IsInf(x, 0) {
			return event.AppendString(dst, v.Text())
		}
	case event.Date:
		return event.AppendString(dst, v.Text())
	}
	return v.AppendJSON(dst)
}
