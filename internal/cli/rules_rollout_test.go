package cli

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/internal/app"
	"mimamori/internal/lock"
	"mimamori/rules"
)

const oddRule = `id: odd
title: {en: odd}
status: draft
when: event.action == "odd"
correlate: {count: 2, by: [municipality, host.name], within: 10m}
`

func oddFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "odd.yaml"), []byte(oddRule), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// oddAlerts runs the folder's rules over odd events of three towns, and says
// where there are alerts, those of a test with an asterisk.
func oddAlerts(t *testing.T, dir string) string {
	t.Helper()
	set, err := app.LoadRules([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	found := func(a event.Alert) {
		if a.Rule == "odd" {
			out = append(out, a.Municipality+map[bool]string{true: "*"}[a.Test])
		}
	}
	e, x, b := rules.NewEngine(set, rules.Options{}), new(event.Builder), event.Batch{}
	for i, town := range []string{"131016", "131016", "131024", "131024", "131032", "131032"} {
		x.Set(event.MustLookup("@timestamp"), event.Time(time.Date(2026, 11, 22, 9, 0, i, 0, time.UTC).UnixNano()))
		x.Set(event.MustLookup("event.action"), event.String("odd"))
		x.Set(event.MustLookup("host.name"), event.String("pc1"))
		x.Set(event.MustLookup("municipality"), event.String(town))
		b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(i + 1)})
	}
	e.Evaluate(&b, found)
	e.Flush(found)
	return strings.Join(out, " ")
}

// TestARuleGoesFromDraftToTestInOneTownToStable, and is seen in each step.
func TestARuleGoesFromDraftToTestInOneTownToStable(t *testing.T) {
	dir := oddFolder(t)
	if got := oddAlerts(t, dir); got != "" {
		t.Errorf("a draft has alerts: %s", got)
	}
	out := must(t, "", "rules", "rollout", "odd", "--rules", dir, "--status", "test", "--municipality", "131016", "--by", "sato", "--why", "a first look")
	if !strings.Contains(out, "odd: draft → draft, test in 131016\n") || oddAlerts(t, dir) != "131016*" {
		t.Errorf("%s, alerts in %s", out, oddAlerts(t, dir))
	}
	file := filepath.Join(dir, "overrides", "odd.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("# a person's note\n"+string(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "", "rules", "rollout", "odd", "--rules", dir, "--status", "test", "--municipality", "131024,131016", "--why", "two are better")
	if got := oddAlerts(t, dir); got != "131016* 131024*" {
		t.Errorf("alerts in %s", got)
	}
	list := must(t, "", "rules", "list", "--rules", dir)
	if line := lineOf(list, "odd "); !strings.Contains(line, "draft") || !strings.Contains(line, "131016:test 131024:test") || !strings.HasSuffix(line, "odd.yaml") {
		t.Errorf("%s", line)
	}
	must(t, "", "rules", "rollout", "odd", "--rules", dir, "--status", "stable", "--by", "suzuki", "--why", "nothing wrong in a week")
	if got := oddAlerts(t, dir); got != "131016 131024 131032" {
		t.Errorf("alerts in %s", got)
	}
	if text, err = os.ReadFile(file); err != nil || !strings.HasPrefix(string(text), "# a person's note\n") || strings.Count(string(text), "why: ") != 3 {
		t.Errorf("%v %s", err, text)
	}
	var all []listedRule
	if err := json.Unmarshal([]byte(must(t, "", "rules", "list", "--rules", dir, "--json")), &all); err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if r.ID == "odd" && (r.Status != rules.Stable || len(r.Towns) != 0 || len(r.Changes) != 3 || r.Changes[2].By != "suzuki") {
			t.Errorf("%+v", r)
		}
	}
	must(t, "", "rules", "rollout", "ssh-brute-force", "--rules", dir, "--status", "deprecated", "--municipality", "131016", "--why", "no such servers")
	if line := lineOf(must(t, "", "rules", "list", "--rules", dir), "ssh-brute-force "); !strings.Contains(line, "131016:deprecated") {
		t.Errorf("a built-in rule: %s", line)
	}
	if out := must(t, "", "rules", "lint", "--rules", dir); !strings.Contains(out, "odd.yaml") || !strings.HasPrefix(out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:], "2 rules, ") {
		t.Errorf("overrides of built-in rules stand in the way of lint: %s", out)
	}
}

func lineOf(text, begin string) string {
	for l := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(l, begin) {
			return l
		}
	}
	return ""
}

func TestRolloutRefusesWhatWouldNotWork(t *testing.T) {
	dir := oddFolder(t)
	together := strings.Replace(strings.ReplaceAll(oddRule, "odd", "campaign"), "municipality, ", "", 1)
	together = strings.Replace(together, "draft", "stable", 1)
	if err := os.WriteFile(filepath.Join(dir, "campaign.yaml"), []byte(together), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"did you mean odd?":   {"ood", "--status", "test", "--why", "x", "--rules", dir},
		"not \"tets\"":        {"odd", "--status", "tets", "--why", "x", "--rules", dir},
		"needs --why":         {"odd", "--status", "test", "--rules", dir},
		"needs --rules":       {"odd", "--status", "test", "--why", "x"},
		"check digit":         {"odd", "--status", "test", "--why", "x", "--rules", dir, "--municipality", "131017"},
		"runs in one way":     {"campaign", "--status", "test", "--why", "x", "--rules", dir, "--municipality", "131016"},
		"by whom and why":     {"odd", "--status", "test", "--why", "x\ny", "--rules", dir},
		"accepts 1 arg(s), r": {"--status", "test", "--why", "x", "--rules", dir},
	} {
		if _, err := run(t, "", append([]string{"rules", "rollout"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", args, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "overrides", "*.yaml")); len(left) != 0 {
		t.Errorf("written all the same: %v", left)
	}
}

func TestTwoRolloutsAtOnceDoNotLoseOne(t *testing.T) {
	dir := oddFolder(t)
	unlock, err := lock.Dir(filepath.Join(dir, rules.Overrides))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"rules", "rollout", "odd", "--rules", dir, "--status", "test", "--why", "a trial"}
	if _, err := run(t, "", args...); !errors.Is(err, lock.ErrHeld) {
		t.Errorf("beside another: %v", err)
	}
	unlock()
	if _, err := run(t, "", args...); err != nil {
		t.Error(err)
	}
}
