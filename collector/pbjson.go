package collector

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// pbDepth bounds how deep messages may nest.
const pbDepth = 64

// pbValue is one field as it stands in a message.
type pbValue struct {
	num   protowire.Number
	typ   protowire.Type
	bits  uint64 // of numbers
	bytes []byte // of strings and messages
	raw   []byte // all of it
}

// pbEach calls f with each field of a message; errFormat where it is none.
func pbEach(msg []byte, f func(pbValue) error) error {
	for len(msg) > 0 {
		var v pbValue
		var tag, n int
		if v.num, v.typ, tag = protowire.ConsumeTag(msg); tag < 0 {
			return errFormat
		}
		switch rest := msg[tag:]; v.typ {
		case protowire.VarintType:
			v.bits, n = protowire.ConsumeVarint(rest)
		case protowire.Fixed64Type:
			v.bits, n = protowire.ConsumeFixed64(rest)
		case protowire.Fixed32Type:
			var w uint32
			w, n = protowire.ConsumeFixed32(rest)
			v.bits = uint64(w)
		case protowire.BytesType:
			v.bytes, n = protowire.ConsumeBytes(rest)
		default:
			n = protowire.ConsumeFieldValue(v.num, v.typ, rest)
		}
		if n < 0 {
			return errFormat
		}
		v.raw = msg[:tag+n]
		if err := f(v); err != nil {
			return err
		}
		msg = msg[tag+n:]
	}
	return nil
}

// pbText is JSON that is being written, of which the first limit bytes are kept.
type pbText struct {
	b     []byte
	limit int
	total int64
}

func (t *pbText) put(parts ...string) {
	for _, s := range parts {
		if t.total += int64(len(s)); len(t.b)+len(s) <= t.limit {
			t.b = append(t.b, s...)
			continue
		}
		t.b = append(t.b, s[:max(0, min(len(s), t.limit-len(t.b)))]...)
	}
}

// Write is put for bytes; it does not fail.
func (t *pbText) Write(b []byte) (int, error) {
	t.put(text(b))
	return len(b), nil
}

func (t *pbText) message(msg []byte, kind pbKind, depth int) error {
	t.put("{")
	if err := t.fields(msg, kind, 0, depth); err != nil {
		return err
	}
	t.put("}")
	return nil
}

// fields writes the members of a message in the order of the table, but for the
// field skip. A field that is there twice and is no list is refused: to merge
// the two, as protobuf would, costs memory, and no encoder writes that.
func (t *pbText) fields(msg []byte, kind pbKind, skip protowire.Number, depth int) error {
	if depth > pbDepth {
		return errFormat
	}
	table := otlpFields[kind]
	var found [12]pbValue
	var count [12]int
	known, unknown := 0, false
	err := pbEach(msg, func(v pbValue) error {
		i := slices.IndexFunc(table, func(e pbEntry) bool { return e.num == v.num })
		if i < 0 {
			unknown = true
			return nil
		}
		known++
		count[i]++
		if found[i] = v; v.typ != table[i].kind.wire() || count[i] > 1 && !table[i].list || known > 1 && kind == pbAny {
			return errFormat
		}
		return nil
	})
	if err != nil {
		return err
	}
	sep := ""
	for i, e := range table {
		if count[i] == 0 || e.num == skip {
			continue
		}
		t.put(sep, `"`, e.name, `":`)
		if sep = ","; e.list {
			err = t.list(msg, e, depth)
		} else {
			err = t.value(found[i], e.kind, depth)
		}
		if err != nil {
			return err
		}
	}
	if unknown {
		t.put(sep)
		t.unknown(msg, table)
	}
	return nil
}

func (t *pbText) list(msg []byte, e pbEntry, depth int) error {
	sep := "["
	err := pbEach(msg, func(v pbValue) error {
		if v.num != e.num {
			return nil
		}
		t.put(sep)
		sep = ","
		return t.value(v, e.kind, depth)
	})
	t.put("]")
	return err
}

// unknown keeps the fields that are not in the table, as they stand in the
// message: a sender newer than this program loses nothing.
func (t *pbText) unknown(msg []byte, table []pbEntry) {
	t.put(`"unknownFields":"`)
	enc := base64.NewEncoder(base64.StdEncoding, t)
	_ = pbEach(msg, func(v pbValue) error { // it was read before
		if !slices.ContainsFunc(table, func(e pbEntry) bool { return e.num == v.num }) {
			_, _ = enc.Write(v.raw)
		}
		return nil
	})
	_ = enc.Close()
	t.put(`"`)
}

// value writes one value as protobuf's JSON mapping has it, but for identifiers
// in hexadecimal digits and enumerations as numbers, as OTLP wants.
func (t *pbText) value(v pbValue, kind pbKind, depth int) error {
	switch kind {
	case pbString:
		t.quoted(v.bytes)
	case pbHex:
		t.put(`"`)
		_, _ = hex.NewEncoder(t).Write(v.bytes)
		t.put(`"`)
	case pbBytes:
		t.put(`"`)
		enc := base64.NewEncoder(base64.StdEncoding, t)
		_, _ = enc.Write(v.bytes)
		_ = enc.Close()
		t.put(`"`)
	case pbBool:
		t.put(strconv.FormatBool(v.bits != 0))
	case pbInt32:
		t.put(strconv.FormatInt(int64(int32(v.bits)), 10)) // the low 32 bits, as protobuf reads it
	case pbUint32, pbFixed32:
		t.put(strconv.FormatUint(uint64(uint32(v.bits)), 10))
	case pbInt64:
		t.put(`"`, strconv.FormatInt(int64(v.bits), 10), `"`) // two's complement
	case pbFixed64:
		t.put(`"`, strconv.FormatUint(v.bits, 10), `"`)
	case pbDouble:
		t.double(math.Float64frombits(v.bits))
	default:
		return t.message(v.bytes, kind, depth+1)
	}
	return nil
}

func (t *pbText) double(f float64) {
	switch {
	case math.IsNaN(f):
		t.put(`"NaN"`)
	case math.IsInf(f, 0):
		t.put(`"`, map[bool]string{true: "Infinity", false: "-Infinity"}[f > 0], `"`)
	default:
		t.put(strconv.FormatFloat(f, 'g', -1, 64))
	}
}

// quoted writes a JSON string. Bytes that are no UTF-8 stay as they are.
func (t *pbText) quoted(b []byte) {
	const digits = "0123456789abcdef"
	t.put(`"`)
	from := 0
	for i, c := range b {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		t.put(text(b[from:i]))
		if from = i + 1; c < ' ' {
			t.put(`\u00`, digits[c>>4:c>>4+1], digits[c&15:c&15+1])
		} else {
			t.put(`\`, string(rune(c)))
		}
	}
	t.put(text(b[from:]), `"`)
}
