package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/rules"
	"mimamori/store"
)

// signIns stores an hour of failed sign-ins of three PCs, in several segments,
// and one success in between, from a time on. It returns the data folder, of the given name.
func signIns(t *testing.T, name string, at time.Time) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	s, err := store.Open(filepath.Join(dir, "events"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := new(event.Builder)
	for seg := range 6 {
		var b event.Batch
		for i := range 60 {
			at = at.Add(10 * time.Second)
			x.Set(event.MustLookup("@timestamp"), event.Time(at.UnixNano()))
			x.Set(event.MustLookup("event.ingested"), event.Time(at.Add(time.Second).UnixNano()))
			x.Set(event.MustLookup("municipality"), event.String([]string{"131016", "131024"}[i%2]))
			x.Set(event.MustLookup("event.dataset"), event.String("windows.security"))
			x.Set(event.MustLookup("host.name"), event.String(fmt.Sprintf("PC%d", i%3)))
			x.Set(event.MustLookup("process.name"), event.String("lsass.exe"))
			x.Set(event.MustLookup("event.outcome"), event.String("failure"))
			if i == 30 {
				x.Set(event.MustLookup("event.outcome"), event.String("success"))
			}
			b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(seg*60 + i + 1)})
		}
		if err := s.Commit(t.Context(), store.Commit{Batches: []*event.Batch{&b}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// commandsOf reads the commands of a section of the documentation.
func commandsOf(t *testing.T, file, section string) [][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), section+"\n")
	if !found {
		t.Fatalf("%s has no section %s", file, section)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	var out [][]string
	for line := range strings.Lines(rest) {
		if line, ok := strings.CutPrefix(line, "mimamori "); ok {
			var args []string
			for i, part := range strings.Split(strings.TrimSpace(line), "'") {
				if i%2 == 1 {
					args = append(args, part)
				} else {
					args = append(args, strings.Fields(part)...)
				}
			}
			out = append(out, args)
		}
	}
	return out
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// TestAnAuthorsWay: the commands of docs/rules.md, as they stand there, from a
// search to a draft whose tests pass, a backtest, a changed version that is
// compared, and a trial in two towns.
func TestAnAuthorsWay(t *testing.T) {
	commands := commandsOf(t, "../../docs/rules.md", "## From something odd to a rule at work")
	y, m, d := time.Now().In(calendar.JST()).AddDate(0, 0, -2).Date()
	night := time.Date(y, m, d, 23, 30, 0, 0, calendar.JST())
	t.Chdir(filepath.Dir(signIns(t, "data", night)))
	step := func(want ...string) string {
		t.Helper()
		if len(commands) == 0 {
			t.Fatal("the documentation has no more commands")
		}
		var out, errs bytes.Buffer
		if err := Run(t.Context(), commands[0], IO{In: strings.NewReader(""), Out: &out, Err: &errs}); err != nil {
			t.Fatalf("mimamori %s: %v", strings.Join(commands[0], " "), err)
		}
		for _, w := range want {
			if !strings.Contains(out.String()+errs.String(), w) {
				t.Errorf("mimamori %s: no %q in\n%s%s", strings.Join(commands[0], " "), w, out.String(), errs.String())
			}
		}
		commands = commands[1:]
		return out.String()
	}
	step("5 of 120 events", `"name":"PC1"`)
	step("odd-failures.yaml: a draft")
	file := filepath.Join("rules", "odd-failures.yaml")
	draft, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lint := commands[0]
	if out := must(t, "", lint...); !strings.Contains(out, "title.ja is missing") || !strings.Contains(out, "no owner") || !strings.Contains(out, "respond.en is still as drafted") {
		t.Errorf("%s", out)
	}
	const suppress = "suppress: {by: [municipality, host.name], for: 1h}"
	filled := strings.NewReplacer("attack: []", "attack: [T1110]", "…", "x", suppress, "correlate: {count: 5, by: [municipality, host.name], within: 5m}",
		`- {"event":{"dataset":"windows.security","outcome":"failure"},"host":{"name":"PC1"}`,
		`- {repeat: 5, every: 10s, "event":{"dataset":"windows.security","outcome":"failure"},"host":{"name":"PC1"}`).Replace(string(draft))
	write(t, file, filled)
	step("1 rules, 0 findings")
	step("1 rules: all tests passed")
	write(t, "line.log", `{"EventTime":"2026-11-20T23:40:00+09:00","Hostname":"PC1","EventID":4625,"Channel":"Security","SourceName":"Microsoft-Windows-Security-Auditing","TargetUserName":"sato","IpAddress":"192.0.2.7"}`+"\n")
	step(`event.outcome == "failure"`)
	step("360 events searched", "odd-failures: 2 alerts", night.Format(time.DateOnly), "municipality 131024", "example: ", `"lsass.exe"`) // which the rule does not read
	write(t, filepath.Join("new", "odd-failures.yaml"), strings.Replace(filled, "count: 5,", "count: 50,", 1))
	step("odd-failures: 0 alerts", "0 added, 2 removed, 0 the same")
	step("131016")
	alertsOnTrial(t, file)
	step("odd-failures", "131024")
	step("stable")
	if len(commands) > 0 {
		t.Errorf("not run: %v", commands)
	}
	must(t, "", lint...)
	if _, err := run(t, "", "rules", "new", "odd", "--when", "sorce.ip == 1"); err == nil || !strings.Contains(err.Error(), "did you mean source.ip?") {
		t.Errorf("a mistaken search: %v", err)
	}
}

// alertsOnTrial: the service's engine counts them, marked, in the towns named.
func alertsOnTrial(t *testing.T, file string) {
	t.Helper()
	set, err := rules.Load(os.DirFS(filepath.Dir(file)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(filepath.Join("data", "events"), store.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Search(t.Context(), event.Query{Limit: 1000})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(page.Batch.Events)
	n, engine := 0, rules.NewEngine(set, rules.Options{})
	count := func(a event.Alert) {
		if n++; !a.Test || !slices.Contains([]string{"131016", "131024"}, a.Municipality) {
			t.Errorf("an alert of %q, on trial: %v", a.Municipality, a.Test)
		}
	}
	engine.Evaluate(page.Batch, count)
	engine.Flush(count)
	if n == 0 {
		t.Error("no alert on trial")
	}
}
