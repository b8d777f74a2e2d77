package ingest

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/frame"
	"mimamori/ingest/enrich"
	"mimamori/ingest/format"
	"mimamori/internal/bus"
	"mimamori/internal/sample"
)

// acme is a device that nobody knows at first.
const acme = `
name: acme-fw
title: {ja: ACME, en: ACME}
documentation: https://acme.example/logs
module: acme
dataset: acme.fw
recognise: [{keys: [acme_id, src]}]
cut: kv
time: [at]
fields: {src: source.address, dst: destination.address, act: event.action}
set: {event.category: [network], event.type: [connection]}
tests:
  - {name: one, line: 'acme_id=1 src=192.0.2.1 act=drop', expect: {source.ip: 192.0.2.1}}
`

// acmeRows is a format for rows of a file with a header.
const acmeRows = `
name: acme-rows
title: {ja: ACME, en: ACME}
documentation: https://acme.example/logs
module: acme
dataset: acme.rows
recognise: [{keys: [acme_time, acme_user]}]
cut: rows
time: [acme_time]
fields: {acme_user: user.name, acme_pc: host.name}
set: {event.category: [host], event.type: [info]}
tests:
  - {name: one, header: 'acme_time,acme_user,acme_pc', line: '2026-11-22 10:00:00,sato,PC1', expect: {user.name: sato}}
`

// kit makes events of lines as the pipeline does, but for the judging of times.
type kit struct {
	key      ed25519.PrivateKey
	enricher *enrich.Enricher
}

func newKit(t testing.TB) *kit {
	t.Helper()
	e, err := enrich.New(enrich.Config{Zones: map[string][]enrich.Network{"312011": {{CIDR: "192.0.2.0/24", Zone: "lgwan"}}}})
	if err != nil {
		t.Fatal(err)
	}
	return &kit{ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), e}
}

// set loads what ships and more files.
func set(t testing.TB, files ...string) *format.Set {
	t.Helper()
	more := fstest.MapFS{}
	for i, f := range files {
		more[fmt.Sprintf("f%d.yaml", i)] = &fstest.MapFile{Data: []byte(f)}
	}
	s, err := format.Load(format.Files(), more)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const atReceipt = int64(1795309200_000000) // µs

// come lets records arrive.
func (k *kit) come(t failer, formats *format.Set, records ...frame.Record) *event.Batch {
	w, err := newWorker(&Config{
		Formats: formats, Enricher: k.enricher, Now: func() time.Time { return time.UnixMicro(atReceipt) }, Log: slog.New(slog.DiscardHandler),
		Collectors: func(string) (Collector, bool) {
			return Collector{ID: "col", Municipality: "312011", Public: k.key.Public().(ed25519.PublicKey)}, true
		},
	}, new(batchPool))
	if err != nil {
		t.Fatal(err)
	}
	defer w.unpacker.Close()
	fw, err := frame.NewWriter(frame.Header{Collector: "col", Municipality: "312011", Zone: "internet", Source: "fw", Epoch: 5}, k.key)
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		fw.Add(&records[i])
	}
	sealed, err := fw.Seal()
	if err != nil {
		t.Fatal(err)
	}
	j := &frameJob{msg: bus.Msg{Data: bytes.Clone(sealed.Bytes), Time: time.UnixMicro(atReceipt).Add(time.Second)}, done: make(chan struct{})}
	if w.do(j); j.err != nil {
		t.Fatal(j.err)
	}
	return j.batch
}

type failer interface{ Fatal(args ...any) }

func (k *kit) reparser(formats *format.Set, cfg ReparseConfig) *Reparser {
	cfg.Formats, cfg.Enricher = formats, k.enricher
	return NewReparser(cfg)
}

// again reads a batch again.
func again(r *Reparser, was *event.Batch) *event.Batch {
	out, x := &event.Batch{}, new(event.Builder)
	for i := range was.Events {
		e := &was.Events[i]
		if !r.Rewrite(e, x) {
			x.Reset()
			x.Load(e)
		}
		out.Append(x, e.Ref)
	}
	r.Settle(true)
	return out
}

func js(b *event.Batch, i int) string { return string(b.Events[i].AppendJSON(nil)) }

func record(line string) frame.Record {
	return frame.Record{Line: line, Received: atReceipt, Peer: "192.0.2.9", Input: "syslog-tcp"}
}

func genRecord(t *rapid.T, m *sample.Maker) frame.Record {
	r := record("")
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		line, _ := m.Append(nil)
		r.Line = string(line)
	case 1:
		r.Line = fmt.Sprintf("acme_id=%d src=192.0.2.%d dst=198.51.100.7 act=%s", rapid.IntRange(1, 9).Draw(t, "id"), rapid.IntRange(1, 250).Draw(t, "host"), rapid.SampledFrom([]string{"drop", "日本", "\"a b\""}).Draw(t, "act"))
	case 2:
		r.Line, r.Header, r.Input, r.File = "2026-11-22 10:00:00,sato,PC1", "acme_time,acme_user,acme_pc", "file", "/var/log/a.csv"
	case 3:
		r.Line, r.Header = "acme_time,acme_user,acme_pc", "acme_time,acme_user,acme_pc"
	case 4:
		r.Line, r.Charset, r.Flags = "acme_id=1 src=192.0.2.1 act=\x93\xfa\x96{", "cp932", frame.NotUTF8
	default:
		r.Line = rapid.String().Draw(t, "line")
	}
	if rapid.IntRange(0, 9).Draw(t, "truncated") == 0 {
		r.Flags |= frame.Truncated
	}
	return r
}

// TestALineReadAgainIsWhatANewLineWouldBe lets lines come when two of their
// devices are unknown, reads them again when they are known, and compares with
// the same lines that come now. A second time changes nothing.
func TestALineReadAgainIsWhatANewLineWouldBe(t *testing.T) {
	k, before, after := newKit(t), set(t), set(t, acme, acmeRows)
	m := sample.New(sample.Towns(1)[0], 7, time.UnixMicro(atReceipt))
	rapid.Check(t, func(t *rapid.T) {
		var records []frame.Record
		for range rapid.IntRange(1, 12).Draw(t, "lines") {
			records = append(records, genRecord(t, m))
		}
		was, want := k.come(t, before, records...), k.come(t, after, records...)
		r := k.reparser(after, ReparseConfig{})
		got, changed := again(r, was), uint64(0)
		for i := range want.Events {
			if js(got, i) != js(want, i) {
				t.Fatalf("line %q\nread again %s\nnew        %s", records[i].Line, js(got, i), js(want, i))
			}
			if js(was, i) != js(want, i) {
				changed++
			}
		}
		p := r.Report()
		if p.Read != uint64(len(records)) || p.Changed != changed || p.Same != p.Read-changed || p.Left != nil {
			t.Fatalf("%+v, want %d changed", p, changed)
		}
		twice := k.reparser(after, ReparseConfig{})
		if again(twice, got); twice.Report().Changed != 0 {
			t.Fatalf("the second time %+v", twice.Report())
		}
	})
}

func TestWhatWasReadBetterIsLeftAndCounted(t *testing.T) {
	k, both, none := newKit(t), set(t, acme, acmeRows), set(t)
	row := record("2026-11-22 10:00:00,sato,PC1")
	row.Header = "acme_time,acme_user,acme_pc"
	was := k.come(t, both, record("acme_id=1 src=192.0.2.1 act=drop"), row, record("nobody knows this"))
	x := new(event.Builder) // a row of a time before headers were stored
	x.Load(&was.Events[1])
	x.Delete(fHeader)
	was.Replace(1, x)
	x.Set(fReceived, event.Time(1)) // an event of no line
	was.Append(x, event.Ref{Seq: 9})

	for _, c := range []struct {
		name    string
		formats *format.Set
		force   bool
		left    tally
		changed uint64
	}{
		{"the format is gone", none, false, tally{"no format takes it any more": 1, "event.original is not stored": 1, "the header of its file is not stored": 0}, 0},
		{"and that is meant", none, true, tally{"event.original is not stored": 1}, 2},
		{"the header is gone", both, false, tally{"the header of its file is not stored": 1, "event.original is not stored": 1}, 0},
		{"which force does not help", both, true, tally{"the header of its file is not stored": 1, "event.original is not stored": 1}, 0},
	} {
		r := k.reparser(c.formats, ReparseConfig{Force: c.force})
		again(r, was)
		p := r.Report()
		if c.formats == none && !c.force {
			c.left["no format takes it any more"]++ // nobody knows that it was a row
		}
		for why, n := range c.left {
			if p.Left[why] != n {
				t.Errorf("%s: %d left since %s, want %d: %+v", c.name, p.Left[why], why, n, p)
			}
		}
		if p.Changed != c.changed || p.Changed+p.Same+p.Left.Sum() != p.Read || p.Quarantined["no format"] == 0 {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
}

// TestAFormatThatNowFindsFaultIsWorse has a field required that lines lack.
func TestAFormatThatNowFindsFaultIsWorse(t *testing.T) {
	k := newKit(t)
	was := k.come(t, set(t, acme), record("acme_id=1 src=192.0.2.1 act=drop"), record("acme_id=1 src=192.0.2.1 dst=198.51.100.7"))
	strict := set(t, acme+"require: [destination.ip]\n")
	r := k.reparser(strict, ReparseConfig{})
	again(r, was)
	if p := r.Report(); p.Changed != 0 || p.Same != 1 || p.Left.Sum() != 1 || !strings.Contains(fmt.Sprint(p.Left), "acme-fw: required field missing: destination.ip") {
		t.Fatalf("%+v", p)
	}
	r = k.reparser(strict, ReparseConfig{Force: true})
	got := again(r, was)
	if p := r.Report(); p.Changed != 1 || len(p.Quarantined) != 1 || !got.Events[0].Has(fQuarantine) {
		t.Fatalf("%+v", p)
	}
}

// TestAJudgedTimeStaysWithItsClaim has a time that was repaired when its line
// came, and a skew.
func TestAJudgedTimeStaysWithItsClaim(t *testing.T) {
	k, formats := newKit(t), set(t, acme)
	line := "acme_id=1 src=192.0.2.1 at=2026-11-22T01:00:00"
	was := k.come(t, formats, record(line), record(line), record(line))
	claimed, _ := was.Events[0].Get(fTimestamp)
	x := new(event.Builder)
	repair := func(i int) {
		x.Load(&was.Events[i])
		x.Set(fTimestamp, event.Time(claimed.Int()+9*3600e9))
		x.Set(fClaimed, claimed)
		x.Set(fRepair, event.String("+9:00"))
		x.Set(fSkew, event.Int(60_000))
		x.Add(fTags, tagRepaired)
		was.Replace(i, x)
	}
	repair(0)
	repair(1)
	x.Load(&was.Events[2])
	x.Set(fSkew, event.Int(90_000))
	was.Replace(2, x)
	r := k.reparser(formats, ReparseConfig{})
	if got := again(r, was); r.Report().Changed != 0 || js(got, 0) != js(was, 0) {
		t.Fatalf("%+v", r.Report().Examples)
	}
	// Another place for the time: the claim is another, and counts.
	other := set(t, strings.Replace(acme, "time: [at]", "time: [{from: at, zone: UTC}]", 1))
	r = k.reparser(other, ReparseConfig{})
	got := again(r, was)
	for i := range got.Events {
		at, _ := got.Events[i].Get(fTimestamp)
		if at.Int() != claimed.Int()+9*3600e9 || got.Events[i].Has(fClaimed) || got.Events[i].Has(fRepair) || got.Events[i].Has(fSkew) || got.Events[i].Has(fTags) {
			t.Errorf("%s", js(got, i))
		}
	}
	// Another field, the same claim: all stays.
	renamed := set(t, strings.Replace(acme, "act: event.action", "act: event.action, acme_id: event.id", 1))
	r = k.reparser(renamed, ReparseConfig{})
	got = again(r, was)
	if e := &got.Events[1]; r.Report().Changed != 3 || e.Str(event.MustLookup("event.id")) != "1" || e.Str(fRepair) != "+9:00" || !e.Has(fSkew) || !slices.Contains(list(e, fTags), tagRepaired) {
		t.Errorf("%s", js(got, 1))
	}
	if e := &got.Events[2]; !e.Has(fSkew) || e.Has(fRepair) {
		t.Errorf("%s", js(got, 2))
	}
}

func list(e *event.Event, f event.Field) []string {
	v, _ := e.Get(f)
	return v.List()
}

func TestDryRunShowsAndChangesNothing(t *testing.T) {
	k := newKit(t)
	var records []frame.Record
	for i := range 30 {
		records = append(records, record(fmt.Sprintf("acme_id=%d src=192.0.2.1", i)), record(fmt.Sprintf("acme_id=%d src=192.0.2.1 k%d=v", i, i%9)))
	}
	was := k.come(t, set(t), records...)
	r := k.reparser(set(t, acme), ReparseConfig{Dry: true})
	got := again(r, was)
	for i := range was.Events {
		if js(got, i) != js(was, i) {
			t.Fatal("changed")
		}
	}
	p := r.Report()
	if p.Changed != 60 || p.Released["acme-fw"] != 60 || p.Fields["source.ip"] != 60 || p.Fields["quarantine"] != 60 || len(p.Examples) != maxExamples {
		t.Fatalf("%+v", p)
	}
	x := p.Examples[0]
	i := slices.IndexFunc(x.Fields, func(c FieldChange) bool { return c.Field == "event.dataset" })
	if i < 0 || x.Fields[i] != (FieldChange{"event.dataset", "unknown", "acme.fw"}) || x.Line != records[0].Line || x.Ref.Seq != 1 {
		t.Errorf("%+v", x)
	}
	if alike := slices.IndexFunc(p.Examples, func(y Example) bool { return y.Ref.Seq > 8 && len(y.Fields) == len(x.Fields) }); alike >= maxAlike {
		t.Errorf("examples are all alike: %+v", p.Examples)
	}
}

// TestWhatIsNotStoredDoesNotCount reads two segments, of which one fails.
func TestWhatIsNotStoredDoesNotCount(t *testing.T) {
	k := newKit(t)
	was := k.come(t, set(t), record("acme_id=1 src=192.0.2.1"), record("nobody"))
	r := k.reparser(set(t, acme), ReparseConfig{})
	x := new(event.Builder)
	r.Rewrite(&was.Events[0], x)
	if r.Read() != 1 {
		t.Error(r.Read())
	}
	r.Settle(false)
	x.Reset()
	r.Rewrite(&was.Events[1], x)
	r.Settle(true)
	if p := r.Report(); p.Read != 1 || p.Changed != 0 || p.Quarantined["no format"] != 1 || p.Same != 1 {
		t.Errorf("%+v", p)
	}
}

func TestBytesThatTheStoreReplacesAreNoChange(t *testing.T) {
	for _, c := range []struct {
		a, b event.Value
		want bool
	}{
		{event.String("a\xff\x82b"), event.String("a\ufffd\ufffdb"), true},
		{event.String("a\xffb"), event.String("a\ufffd\ufffdb"), false},
		{event.Strings([]string{"\xff"}), event.Strings([]string{"\ufffd"}), true},
		{event.Strings([]string{"a, b"}), event.Strings([]string{"a", "b"}), false},
		{event.Strings([]string{}), event.Strings(nil), true},
		{event.String("1.2.3.4"), event.Addr("1.2.3.4"), true},
		{event.Int(7), event.Int(8), false},
	} {
		if alike(c.a, c.b) != c.want {
			t.Errorf("%q %q", c.a.Text(), c.b.Text())
		}
	}
}
