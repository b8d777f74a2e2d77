package collector

import (
	"encoding/json"
	"mime"
	"net/http"

	"google.golang.org/protobuf/encoding/protowire"

	"mimamori/frame"
)

// OTLP logs: a request holds resources, those scopes, those log records. Each
// log record becomes a line that is itself a request in OTLP's JSON, with this
// one record in it:
//
//	{"resourceLogs":[{"resource":{…},"scopeLogs":[{"scope":{…},"logRecords":[{…}]}]}]}
//
// This is what OpenTelemetry's own tools write to files. What a sender says of
// resource and scope (attributes, versions, schema URLs, keys that this program
// does not know) stands before the list that it belongs to; in JSON as it was
// sent, from protobuf in the order of the numbers of its fields.

const (
	typeJSON     = "application/json"
	typeProtobuf = "application/x-protobuf"
)

const (
	otlpHead   = frame.MaxLine / 2 // bytes of what stands before a log record in its line
	otlpMemory = 3 * frame.MaxLine // of heads and a line
	otlpTail   = `]}]}]}`
)

func otlpCutter(r *http.Request) (cutter, error) {
	switch contentType(r) {
	case typeJSON:
		return cutOTLPJSON, nil
	case typeProtobuf:
		return cutOTLPProto, nil
	}
	return nil, errType
}

func contentType(r *http.Request) string {
	t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return t
}

// otlpLists are the lists on the way to a log record, from outside in.
var otlpLists = [...]string{`"resourceLogs"`, `"scopeLogs"`, `"logRecords"`}

// cutOTLPJSON makes a bodyLine of each log record.
func cutOTLPJSON(b *body, emit func(bodyLine) error) error {
	text, err := b.whole(httpWhole)
	if err != nil {
		return err
	}
	if err := b.m.add(otlpMemory); err != nil {
		return err
	}
	defer func() { _ = b.m.add(-otlpMemory) }()
	if !json.Valid(text) {
		return errFormat
	}
	c := &otlpCut{emit: emit}
	return c.object(text, 0, nil)
}

// otlpCut makes lines of log records and what stands around them.
type otlpCut struct {
	emit func(bodyLine) error
	line []byte
	any  bool // there was a log record
	cost int64
}

// afford accounts for heads, which a small body can have many of.
func (c *otlpCut) afford(n int) bool {
	c.cost += int64(n)
	return c.cost <= httpUnpacked
}

// object walks the object that holds the list of this level; head is what
// stands before it in a line.
func (c *otlpCut) object(obj []byte, level int, head []byte) error {
	head = append(head[:len(head):len(head)], '{')
	empty := len(head)
	ok, err := jsonItems(obj, '{', func(item []byte) error {
		if _, list := jsonMember(item, otlpLists[level]); !list {
			head = append(append(head, item...), ',')
		}
		if len(head) > otlpHead {
			return errTooLarge
		}
		return nil
	})
	if err == nil && !ok {
		err = errFormat
	}
	if err != nil {
		return err
	}
	unknown := level == 0 && len(head) > empty
	if head = append(append(head, otlpLists[level]...), ":["...); !c.afford(len(head)) {
		return errTooLarge
	}
	_, err = jsonItems(obj, '{', func(item []byte) error {
		list, ok := jsonMember(item, otlpLists[level])
		if !ok || string(list) == "null" {
			return nil
		}
		ok, err := jsonItems(list, '[', func(item []byte) error {
			if level+1 < len(otlpLists) {
				return c.object(item, level+1, head)
			}
			if item[0] != '{' {
				return errFormat
			}
			return c.record(head, item)
		})
		if err == nil && !ok {
			err = errFormat
		}
		return err
	})
	if err == nil && unknown && !c.any {
		err = errFormat // such as traces
	}
	return err
}

// record makes the line of one log record.
func (c *otlpCut) record(head, rec []byte) error {
	total := int64(len(head) + len(rec) + len(otlpTail))
	c.line = append(c.line[:0], head...)
	c.line = append(c.line, rec[:min(len(rec), frame.MaxLine-len(head))]...)
	c.line = append(c.line, otlpTail[:min(len(otlpTail), frame.MaxLine-len(c.line))]...)
	c.any = true
	return c.emit(bodyLine{line: c.line, total: total})
}

// answerOTLP answers in the sender's encoding. Nothing is ever taken in part;
// that lines were cut is a warning as the protocol has it: a partial success
// without a rejected record.
func answerOTLP(w http.ResponseWriter, r *http.Request, o outcome) {
	const warning = "log records larger than 1 MiB were kept in part"
	proto := contentType(r) == typeProtobuf
	switch {
	case o.err != nil && proto:
		why := asRefusal(o.err)
		b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(why.grpc))
		b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), why.text)
		answerProto(w, why.status, b)
	case o.err != nil:
		why := asRefusal(o.err)
		answerJSON(w, why.status, map[string]any{"code": why.grpc, "message": why.text})
	case proto && o.cut > 0:
		b := protowire.AppendString(protowire.AppendTag(nil, 2, protowire.BytesType), warning)
		answerProto(w, http.StatusOK, protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), b))
	case proto:
		answerProto(w, http.StatusOK, nil)
	case o.cut > 0:
		answerJSON(w, http.StatusOK, map[string]any{"partialSuccess": map[string]any{"errorMessage": warning}})
	default:
		answerJSON(w, http.StatusOK, struct{}{})
	}
}

func answerProto(w http.ResponseWriter, status int, b []byte) {
	w.Header().Set("Content-Type", typeProtobuf)
	w.WriteHeader(status)
	_, _ = w.Write(b) // a sender that is gone cannot be told
}
