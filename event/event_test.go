package event

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawEvent makes a random set of fields as a builder and as a plain map.
func drawEvent(t *rapid.T) (*Builder, map[Field]Value) {
	x, want := new(Builder), map[Field]Value{}
	for range rapid.IntRange(0, 60).Draw(t, "n") {
		f := Field(rapid.IntRange(0, len(Fields())-1).Draw(t, "field"))
		var v Value
		switch f.Type() {
		case Long:
			v = Int(rapid.Int64().Draw(t, "long"))
		case Double:
			v = Float(rapid.Float64Range(-1e9, 1e9).Draw(t, "double"))
		case Boolean:
			v = Bool(rapid.Bool().Draw(t, "bool"))
		case Date:
			v = Time(rapid.Int64Range(0, 1<<61).Draw(t, "date"))
		case IP:
			v = Addr("192.0.2.1")
		case List:
			v = Strings(rapid.SliceOf(rapid.String()).Draw(t, "list"))
		case Text:
			v, _ = ParseAs(Text, rapid.String().Draw(t, "text"))
		default:
			v = String(rapid.String().Draw(t, "keyword"))
		}
		x.Set(f, v)
		want[f] = v
		if rapid.Bool().Draw(t, "delete") {
			x.Delete(f)
			delete(want, f)
		}
	}
	return x, want
}

func TestBatchHoldsWhatABuilderHeld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Batch
		var wants []map[Field]Value
		for i := range rapid.IntRange(1, 5).Draw(t, "events") {
			x, want := drawEvent(t)
			b.Append(x, Ref{"c", "s", 1, uint64(i + 1)})
			wants = append(wants, want)
			if x.Len() != 0 {
				t.Fatal("the builder was not reset")
			}
		}
		for i, want := range wants {
			e := &b.Events[i]
			if e.Len() != len(want) || e.Seq != uint64(i+1) {
				t.Fatalf("event %d: %d fields, want %d", i, e.Len(), len(want))
			}
			var order []Field
			for f, v := range e.All {
				order = append(order, f)
				if got, ok := e.Get(f); !ok || !got.Equal(v) || !v.Equal(want[f]) || !v.Clone().Equal(v) {
					t.Fatalf("%s: %q", f.Name(), got.Text())
				}
			}
			if !slices.IsSorted(order) || !slices.Equal(order, slices.Sorted(maps.Keys(want))) {
				t.Fatalf("fields %v", order)
			}
		}
	})
}

func TestJSONComesBackAsTheSameEvent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, want := drawEvent(t)
		var b Batch
		js := b.Append(x, Ref{}).AppendJSON(nil)
		if !json.Valid(js) {
			t.Fatalf("no JSON: %s", js)
		}
		y := new(Builder)
		if err := y.Decode(js); err != nil {
			t.Fatalf("%v in %s", err, js)
		}
		for f, v := range want {
			if got, ok := y.Get(f); !ok || !got.Equal(v) {
				t.Fatalf("%s: %q came back as %q", f.Name(), v.Text(), got.Text())
			}
		}
	})
}

func TestJSONNestsAndKeepsALeafThatIsAlsoAParent(t *testing.T) {
	x := new(Builder)
	for name, v := range map[string]string{"source.user.name": "sato", "acme.a": "leaf", "acme.a.b": "below", "user.name": "\xff\n"} {
		f, ok := Intern(name)
		if !ok {
			t.Fatal(name)
		}
		x.Set(f, String(v))
	}
	x.Set(MustLookup("source.ip"), Addr("10.0.0.1"))
	var b Batch
	got := string(b.Append(x, Ref{}).AppendJSON(nil))
	want := `{"acme.a":"leaf","acme.a.b":"below","source":{"ip":"10.0.0.1","user":{"name":"sato"}},"user":{"name":"�\n"}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRegistryRefusesWhatIsNoNameAndStopsWhenFull(t *testing.T) {
	for _, bad := range []string{"", ".a", "a.", "a..b", "a b", "a\"b", strings.Repeat("x", 129)} {
		if _, ok := Intern(bad); ok {
			t.Errorf("took %q", bad)
		}
	}
	if f, ok := Intern("source.ip"); !ok || f.Type() != IP || !f.Known() {
		t.Error("source.ip is not the registry's own")
	}
	if got := Nearest("sorce.ip"); got != "source.ip" {
		t.Errorf("nearest to sorce.ip is %q", got)
	}
}

func TestIPSpelling(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.1": "10.0.0.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:DB8:0:0::1": "2001:db8::1", "fe80::1%eth0": "fe80::1",
		"010.0.0.1": "", "1.2.3": "", "256.1.1.1": "", "": "", "a": "", "1.2.3.4.5": "", "1..2.3": "",
	} {
		v, ok := ParseIP(in)
		if ok != (want != "") || v.Str() != want {
			t.Errorf("%q: %q %v", in, v.Str(), ok)
		}
	}
}

func TestMunicipalityCodes(t *testing.T) {
	table := BuiltinMunicipalities()
	prefectures, towns := 0, 0
	for _, code := range table.Codes() {
		if err := CheckCode(code); err != nil {
			t.Error(err)
		}
		if code[2:5] == "000" {
			prefectures++
		} else if code[:2] == "31" {
			towns++
		}
	}
	if prefectures != 47 || towns != 19 {
		t.Errorf("%d prefectures, %d towns of 鳥取県", prefectures, towns)
	}
	for _, known := range []string{"011002", "131016", "271004", "472018"} { // 札幌市 千代田区 大阪市 那覇市
		if err := CheckCode(known); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"011003", "31201", "31201a", ""} {
		if err := CheckCode(bad); !errors.Is(err, ErrCode) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	_, err := LoadMunicipalities(strings.NewReader("団体コード,都道府県名,市区町村名\n312011,鳥取県,鳥取市\n312020,鳥取県,米子市\n"))
	if err == nil || !strings.Contains(err.Error(), "municipalities:3:1") {
		t.Errorf("wrong check digit: %v", err)
	}
	loaded, err := LoadMunicipalities(strings.NewReader("\ufeff団体コード,都道府県名,市区町村名,カナ\n11002,北海道,札幌市,ｻｯﾎﾟﾛｼ\n"))
	if m, ok := loaded.Get("011002"); err != nil || !ok || m.FullName() != "北海道札幌市" || m.English != "" {
		t.Errorf("%+v %v", m, err)
	}
}

func TestAlertIDDependsOnWhatFiredAlone(t *testing.T) {
	at := time.Unix(1763773200, 0)
	a := AlertID("r", "1", "312011", "k", at)
	if a != AlertID("r", "1", "312011", "k", at.UTC()) || a == AlertID("r", "1", "312011", "k", at.Add(1)) || a == AlertID("r1", "", "312011", "k", at) {
		t.Error("identity is not what it should be")
	}
}

func BenchmarkAppendAndGet(b *testing.B) {
	x := new(Builder)
	var fs []Field
	for i := 0; i < 400; i += 13 {
		fs = append(fs, Field(i))
	}
	var batch Batch
	b.ReportAllocs()
	for i := range b.N {
		for _, f := range fs {
			x.Set(f, Int(int64(f)))
		}
		e := batch.Append(x, Ref{})
		for _, f := range fs {
			e.Get(f)
		}
		if i%1000 == 999 {
			batch.Reset()
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	x, batch := new(Builder), new(Batch)
	for i, name := range []string{"@timestamp", "event.original", "source.ip", "source.port", "destination.ip", "destination.port", "network.transport", "event.action", "event.dataset", "observer.name", "host.name", "user.name", "rule.id", "related.ip", "process.parent.executable", "process.hash.sha256"} {
		x.Set(MustLookup(name), String(strings.Repeat("v", 10+i*4)))
	}
	e := batch.Append(x, Ref{})
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = e.AppendJSON(dst[:0])
	}
}
