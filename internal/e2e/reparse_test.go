package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// appliance is the format that a device's lines wait for in quarantine.
const appliance = `
name: acme-appliance
title: {ja: ACME, en: ACME}
documentation: https://acme.example/logs
module: acme
dataset: acme.appliance
recognise: [{keys: [acme_id, src]}]
cut: kv
fields: {acme_id: event.id, src: source.address, dst: destination.address, act: event.action}
set: {event.category: [network], event.type: [connection]}
tests:
  - {name: one, line: 'acme_id=1 src=192.0.2.1 act=drop', expect: {source.ip: 192.0.2.1}}
`

// reread is what mimamori formats reparse --json prints.
type reread struct {
	State  string
	Report struct{ Read, Changed, Same uint64 }
}

// TestKilledWhileReadingAgainNothingIsLostOrDoubled kills the service again and
// again while it reads lines again; the request stands, and the command waits.
func TestKilledWhileReadingAgainNothingIsLostOrDoubled(t *testing.T) {
	gate(t)
	const lines = 60_000
	s := newSystem(t, fileInputs)
	config, err := os.ReadFile(filepath.Join(s.dir, "mimamori.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("mimamori.yaml", string(config)+"formats: [my]\n")
	if err := os.Mkdir(filepath.Join(s.dir, "my"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.startUp()
	s.startCollector()
	f, err := os.Create(filepath.Join(s.dir, "firewall.log"))
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for i := range lines {
		fmt.Fprintf(w, "acme_id=%d src=192.0.2.%d dst=198.51.100.%d act=drop\n", i, i%250, i%200)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	before := s.settled(lines, 3*time.Minute)
	if before.Quarantined != lines {
		t.Fatalf("%+v", before)
	}
	s.write("my/acme.yaml", appliance)

	command := start(t, s.dir, filepath.Join(binaries, "mimamori"), "formats", "reparse", "--data", s.data, "--json")
	for i := range 3 {
		state := ""
		await(t, time.Minute, "the service works on the request", func() bool {
			var a struct {
				State  string
				Starts int
			}
			b, err := os.ReadFile(filepath.Join(s.dir, s.data, "reparse", "answer.json"))
			if err == nil && json.Unmarshal(b, &a) == nil {
				state = a.State
			}
			return state == "running" && a.Starts > i || state == "done"
		})
		t.Logf("kill %d while it is %s", i+1, state)
		s.up.kill()
		if n := s.query("", 1).Total; n != lines {
			t.Fatalf("kill %d: %d events", i+1, n)
		}
		s.startUp()
	}
	await(t, 2*time.Minute, "the command ends", func() bool {
		select {
		case err := <-command.ended:
			command.ended <- err
			if err != nil {
				t.Fatalf("%v\n%s", err, command.tail())
			}
			return true
		default:
			return false
		}
	})
	after := s.settled(lines, time.Minute)
	if after != before {
		t.Errorf("ledger %+v, before %+v", after, before)
	}
	if n := s.query(`event.dataset == "acme.appliance" && has(source.ip) && !has(quarantine)`, 1).Total; n != lines {
		t.Errorf("%d events are read\n%s", n, command.tail())
	}
	var r reread
	for _, args := range [][]string{{}, {"--dataset", "acme.appliance"}} {
		out := s.run("mimamori", append([]string{"formats", "reparse", "--data", s.data, "--json"}, args...)...)
		if err := json.Unmarshal([]byte(out), &r); err != nil || r.State != "done" || r.Report.Changed != 0 {
			t.Errorf("%v: again %s", args, out)
		}
	}
	if r.Report.Same != lines {
		t.Errorf("%+v", r)
	}
}
