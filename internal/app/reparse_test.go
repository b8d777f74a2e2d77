package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/ingest"
	"mimamori/soc/fleet"
)

const acmeFormat = `
name: acme-fw
title: {ja: ACME, en: ACME}
documentation: https://acme.example/logs
module: acme
dataset: acme.fw
recognise: [{keys: [acme_id, src]}]
cut: kv
fields: {acme_id: event.id, src: source.address, dst: destination.address, act: event.action}
set: {event.category: [network], event.type: [connection]}
tests:
  - {name: one, line: 'acme_id=1 src=192.0.2.1 act=drop', expect: {source.ip: 192.0.2.1}}
`

// quarantined is a prefecture that has stored lines of a device that it does
// not know, and the folder where its format belongs.
func quarantined(t *testing.T, lines int) (p *prefecture, formats string) {
	t.Helper()
	formats = t.TempDir()
	p = startPrefecture(t, formats)
	m := p.enrolled("town-a")
	m.run()
	var text strings.Builder
	for i := range lines {
		fmt.Fprintf(&text, "acme_id=%d src=192.0.2.%d dst=198.51.100.7 act=drop\n", i, i%250)
	}
	path := filepath.Join(m.dir, "app.log")
	write(t, path, []byte(text.String()))
	p.becomes("town-a", p.order("town-a", fileOrder(path)), fleet.Running)
	eventually(t, "the lines are stored", func() bool { return p.count(`has(quarantine)`) == int64(lines) })
	m.stop()
	return p, formats
}

func (p *prefecture) count(text string) int64 {
	p.t.Helper()
	n, err := p.Store().Count(p.t.Context(), event.Query{Text: text})
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// ledger is the account of all sources.
func (p *prefecture) ledger() string {
	var out []string
	for _, e := range p.Status().Entries {
		out = append(out, fmt.Sprintf("%v %+v lost %d doubled %d", e.Key, e.Counts, e.Lost(), e.Duplicates))
	}
	return strings.Join(out, "\n")
}

func (p *prefecture) reparse(ctx context.Context, r Reparse, here bool) (Reread, error) {
	x := Rereader{Config: p.cfg, Here: here, Log: logger(p.t, "command"), Now: time.Now, Tell: func(Reread) {}}
	return x.Run(ctx, r)
}

// done is reparse where it must succeed.
func (p *prefecture) done(r Reparse, here bool) *ingest.Report {
	p.t.Helper()
	out, err := p.reparse(p.t.Context(), r, here)
	if err != nil || out.State != Done || out.Report == nil {
		p.t.Fatalf("%+v: %v", out, err)
	}
	return out.Report
}

// TestAKnownDeviceLeavesTheQuarantine is the way of an operator: lines of an
// unknown device, its format, the running service reads them again.
func TestAKnownDeviceLeavesTheQuarantine(t *testing.T) {
	const lines = 700
	p, formats := quarantined(t, lines)
	if r := p.done(Reparse{}, false); r.Read != lines || r.Changed != 0 || r.Quarantined["no format"] != lines {
		t.Fatalf("without a format %+v", r)
	}
	ledger, frames := p.ledger(), fmt.Sprint(p.Store().Frames())
	write(t, filepath.Join(formats, "acme.yaml"), []byte(acmeFormat))

	r := p.done(Reparse{Dry: true}, false)
	if r.Changed != lines || r.Released["acme-fw"] != lines || len(r.Examples) == 0 || p.count(`has(quarantine)`) != lines {
		t.Fatalf("dry run %+v", r)
	}
	out, err := p.reparse(t.Context(), Reparse{Municipality: tottori}, false)
	if err != nil || out.State != Done || out.Report.Changed != lines || !out.Stale || out.Total != lines {
		t.Fatalf("%+v: %v", out, err)
	}
	check := func(when string) {
		t.Helper()
		if n := p.count(""); n != lines {
			t.Errorf("%s: %d events of %d", when, n, lines)
		}
		if n := p.count(`event.dataset == "acme.fw" && inCIDR(source.ip, "192.0.2.0/24") && event.action == "drop" && municipality == "312011" && has(received) && has(log.file.path)`); n != lines {
			t.Errorf("%s: %d events are found by their fields", when, n)
		}
		if n, err := p.Store().Duplicates(t.Context()); n != 0 || err != nil || p.count(`has(quarantine)`) != 0 {
			t.Errorf("%s: %d doubles, %v", when, n, err)
		}
		if got := p.ledger(); got != ledger || fmt.Sprint(p.Store().Frames()) != frames {
			t.Errorf("%s: ledger\n%s\nbefore\n%s", when, got, ledger)
		}
	}
	check("after")
	if r := p.done(Reparse{}, false); r.Read != 0 {
		t.Errorf("there is still quarantine: %+v", r)
	}
	if r := p.done(Reparse{Dataset: "acme.fw"}, false); r.Read != lines || r.Same != lines {
		t.Errorf("a second time changes %+v", r)
	}
	if r := p.done(Reparse{Where: `event.id == "7"`, From: time.Now().Add(-time.Hour)}, false); r.Read != 1 || r.Same != 1 {
		t.Errorf("%+v", r)
	}
	if files, _ := filepath.Glob(filepath.Join(p.cfg.Data, "reparse", "request*")); len(files) > 0 {
		t.Errorf("left over: %v", files)
	}
	p.stop()
	p.start()
	check("after a restart")
	if out, err := p.reparse(t.Context(), Reparse{}, false); err != nil || out.Stale {
		t.Errorf("after a restart %+v: %v", out, err)
	}
}

// TestWithoutAServiceTheCommandDoesTheWork stops it in the middle, too.
func TestWithoutAServiceTheCommandDoesTheWork(t *testing.T) {
	const lines = 300
	p, formats := quarantined(t, lines)
	p.stop()
	write(t, filepath.Join(formats, "acme.yaml"), []byte(acmeFormat))
	if out, err := p.reparse(t.Context(), Reparse{}, false); !errors.Is(err, ErrNoService) || out.State != Failed {
		t.Errorf("without a configuration: %+v: %v", out, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	x := Rereader{Config: p.cfg, Here: true, Log: logger(t, "command"), Now: time.Now, Tell: func(Reread) { cancel() }}
	out, err := x.Run(ctx, Reparse{})
	if out.State != Stopped || err == nil || out.Report.Changed != 0 {
		t.Errorf("%+v: %v", out, err)
	}
	desk := reparseDesk{reparseDir(p.cfg.Data), time.Now}
	if err := writeJSON(filepath.Join(desk.dir, requestFile), asked{ID: "old"}); err != nil {
		t.Fatal(err)
	}
	if r := p.done(Reparse{}, true); r.Changed != lines {
		t.Errorf("%+v", r)
	}
	if q, err := desk.request(); q != nil || err != nil {
		t.Errorf("the old request stands: %+v %v", q, err)
	}
	p.start()
	if n := p.count(`event.dataset == "acme.fw"`); n != lines || p.count("") != lines {
		t.Errorf("%d of %d", n, lines)
	}
}

// TestARequestWaitsForTheService leaves one while no service runs, as a command
// does whose service ended.
func TestARequestWaitsForTheService(t *testing.T) {
	const lines = 100
	p, formats := quarantined(t, lines)
	p.stop()
	write(t, filepath.Join(formats, "acme.yaml"), []byte(acmeFormat))
	desk := reparseDesk{reparseDir(p.cfg.Data), time.Now}
	if err := writeJSON(filepath.Join(desk.dir, requestFile), asked{ID: "1"}); err != nil {
		t.Fatal(err)
	}
	p.start()
	out, err := desk.follow(t.Context(), "1", func(Reread) {})
	if err != nil || out.State != Done || out.Report.Changed != lines {
		t.Errorf("%+v: %v", out, err)
	}
}

func TestARequestThatKillsTheServiceIsGivenUp(t *testing.T) {
	p := startPrefecture(t)
	desk := reparseDesk{reparseDir(p.cfg.Data), time.Now}
	if err := writeJSON(filepath.Join(desk.dir, answerFile), answered{ID: "1", Starts: maxStarts, Reread: Reread{State: Running}}); err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(filepath.Join(desk.dir, requestFile), asked{ID: "1"}); err != nil {
		t.Fatal(err)
	}
	out, err := desk.follow(t.Context(), "1", func(Reread) {})
	if err == nil || out.State != Failed || !strings.Contains(out.Error, "given up") {
		t.Errorf("%+v: %v", out, err)
	}
	if out, err := p.reparse(t.Context(), Reparse{}, false); err != nil || out.State != Done {
		t.Errorf("the next one: %+v %v", out, err)
	}
}

func TestAMistakeInARequestIsAnswered(t *testing.T) {
	p := startPrefecture(t)
	for name, r := range map[string]Reparse{
		"--where":        {Where: `event.dataset = "x"`},
		"--municipality": {Municipality: "1"},
		"no-such-folder": {Formats: []string{"/no-such-folder"}},
	} {
		if out, err := p.reparse(t.Context(), r, false); err == nil || out.State != Failed || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %+v: %v", name, out, err)
		}
	}
}

// TestTheRequestIsTheLeash removes the request while work goes on, and asks for
// something else meanwhile.
func TestTheRequestIsTheLeash(t *testing.T) {
	desk := reparseDesk{t.TempDir(), time.Now}
	if err := writeJSON(filepath.Join(desk.dir, requestFile), asked{ID: "1", Reparse: Reparse{Dataset: "a"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := desk.ask(t.Context(), asked{Reparse: Reparse{Dataset: "b"}}, func(Reread) {}); err == nil || !strings.Contains(err.Error(), `"dataset":"a"`) {
		t.Errorf("two at a time: %v", err)
	}
	// A command that ends withdraws what it follows, also somebody else's.
	ctx, cancel := context.WithCancel(t.Context())
	out, err := desk.ask(ctx, asked{Reparse: Reparse{Dataset: "a"}}, func(r Reread) {
		if r.State != Waiting {
			t.Errorf("%+v", r)
		}
		cancel()
	})
	if err != nil || out.State != Stopped {
		t.Errorf("%+v: %v", out, err)
	}
	if _, err := os.Stat(filepath.Join(desk.dir, requestFile)); !os.IsNotExist(err) {
		t.Errorf("the request stands: %v", err)
	}
}

// TestWorkEndsWhenItsRequestIsGone has work that ends only when it is stopped.
func TestWorkEndsWhenItsRequestIsGone(t *testing.T) {
	p := startPrefecture(t)
	desk := reparseDesk{t.TempDir(), time.Now}
	if err := writeJSON(filepath.Join(desk.dir, requestFile), asked{ID: "2"}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var far atomic.Pointer[Reread]
	far.Store(&Reread{State: Running, Read: 7})
	if err := p.watchRequest(desk, &answered{ID: "1"}, &far, ended, sync.OnceFunc(func() { close(ended) })); err != nil {
		t.Fatal(err)
	}
	if a, err := desk.answer(); err != nil || a.Read != 7 || a.State != Running || a.At.IsZero() {
		t.Errorf("%+v: %v", a, err)
	}
}
