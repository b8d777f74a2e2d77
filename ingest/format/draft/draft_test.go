package draft

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/ingest/format"
)

var (
	now = time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)
	few = fstest.MapFS{"small.yaml": {Data: []byte("name: small\nmodule: acme\ndataset: acme.small\nrecognise: [{keys: [acme, src]}]\ncut: kv\nset: {event.category: [network]}\n" +
		"fields: {src: source.ip}\ntests: [{name: one, line: acme=1 src=10.0.0.1, expect: {source.ip: 10.0.0.1}}]\n")}}
)

// general are the formats that drafts build on.
func general(t *testing.T) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	for _, name := range []string{"cef.yaml", "leef.yaml"} {
		text, err := fs.ReadFile(format.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: text}
	}
	return out
}

// drafted drafts a format beside the known ones and answers its text.
func drafted(t *testing.T, known fs.FS, lines []string) (string, []string) {
	t.Helper()
	r, err := Write(Options{Name: "kumo-x", Now: now, Known: []fs.FS{known}}, lines)
	if err != nil {
		t.Fatal(err)
	}
	s, err := format.Load(known, fstest.MapFS{"kumo.yaml": {Data: r.Text}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range format.Lint(s, format.LintOptions{Layer: 1}) {
		if !f.Warning {
			t.Error(f)
		}
	}
	return string(r.Text), r.Notes
}

func repeat(n int, line func(i int) string) (out []string) {
	for i := range n {
		out = append(out, line(i))
	}
	return out
}

func TestDraftsOfEveryKindOfLine(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  []string
	}{
		"pairs": {repeat(20, func(i int) string {
			return fmt.Sprintf(`<134>Nov  1 09:15:02 fw1 kfw: k_id=%d k_rule="r 1" date=2026-11-01 time=09:15:%02d sip=10.0.0.%d sport=%d dst=198.51.100.%d proto=6 act=%s user=- sentbyte=10`, i, i, i, 4000+i, i, []string{"permit", "drop"}[i%2])
		}), []string{"cut: kv", "absent: ['-']", "time: ['date time']", "sip: source.address", "dst: destination.address", "{to: event.type, table: {permit: allowed, drop: denied, \"*\": \"\"}}", "event.category: [network]", "2026-11-01T00:15:00Z", "keys: ["}},
		"json": {repeat(20, func(i int) string {
			return fmt.Sprintf(`{"km":{"ts":"2026-11-01T00:15:%02dZ","who":"u%d","res":"failed"},"client_ip":"10.0.0.%d"}`, i, i, i)
		}), []string{"cut: json", "time: [km.ts]", "km.who: user.name", "client_ip: source.address", "failed: failure", "event.category: [authentication] # DECIDE"}},
		"rows": {append([]string{"when,km_pc,user name,act"}, repeat(20, func(i int) string { return fmt.Sprintf(`2026/11/01 09:15:%02d,PC-%d,"sato, %d",deny`, i, i, i) })...), []string{
			"cut: rows", "header: 'when,km_pc,user name,act'", "'user name': user.name",
		}},
		"w3c": {append([]string{"#Version: 1", "#Fields: date time km-ip cs-method cs-uri sc-status"}, repeat(9, func(i int) string {
			return fmt.Sprintf("2026-11-01 00:15:%02d 10.0.0.%d GET http://www.example.jp/%d 200", i, i, i)
		})...), []string{"cut: rows", "time: ['date time']", "cs-method: http.request.method"}},
		"text": {repeat(30, func(i int) string {
			if i%3 == 0 {
				return fmt.Sprintf(`<13>Nov  1 09:15:02 g1 kdoord[9]: refused card %d at   reader "north %d"`, i, i)
			}
			return fmt.Sprintf("<13>Nov  1 09:15:02 g1 kdoord[9]: user %s opened door %d from 192.0.2.%d", []string{"sato", "ito"}[i%2], i, i)
		}), []string{"app: [kdoord]", "'user %{user} opened door %{door} from %{from}'", `reader "%{reader}"`, "from: source.address"}},
		"columns": {repeat(20, func(i int) string { return fmt.Sprintf("2026-11-01 09:15:%02d;KUMO7;10.0.0.%d;%d;x", i, i, i) }), []string{"columns: {separator: ';'", "like: ['####-##-## ##:##:##;KUMO#;##.#.#.']"}},
		"cef":     {repeat(5, func(i int) string { return fmt.Sprintf("CEF:0|Kumo|WAF|1|10%d|No|5|src=10.0.0.%d act=block", i, i) }), []string{"extends: cef", "starts: ['CEF:0|Kumo|WAF|']"}},
		"leef":    {repeat(5, func(i int) string { return fmt.Sprintf("LEEF:1.0|Kumo|IDS|1|%d|src=10.0.0.%d\tdst=10.1.1.1", i, i) }), []string{"extends: leef", "'|Kumo|IDS|'"}},
		"ltsv": {repeat(5, func(i int) string {
			return fmt.Sprintf("km_time:2026-11-01T09:15:02+09:00\tkm:%d\tsrc:10.0.0.%d", i, i)
		}), []string{"cut: ltsv", "time: [km_time]"}},
		"xml": {repeat(5, func(i int) string { return fmt.Sprintf("<KmEv><KmA>%d</KmA><src ip=\"10.0.0.%d\"/></KmEv>", i, i) }), []string{"cut: xml", "src.ip: source.address"}},
		"hosts": {repeat(9, func(i int) string {
			return fmt.Sprintf(`km=1 src=10.0.0.%d:500%d user=TOWN\u%d method=tunnel`, i, i, i)
		}), []string{"src: {to: source.address, as: hostport}", "source.port: 5000", "user: {to: user.name, as: account}", "user.domain: TOWN", "# DECIDE: kept under kumo.x.*: km, method"}},
		"layout": {repeat(5, func(i int) string { return fmt.Sprintf("km_time=\"01.11.2026 09:15:0%d\" km_a=%d km_b=1", i, i) }), []string{`layout: '02.01.2006 15:04:05'`, "2026-11-01T00:15:00Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			known := general(t)
			if name == "pairs" {
				known = format.Files()
			}
			text, notes := drafted(t, known, c.lines)
			for _, w := range c.want {
				if !strings.Contains(text, w) {
					t.Errorf("no %s in %q\n%s", w, notes, text)
				}
			}
			if !strings.Contains(text, "DECIDE") || strings.Contains(text, "by-name") {
				t.Errorf("%s", text)
			}
		})
	}
}

func TestLinesThatNothingTellsApartNameTheirFormat(t *testing.T) {
	text, notes := drafted(t, format.Files(), repeat(9, func(i int) string { return fmt.Sprintf("src=10.0.0.%d dst=10.0.0.1 proto=6", i) }))
	if strings.Contains(text, "by-name: true") != strings.Contains(strings.Join(notes, " "), "by-name") {
		t.Errorf("%q\n%s", notes, text)
	}
	r, err := Write(Options{Name: "kumo-x", Now: now, Known: []fs.FS{few}}, repeat(9, func(i int) string { return fmt.Sprintf("%d %d", i, i) }))
	if err != nil || !strings.Contains(string(r.Text), "by-name: true") {
		t.Errorf("%v %s", err, r.Text)
	}
}

func TestTimesLaterThanTestsAreKeptByReceived(t *testing.T) {
	r, err := Write(Options{Name: "kumo-x", Now: time.Date(2031, 1, 2, 0, 0, 0, 0, time.UTC), Known: []fs.FS{few}},
		repeat(5, func(i int) string { return fmt.Sprintf("ts=2031-01-01T00:00:0%dZ km_a=1 km_b=%d", i, i) }))
	if err != nil || !strings.Contains(string(r.Text), "received: '2031-01-02T00:00:00Z'") || !strings.Contains(string(r.Text), "'@timestamp': 2031-01-01T00:00:00Z") {
		t.Errorf("%v %s", err, r.Text)
	}
}

func TestTestsFollowAFormatThatChanged(t *testing.T) {
	lines := repeat(9, func(i int) string {
		return fmt.Sprintf("kumo=1 kind=%s ini=10.0.0.%d %s=1", []string{"flow", "login"}[i%2], i, []string{"x z", "y w"}[i%2])
	})
	r, err := Write(Options{Name: "kumo-x", Now: now, Known: []fs.FS{few}}, lines)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(r.Text), "# kind is one of [flow, login]: DECIDE") {
		t.Errorf("%s", r.Text)
	}
	body, _, _ := strings.Cut(string(r.Text), "\ntests:")
	text := strings.Replace(body, "set:\n", "fields: {ini: source.address}\nset:\n", 1)
	mine := fstest.MapFS{"kumo.yaml": {Data: []byte(text)}}
	made, err := Tests(Options{Name: "kumo-x", Now: now, Known: []fs.FS{few, mine}}, lines)
	if err != nil || !strings.Contains(string(made.Text), "source.ip: '10.0.0.0'") {
		t.Fatalf("%v %s", err, made.Text)
	}
	s, err := format.Load(few, fstest.MapFS{"kumo.yaml": {Data: []byte(text + "\n" + string(made.Text))}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range format.Test(s) {
		t.Error(f)
	}
	if _, err := Tests(Options{Name: "nobody", Now: now, Known: []fs.FS{few}}, lines); err == nil {
		t.Error("tests of no format")
	}
}

func TestMistakesOfTheCallerAreNamed(t *testing.T) {
	for want, c := range map[string]struct {
		name  string
		lines []string
	}{
		"no name of a format": {"Kumo X", []string{"a"}}, "already": {"small", []string{"a"}}, "no sample lines": {"kumo", []string{"", " "}},
	} {
		if _, err := Write(Options{Name: c.name, Now: now, Known: []fs.FS{few}}, c.lines); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestEveryFieldOfTheTableIsKnown(t *testing.T) {
	for _, sp := range spellings {
		if f, ok := event.Lookup(sp.field); !ok || !f.Known() {
			t.Errorf("%s is no field", sp.field)
		}
	}
}

// Whatever the samples are: a draft that comes out loads and passes its tests.
func TestADraftThatComesOutWorks(t *testing.T) {
	value := rapid.OneOf(rapid.StringMatching(`[0-9]{1,6}`), rapid.StringMatching(`(10\.0\.0\.[1-9])`), rapid.StringMatching(`[a-zA-Z'":{}#%&*,\\|\[\]-]{1,12}`), rapid.String())
	rapid.Check(t, func(r *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-zA-Z_][a-z_.@-]{0,8}`), 1, 6, rapid.ID[string]).Draw(r, "keys")
		shape := rapid.SampledFrom([]string{"kv", "json", "text"}).Draw(r, "shape")
		var lines []string
		for range rapid.IntRange(1, 6).Draw(r, "n") {
			obj, line := map[string]string{}, ""
			for _, k := range keys {
				v := value.Draw(r, "v")
				obj[k] = v
				if shape == "kv" {
					line += fmt.Sprintf("%s=%q ", k, v)
				} else {
					line += k + " " + v + " "
				}
			}
			if shape == "json" {
				b, _ := json.Marshal(obj)
				line = string(b)
			}
			lines = append(lines, strings.NewReplacer("\n", "", "\r", "").Replace(line))
		}
		works(r, lines)
	})
}

// works drafts and checks what comes out, if anything does.
func works(t rapid.TB, lines []string) {
	r, err := Write(Options{Name: "kumo-x", Now: now, Known: []fs.FS{few}}, lines)
	if err != nil {
		return
	}
	s, err := format.Load(few, fstest.MapFS{"kumo.yaml": {Data: r.Text}})
	if err != nil {
		t.Fatalf("%v\n%s", err, r.Text)
	}
	for _, f := range format.Test(s) {
		t.Fatalf("%v\n%s", f, r.Text)
	}
}

func FuzzWrite(f *testing.F) {
	for _, l := range []string{"a=1 b=2 c=3\na=2 b=3 c=4", `{"a":1}`, "a,b,c\n1,2,3", "user x did 1\nuser y did 2", "CEF:0|a|b|c|d|e|f|", "#Fields: a b\n1 2", "<a><b>1</b></a>", "a:1\tb:2\tc:3", "1;2;3;4"} {
		f.Add(l)
	}
	f.Fuzz(func(t *testing.T, text string) { works(t, strings.Split(text, "\n")) })
}
