package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// run executes a command line and returns what it printed.
func run(t *testing.T, in string, args ...string) (string, error) {
	t.Helper()
	var out, errs bytes.Buffer
	err := Run(t.Context(), args, IO{In: strings.NewReader(in), Out: &out, Err: &errs})
	return out.String(), err
}

func must(t *testing.T, in string, args ...string) string {
	t.Helper()
	out, err := run(t, in, args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return out
}

// object reads one JSON object and checks that the keys are there.
func object(t *testing.T, out string, keys ...string) map[string]any {
	t.Helper()
	var obj map[string]any
	if err := json.Unmarshal([]byte(out), &obj); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, k := range keys {
		if _, ok := obj[k]; !ok {
			t.Errorf("no key %q in %s", k, out)
		}
	}
	return obj
}

const (
	fortigateLine = `<189>date=2026-11-22 time=10:00:00 devname="fw" devid="FGT60F1" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=10.1.2.3 dstip=203.0.113.9 dstport=445 action="deny"`
	clearedLine   = `{"EventTime":"2026-11-22 10:00:00","Hostname":"pc1","EventID":1102,"SourceName":"Microsoft-Windows-Eventlog","Channel":"Security","SubjectUserName":"sato"}`
)

func TestFormatsParseAnswersEveryLineInOrder(t *testing.T) {
	in := fortigateLine + "\nnobody knows this line\n\n\x00\xff odd bytes\r\n" + clearedLine
	lines := strings.Split(strings.TrimSpace(must(t, in, "formats", "parse")), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d answers for 5 lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	for i, want := range []string{`"ip":"10.1.2.3"`, `"original":"nobody knows this line"`, `"original":""`, `odd bytes`, `"channel":"Security"`} {
		if !strings.Contains(lines[i], want) || !json.Valid([]byte(lines[i])) {
			t.Errorf("line %d: no %s in %s", i+1, want, lines[i])
		}
	}
	wrapped, err := json.Marshal(map[string]any{"n": 1, "raw": fortigateLine})
	if err != nil {
		t.Fatal(err)
	}
	out := must(t, string(wrapped)+"\n{\"raw\":"+clearedLine+"}\n", "formats", "parse", "--json-field", "raw", "--format", "auto", "--tz", "UTC")
	if strings.Count(out, "\n") != 2 || !strings.Contains(out, `"@timestamp":"2026-11-22T10:00:00Z"`) || !strings.Contains(out, `"channel":"Security"`) {
		t.Errorf("wrapped lines:\n%s", out)
	}
}

func TestMistakesOnTheCommandLineSayWhatToDo(t *testing.T) {
	for want, args := range map[string][]string{
		"no format \"nope\"":       {"formats", "parse", "--format", "nope"},
		"no JSON object":           {"formats", "parse", "--json-field", "raw"},
		"unknown time zone":        {"formats", "parse", "--tz", "Mars/North"},
		"is no folder of rules":    {"rules", "lint", "--rules", "/nonexistent"},
		"no rule \"nope\"":         {"rules", "explain", "--rule", "nope"},
		"needs --sigma":            {"rules", "import"},
		"is no time":               {"query", "--from", "yesterday", "x"},
		"unknown field \"sorce.":   {"query", "--data", "DIR", `sorce.ip == "10.0.0.1"`},
		"--data names the folder":  {"query", "--data", "DIR/events", "x"},
		"--data DIR/town":          {"query", "--data", "DIR/above", "x"},
		"unknown command":          {"nonsense"},
		"no such file":             {"up", "--config", "/nonexistent.yaml"},
		"unknown key \"colector\"": {"up", "--config", "CONFIG"},
	} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "events"), 0o700); err != nil {
			t.Fatal(err)
		}
		config := filepath.Join(dir, "mimamori.yaml")
		if err := os.WriteFile(config, []byte("data: x\ncolector: []\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(dir, "above", "town", "events"), 0o700); err != nil {
			t.Fatal(err)
		}
		want = strings.Replace(want, "DIR", filepath.Join(dir, "above"), 1)
		for i := range args {
			args[i] = strings.NewReplacer("DIR", dir, "CONFIG", config).Replace(args[i])
		}
		if _, err := run(t, "plain text\n", args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}

func TestRulesRunPrintsEachMatchWithItsLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.json")
	if err := os.WriteFile(file, []byte("{\"event\":{\"EventID\":1,\"Channel\":\"System\"}}\n{\"event\":"+clearedLine+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := must(t, "", "rules", "run", "--format", "windows-json", "--json-field", "event", "--input", file)
	if out != "{\"rule\":\"win-log-cleared\",\"line\":2}\n" {
		t.Errorf("got %q", out)
	}
	if out := must(t, "", "rules", "test"); !strings.Contains(out, "all tests passed") {
		t.Error(out)
	}
	if out := must(t, "", "formats", "test"); !strings.Contains(out, "all tests passed") {
		t.Error(out)
	}
	explained := must(t, clearedLine+"\n", "rules", "explain", "--rule", "win-log-cleared")
	if !strings.Contains(explained, "1102") {
		t.Error(explained)
	}
}

func TestEveryBenchPrintsItsKeys(t *testing.T) {
	for step, keys := range map[string][]string{
		"collect":  {"cpu_seconds", "raw_bytes", "wire_bytes"},
		"ingest":   nil,
		"rules":    {"rules"},
		"store":    {"bytes_per_event", "questions"},
		"pipeline": nil,
	} {
		obj := object(t, must(t, "", "bench", step, "--events", "3000", "--json"), append(keys, "us_per_event", "events", "max_rss_bytes")...)
		if obj["events"] != 3000.0 {
			t.Errorf("%s: %v events", step, obj["events"])
		}
	}
}

// TestDemoRunsToItsEndAndQueryAndLedgerAgree is the main job in small.
func TestDemoRunsToItsEndAndQueryAndLedgerAgree(t *testing.T) {
	dir := t.TempDir()
	r := object(t, must(t, "", "demo", "--once", "--events", "12000", "--towns", "2", "--json", "--data", dir),
		"sent", "received", "stored", "quarantined", "alerts", "lost", "duplicates", "seconds", "cpu_seconds", "max_rss_bytes")
	if r["sent"] != 12000.0 || r["stored"] != 12000.0 || r["lost"] != 0.0 || r["duplicates"] != 0.0 || r["quarantined"] != 0.0 || r["alerts"] == 0.0 {
		t.Errorf("%v", r)
	}
	data := filepath.Join(dir, "prefecture")
	q := object(t, must(t, "", "query", "--json", "--data", data, "--limit", "3", `event.module == "fortinet" && destination.port == 443`), "total", "took_seconds", "events")
	if events, ok := q["events"].([]any); !ok || len(events) != 3 || q["total"].(float64) < 100 {
		t.Errorf("%v", q["total"])
	}
	l := object(t, must(t, "", "ledger", "--json", "--data", data), "received", "stored", "lost", "sources")
	if l["received"] != 12000.0 || l["lost"] != 0.0 {
		t.Errorf("%v", l)
	}
	if out := must(t, "", "ledger", "--data", data); !slices.Contains(strings.Fields(out), "12000") {
		t.Error(out)
	}
	k := object(t, must(t, "", "clocks", "--json", "--data", data), "clocks", "changed")
	if list, ok := k["clocks"].([]any); !ok || len(list) != 0 {
		t.Errorf("clocks that are right: %v", k)
	}
	if out := must(t, "", "clocks", "--data", data); !strings.HasPrefix(out, "municipality") {
		t.Error(out)
	}
}

func TestUpEndsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var errs lockedBuffer
	config := filepath.Join(t.TempDir(), "mimamori.yaml")
	if err := os.WriteFile(config, []byte("console: {listen: \"127.0.0.1:0\"}\nbus: {listen: \"127.0.0.1:0\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, []string{"up", "--config", config}, IO{In: strings.NewReader(""), Out: &errs, Err: &errs})
	}()
	errs.wait(t, "collectors connect to")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
