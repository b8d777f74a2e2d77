package app

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/event"
)

const ownRule = `id: town-terminal
title: {en: a terminal of the list}
when: inList(host.name, "watched") && event.action == "ACTION"
correlate: {count: 3, by: [host.name], within: 10m}
`

// TestRulesAndListsAreReadAnewWhileTheyWork: without losing what an unchanged
// rule has counted, and without taking on a mistake.
func TestRulesAndListsAreReadAnewWhileTheyWork(t *testing.T) {
	dir := t.TempDir()
	a := &App{cfg: DefaultConfig(), log: slog.New(slog.DiscardHandler), now: time.Now}
	a.cfg.Rules, a.cfg.Lists = []string{filepath.Join(dir, "rules")}, filepath.Join(dir, "lists")
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	own := strings.Replace(ownRule, "ACTION", "login", 1)
	write("rules/town-terminal.yaml", own)
	if err := a.openLists(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.openRulebook(); err != nil {
		t.Fatal(err)
	}
	at, seq, x := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), uint64(0), new(event.Builder)
	alerts := func(host string) (n int) {
		t.Helper()
		var b event.Batch
		seq++
		at = at.Add(time.Minute)
		x.Set(event.MustLookup("@timestamp"), event.Time(at.UnixNano()))
		x.Set(event.MustLookup("host.name"), event.String(host))
		x.Set(event.MustLookup("event.action"), event.String("login"))
		b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: seq})
		a.rules.Evaluate(&b, func(event.Alert) { n++ })
		a.rules.Advance(at.Add(50*time.Second), func(event.Alert) { n++ })
		return n
	}
	alerts("pc1") // no such list yet
	write("lists/watched.txt", "pc1\n")
	a.refreshRules()
	alerts("pc1")
	alerts("pc1")
	write("rules/another.yaml", strings.ReplaceAll(own, "town-terminal", "another"))
	a.refreshRules()
	if n := alerts("pc1"); n != 1 {
		t.Errorf("%d alerts: the count did not outlive the reload, or nothing was counted before", n)
	}
	write("rules/another.yaml", "id: another\nwhen: sorce.ip == 1\n")
	a.refreshRules()
	write("lists/broken.txt", "\xff\n")
	a.refreshRules()
	write("lists/watched.txt", "pc1\npc2\n") // what is well does not hide what is not
	a.refreshRules()
	if why := strings.Join(a.rules.warnings(), "\n"); !strings.Contains(why, "another.yaml:2:7") || !strings.Contains(why, "broken.txt:1:1") {
		t.Errorf("the mistakes are not told: %s", why)
	}
	at = at.Add(time.Hour)
	if n := alerts("pc1") + alerts("pc1") + alerts("pc1"); n != 2 {
		t.Errorf("%d alerts of the rules before the mistake, want 2", n)
	}
	write("rules/overrides/ssh-brute-force.yaml", "severity: low\nallow: [{when: 'source.ip == \"10.1.2.3\"', owner: sato, reason: scan, expires: 2027-03-31}]\n")
	for _, mistake := range []string{"rules/another.yaml", "lists/broken.txt"} {
		if err := os.Remove(filepath.Join(dir, mistake)); err != nil {
			t.Fatal(err)
		}
	}
	a.refreshRules()
	set, err := LoadRules(a.cfg.Rules)
	if err != nil {
		t.Fatal(err)
	}
	if r := set.Get("ssh-brute-force"); r.Severity != event.Low || len(r.Allow) != 1 {
		t.Errorf("a built-in rule is not overridden: %s, %d exceptions", r.Severity, len(r.Allow))
	}
	at = at.Add(time.Hour)
	if n := alerts("pc1") + alerts("pc1") + alerts("pc1"); n != 1 || len(a.rules.warnings()) != 0 {
		t.Errorf("%d alerts after the rule was removed, %v", n, a.rules.warnings())
	}
}

// TestTheIndexIsChosenBesideTheWork: by the events that came, while others come,
// and the rules find the same.
func TestTheIndexIsChosenBesideTheWork(t *testing.T) {
	a := &App{cfg: DefaultConfig(), log: slog.New(slog.DiscardHandler), now: time.Now}
	a.cfg.Lists = t.TempDir()
	if err := errors.Join(a.openLists(t.Context()), a.openRulebook()); err != nil {
		t.Fatal(err)
	}
	first, x, n := a.rules.newest, new(event.Builder), 0
	send := func() (alerts int) {
		var b event.Batch
		for range 200 {
			n++
			x.Set(event.MustLookup("@timestamp"), event.Time(int64(n)*int64(time.Millisecond)))
			x.Set(event.MustLookup("event.dataset"), event.String("fortinet.fortigate"))
			x.Set(event.MustLookup("message"), event.String("ordinary"))
			b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(n)})
		}
		a.rules.Evaluate(&b, func(event.Alert) { alerts++ })
		return alerts
	}
	for !a.rules.seen.Ripe() {
		if send() > 0 {
			t.Fatal("an ordinary event is an alert")
		}
	}
	chosen := make(chan struct{})
	go func() {
		defer close(chosen)
		a.refreshRules()
	}()
	for more := true; more; {
		select {
		case <-chosen:
			more = false
		default:
		}
		if send() > 0 {
			t.Fatal("an ordinary event is an alert")
		}
	}
	if send(); a.rules.choice.Load() != nil || a.rules.engine != first {
		t.Error("the choice was not taken into use, or the engine changed")
	}
}
