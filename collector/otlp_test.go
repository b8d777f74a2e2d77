package collector

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

// pb writes protobuf messages for tests.
type pb []byte

func (b pb) str(n protowire.Number, s string) pb {
	return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), s)
}

func (b pb) num(n protowire.Number, v uint64) pb {
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
}

func (b pb) fixed(n protowire.Number, v uint64) pb {
	return protowire.AppendFixed64(protowire.AppendTag(b, n, protowire.Fixed64Type), v)
}

func (b pb) fixed32(n protowire.Number, v uint32) pb {
	return protowire.AppendFixed32(protowire.AppendTag(b, n, protowire.Fixed32Type), v)
}

// attr is a KeyValue.
func attr(k string, v pb) string { return string(pb{}.str(1, k).str(2, string(v))) }

func text1(s string) pb { return pb{}.str(1, s) }

// sampleOTLP has every field of OTLP logs.
func sampleOTLP() pb {
	res := pb{}.str(1, attr("host.name", text1("庁内\"サーバ\\\n"))).num(2, 3).
		str(3, string(pb{}.str(1, "u").str(2, "host").str(3, "host.id").str(4, "host.name")))
	scope := pb{}.str(1, "lib").str(2, "1.2").str(3, attr("x", pb{}.num(2, 1))).num(4, 1)
	deep := pb{}.str(5, string(pb{}.str(1, string(text1("a"))).str(1, string(pb{}.num(3, math.MaxUint64)))))
	kv := pb{}.str(6, string(pb{}.str(1, attr("list", deep)).str(1, attr("d", pb{}.fixed(4, math.Float64bits(1.5))))))
	rec := pb{}.fixed(1, 1_700_000_000_123_456_789).num(2, 9).str(3, "INFO").str(5, string(text1("a line"))).
		str(6, attr("kv", kv)).str(6, attr("raw", pb{}.str(7, "\x00\xff"))).num(7, 2).fixed32(8, 1).
		str(9, "0123456789abcdef").str(10, "01234567").fixed(11, 5).str(12, "login").str(99, "of the future")
	sl := pb{}.str(1, string(scope)).str(2, string(rec)).str(2, "").str(3, "schema")
	return pb{}.str(1, string(pb{}.str(1, string(res)).str(2, string(sl)).str(3, "schema2")))
}

const sampleHead = `{"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"庁内\"サーバ\\\u000a"}}],` +
	`"droppedAttributesCount":3,"entityRefs":[{"schemaUrl":"u","type":"host","idKeys":["host.id"],"descriptionKeys":["host.name"]}]},"schemaUrl":"schema2",` +
	`"scopeLogs":[{"scope":{"name":"lib","version":"1.2","attributes":[{"key":"x","value":{"boolValue":true}}],"droppedAttributesCount":1},"schemaUrl":"schema","logRecords":[`

const sampleRecord = `{"timeUnixNano":"1700000000123456789","severityNumber":9,"severityText":"INFO","body":{"stringValue":"a line"},` +
	`"attributes":[{"key":"kv","value":{"kvlistValue":{"values":[{"key":"list","value":{"arrayValue":{"values":[{"stringValue":"a"},{"intValue":"-1"}]}}},` +
	`{"key":"d","value":{"doubleValue":1.5}}]}}},{"key":"raw","value":{"bytesValue":"AP8="}}],"droppedAttributesCount":2,"flags":1,` +
	`"traceId":"30313233343536373839616263646566","spanId":"3031323334353637","observedTimeUnixNano":"5","eventName":"login",` +
	`"unknownFields":"mgYNb2YgdGhlIGZ1dHVyZQ=="}`

func TestProtobufBecomesOTLPJSONWithNothingLeftOut(t *testing.T) {
	got, err := cutAll(t, cutOTLPProto, sampleOTLP(), false)
	if err != nil {
		t.Fatal(err)
	}
	sameLines(t, []string{sampleHead + sampleRecord + `]}]}]}`, sampleHead + `{}]}]}]}`}, bodyTexts(got))
}

func TestJSONKeepsEachRecordWithWhatIsAroundIt(t *testing.T) {
	text := ` { "resourceLogs" : [ {"resource":{"attributes":[]} , "new": [1,{"a":"]}"}],
	  "scopeLogs":[{"logRecords":[ {"body":{"stringValue":"a, \"]}"}} , {} ],"scope":{"name":"x"}}, {"logRecords":null},{"logRecords":[{"a": 1}]}]},
	  {"scopeLogs":[]}, {} ], "more":true}`
	got, err := cutAll(t, cutOTLPJSON, []byte(text), false)
	if err != nil {
		t.Fatal(err)
	}
	head := `{"more":true,"resourceLogs":[{"resource":{"attributes":[]},"new": [1,{"a":"]}"}],"scopeLogs":[{`
	sameLines(t, []string{
		head + `"scope":{"name":"x"},"logRecords":[{"body":{"stringValue":"a, \"]}"}}]}]}]}`,
		head + `"scope":{"name":"x"},"logRecords":[{}]}]}]}`,
		head + `"logRecords":[{"a": 1}]}]}]}`,
	}, bodyTexts(got))
}

func TestWhatIsNoLogsRequestIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "x", "[]", `{"resourceLogs":1}`, `{"resourceLogs":[1]}`, `{"resourceLogs":[{"scopeLogs":[{"logRecords":["a"]}]}]}`, `{"resourceSpans":[{}]}`, `{"resourceLogs":[]`,
	} {
		if got, err := cutAll(t, cutOTLPJSON, []byte(text), false); !errors.Is(err, errFormat) {
			t.Errorf("%s: %v %q", text, err, bodyTexts(got))
		}
	}
	span := pb{}.str(1, "0123456789abcdef")
	deep := pb("")
	for range pbDepth {
		deep = pb{}.str(5, string(pb{}.str(1, string(deep))))
	}
	logs := func(rec pb) pb { return pb{}.str(1, string(pb{}.str(2, string(pb{}.str(2, string(rec)))))) }
	for _, b := range []pb{
		logs(span), pb("x"), pb{}.num(1, 1), pb{}.str(9, "?"), logs(pb{}.str(5, string(deep))), logs(pb{}.num(2, 1).num(2, 2)),
		logs(pb{}.str(5, string(pb{}.num(2, 1).num(3, 1)))), sampleOTLP()[:50],
	} {
		if got, err := cutAll(t, cutOTLPProto, b, false); !errors.Is(err, errFormat) {
			t.Errorf("%q: %v %q", b, err, bodyTexts(got))
		}
	}
}

// naive decodes a message into maps, without the tables, the bounds and the
// library of the real decoder: the path of field numbers says what a field is.
func naive(b []byte, path string) map[string]any {
	out := map[string]any{}
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		b = b[n:]
		at := path + "." + strconv.FormatUint(tag>>3, 10)
		for _, loop := range []string{".5.5.1", ".5.6.1.2"} { // a value within a value
			at = strings.ReplaceAll(at, loop, ".5")
		}
		at = strings.ReplaceAll(at, ".6.2.6.1.2", ".6.2")
		at = strings.ReplaceAll(at, ".6.2.5.1", ".6.2")
		var num uint64
		var data []byte
		switch tag & 7 {
		case 0:
			num, n = binary.Uvarint(b)
		case 1:
			num, n = binary.LittleEndian.Uint64(b), 8
		case 2:
			size, k := binary.Uvarint(b)
			data, n = b[k:k+int(size)], k+int(size)
		case 5:
			num, n = uint64(binary.LittleEndian.Uint32(b)), 4
		}
		b = b[n:]
		naiveField(out, at, num, data)
	}
	return out
}

func naiveField(out map[string]any, at string, num uint64, data []byte) {
	value := func(name string, f func() any) { out[name] = f() }
	list := func(name string, v any) { l, _ := out[name].([]any); out[name] = append(l, v) }
	last := at[strings.LastIndexByte(at, '.')+1:]
	switch {
	case at == ".1" || at == ".2" || at == ".3" && data == nil:
		out[map[string]string{".1": "timeUnixNano", ".2": "severityNumber"}[at]] = map[string]any{".1": strconv.FormatUint(num, 10), ".2": float64(num)}[at]
	case at == ".3":
		out["severityText"] = string(data)
	case at == ".9":
		out["traceId"] = hex.EncodeToString(data)
	case at == ".5":
		value("body", func() any { return naive(data, at) })
	case at == ".6":
		list("attributes", naive(data, at))
	case at == ".6.1" || strings.HasSuffix(at, ".6.1.1"):
		out["key"] = string(data)
	case at == ".6.2":
		value("value", func() any { return naive(data, at) })
	case last == "1":
		out["stringValue"] = string(data)
	case last == "2":
		out["boolValue"] = num != 0
	case last == "3":
		out["intValue"] = strconv.FormatInt(int64(num), 10)
	case last == "4":
		out["doubleValue"] = math.Float64frombits(num)
	case last == "7":
		out["bytesValue"] = base64.StdEncoding.EncodeToString(data)
	default:
		panic(at)
	}
}

func drawAny(t *rapid.T) pb {
	switch rapid.IntRange(0, 4).Draw(t, "any") {
	case 0:
		return text1(rapid.String().Draw(t, "s"))
	case 1:
		return pb{}.num(2, uint64(rapid.IntRange(0, 1).Draw(t, "b")))
	case 2:
		return pb{}.num(3, rapid.Uint64().Draw(t, "i"))
	case 3:
		return pb{}.fixed(4, math.Float64bits(rapid.Float64Range(-1e300, 1e300).Draw(t, "d")))
	}
	return pb{}.str(7, string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
}

// Log records of any shape, through protobuf and JSON, are what a decoder that
// knows nothing of ours reads.
func TestProtobufAgreesWithANaiveDecoder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []map[string]any
		sl := pb{}
		for range rapid.IntRange(1, 5).Draw(t, "records") {
			rec := pb{}
			for range rapid.IntRange(0, 3).Draw(t, "attrs") {
				rec = rec.str(6, attr(rapid.String().Draw(t, "key"), drawAny(t)))
			}
			if rapid.Bool().Draw(t, "all") {
				rec = rec.fixed(1, rapid.Uint64().Draw(t, "time")).num(2, uint64(rapid.IntRange(0, 24).Draw(t, "sev"))).
					str(3, rapid.String().Draw(t, "sevText")).str(5, string(drawAny(t))).str(9, rapid.StringN(16, 16, 16).Draw(t, "trace"))
			}
			want, sl = append(want, naive(rec, "")), sl.str(2, string(rec))
		}
		got, err := cutAll(t, cutOTLPProto, pb{}.str(1, string(pb{}.str(2, string(sl)))), rapid.Bool().Draw(t, "stream"))
		if err != nil || len(got) != len(want) {
			t.Fatal(len(got), err)
		}
		for i, p := range got {
			if rec := onlyRecord(t, p.line); !reflect.DeepEqual(rec, want[i]) {
				t.Fatalf("got  %v\nwant %v", rec, want[i])
			}
			again, err := cutAll(t, cutOTLPJSON, p.line, false)
			if err != nil || len(again) != 1 || string(again[0].line) != string(p.line) {
				t.Fatalf("a line is not the request that it says it is: %v", err)
			}
		}
	})
}

// onlyRecord is the log record of a line.
func onlyRecord(t interface{ Fatal(...any) }, line []byte) map[string]any {
	var v struct {
		ResourceLogs []struct {
			ScopeLogs []struct{ LogRecords []map[string]any }
		}
	}
	if err := json.Unmarshal(line, &v); err != nil {
		t.Fatal(err, string(line))
	}
	return v.ResourceLogs[0].ScopeLogs[0].LogRecords[0]
}

func TestOTLPOverHTTP(t *testing.T) {
	u, p := httpUnder(t, httpIn(Token{Name: "otel", Token: testToken}))
	auth := []string{"Authorization", "Bearer " + testToken, "Content-Type"}
	if got := mustPost(t, u, "/v1/logs", string(sampleOTLP()), append(auth, typeProtobuf)...); got != "" {
		t.Errorf("%q", got)
	}
	if got := mustPost(t, u, "/v1/logs", sampleHead+sampleRecord+`]}]}]}`, append(auth, typeJSON+"; charset=utf-8")...); got != "{}" {
		t.Errorf("%q", got)
	}
	for ct, empty := range map[string]string{typeJSON: "{}", typeProtobuf: ""} { // nothing to keep is no error
		mustPost(t, u, "/v1/logs", empty, append(auth, ct)...)
	}
	long := pb{}.str(1, string(pb{}.str(2, string(pb{}.str(2, string(pb{}.str(3, strings.Repeat("x", 2<<20))))))))
	warning := mustPost(t, u, "/v1/logs", string(long), append(auth, typeProtobuf)...)
	if m := naive([]byte(warning), ".5"); len(m) != 1 || !strings.Contains(fmt.Sprint(m), "1 MiB") {
		t.Errorf("%q", warning)
	}
	status, got, _ := post(t, u, "/v1/logs", strings.NewReader("x"), append(auth, typeProtobuf)...)
	if num, text, ok := statusOf([]byte(got)); status != 400 || !ok || num != 3 || text == "" {
		t.Errorf("%d %q", status, got)
	}
	status, got, _ = post(t, u, "/v1/logs", strings.NewReader("x"), append(auth, typeJSON)...)
	if status != 400 || !strings.HasPrefix(got, `{"code":3,"message":"`) {
		t.Errorf("%d %q", status, got)
	}
	recs := kept(t, u, p, 4)
	if recs[0].Line != recs[2].Line || recs[0].Input != "http-otlp" || recs[3].Total < 2<<20 {
		t.Errorf("%.200q\n%.200q", recs[0].Line, recs[2].Line)
	}
}

// statusOf reads google.rpc.Status.
func statusOf(b []byte) (code uint64, text string, ok bool) {
	if len(b) < 4 || b[0] != 8 || b[2] != 18 {
		return 0, "", false
	}
	return uint64(b[1]), string(b[4:]), true
}

func FuzzOTLPProto(f *testing.F) {
	f.Add([]byte(sampleOTLP()))
	f.Add([]byte(pb{}.str(1, string(pb{}.str(2, string(pb{}.str(2, "").str(2, "")))))))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := cutAll(t, cutOTLPProto, b, false)
		checkOTLP(t, got, err)
	})
}

func FuzzOTLPJSON(f *testing.F) {
	f.Add([]byte(sampleHead + sampleRecord + `]}]}]}`))
	f.Add([]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{}]},{}]}],"a":"\"]}"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := cutAll(t, cutOTLPJSON, b, false)
		checkOTLP(t, got, err)
	})
}

// checkOTLP: each line that was not cut is JSON with one log record in it.
func checkOTLP(t *testing.T, got []bodyLine, err error) {
	if r := (refusal{}); err != nil && !errors.As(err, &r) {
		t.Fatalf("%T %v", err, err)
	}
	for _, p := range got {
		if p.total == int64(len(p.line)) {
			if !json.Valid(p.line) || bytes.Count(p.line, []byte(`"logRecords":[`)) < 1 {
				t.Fatalf("%q", p.line)
			}
		}
	}
}
