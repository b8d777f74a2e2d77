package export_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/store/export"
)

func fields(names ...string) (out []event.Field) {
	for _, n := range names {
		out = append(out, event.MustLookup(n))
	}
	return out
}

func written(t interface{ Fatal(...any) }, o export.Options, b *event.Batch) []byte {
	var out bytes.Buffer
	w, err := export.New(&out, o)
	if err == nil {
		err = errors.Join(w.Take(b), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestNoCellOfAnyTextIsAFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.SampledFrom([]string{"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠", "", "a", `"`, ",", "'"}).Draw(t, "first")
		text := first + rapid.StringN(0, 20, 60).Draw(t, "rest")
		b, x := &event.Batch{}, new(event.Builder)
		x.Set(event.MustLookup("user.name"), event.String(text))
		x.Set(event.MustLookup("tags"), event.Strings([]string{text, "b"}))
		x.Set(event.MustLookup("source.port"), event.Int(-5))
		b.Append(x, event.Ref{})
		raw := written(t, export.Options{Format: "csv", Fields: fields("@timestamp", "user.name", "tags", "source.port")}, b)
		rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
		if err != nil || len(rows) != 2 || rows[0][0] != "'@timestamp" || rows[1][3] != "-5" || rows[1][0] != "" {
			t.Fatalf("%q %v", raw, err)
		}
		for _, c := range rows[1][1:3] {
			if r, _ := utf8.DecodeRuneInString(c); c != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", r) {
				t.Fatalf("%q is calculated", c)
			}
		}
		want := strings.ReplaceAll(text, "\r\n", "\n") // as encoding/csv reads it
		if got := rows[1][1]; got != want && got != "'"+want {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

func TestCSVIsWhatExcelInJapanReads(t *testing.T) {
	b, x := &event.Batch{}, new(event.Builder)
	x.Set(event.MustLookup("@timestamp"), event.Time(1_790_000_000_123_000_000))
	x.Set(event.MustLookup("user.name"), event.String("田中, 一郎"))
	b.Append(x, event.Ref{})
	got := written(t, export.Options{Format: "csv", Fields: fields("@timestamp", "user.name"), BOM: true}, b)
	if want := "\ufeff'@timestamp,user.name\n2026-09-21T23:13:20.123+09:00,\"田中, 一郎\"\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNDJSONHasTheFieldsOrAll(t *testing.T) {
	b, x := &event.Batch{}, new(event.Builder)
	for range 2 {
		x.Set(event.MustLookup("user.name"), event.String("a\nb"))
		x.Set(event.MustLookup("source.port"), event.Int(7))
		b.Append(x, event.Ref{Collector: "c", Seq: 1})
	}
	for _, o := range []export.Options{{Format: "ndjson"}, {Format: "ndjson", Fields: fields("source.port")}} {
		lines := strings.Split(strings.TrimSuffix(string(written(t, o, b)), "\n"), "\n")
		if len(lines) != 2 || !json.Valid([]byte(lines[0])) || strings.Contains(lines[0], "a\\nb") == (o.Fields != nil) || !strings.Contains(lines[0], "7") {
			t.Errorf("%q", lines)
		}
	}
}

func TestParquetIsReadBack(t *testing.T) {
	b, x := &event.Batch{}, new(event.Builder)
	for i := range 25_000 {
		x.Set(event.MustLookup("@timestamp"), event.Time(int64(i)))
		if i%2 == 0 {
			x.Set(event.MustLookup("source.port"), event.Int(int64(i)))
			x.Set(event.MustLookup("tags"), event.Strings([]string{"a", "b"}))
		}
		b.Append(x, event.Ref{})
	}
	raw := written(t, export.Options{Format: "parquet", Fields: fields("tags", "source.port", "@timestamp", "user.name")}, b)
	f, err := parquet.OpenFile(bytes.NewReader(raw), int64(len(raw)))
	if err != nil || f.NumRows() != 25_000 || len(f.RowGroups()) != 3 {
		t.Fatal(len(f.RowGroups()), err)
	}
	type row struct {
		Time int64    `parquet:"@timestamp,optional"`
		Port *int64   `parquet:"source.port,optional"`
		Tags []string `parquet:"tags"`
		User *string  `parquet:"user.name,optional"`
	}
	rows, err := parquet.Read[row](bytes.NewReader(raw), int64(len(raw)))
	if err != nil || len(rows) != 25_000 {
		t.Fatal(len(rows), err)
	}
	for i, r := range rows {
		if r.Time != int64(i) || (r.Port != nil) != (i%2 == 0) || len(r.Tags) != 2-i%2*2 || r.User != nil {
			t.Fatalf("%d: %+v", i, r)
		}
	}
}

func TestUnknownFormatsAndFullDisksAreErrors(t *testing.T) {
	if _, err := export.New(&bytes.Buffer{}, export.Options{Format: "xls"}); err == nil || !strings.Contains(err.Error(), "csv") {
		t.Error(err)
	}
	b, x := &event.Batch{}, new(event.Builder)
	for range 1000 {
		x.Set(event.MustLookup("event.original"), event.String(strings.Repeat("x", 100)))
		b.Append(x, event.Ref{})
	}
	for _, format := range []string{"csv", "ndjson", "parquet"} {
		w, err := export.New(full{}, export.Options{Format: format, BOM: true})
		if err == nil {
			err = errors.Join(w.Take(b), w.Close())
		}
		if !errors.Is(err, errFull) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
