package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mimamori/collector/agent"
	"mimamori/soc/fleet"
)

// fileOrder collects one file.
func fileOrder(path string) string {
	return fmt.Sprintf("inputs:\n  - {source: app, type: file, paths: [%q]}\nseal: {interval: 20ms}\n", path)
}

func TestAMachineJoinsIsConfiguredAndSends(t *testing.T) {
	p := startPrefecture(t)
	m := p.enrolled("town-a")
	m.run()
	path := filepath.Join(m.dir, "app.log")
	var want int
	add := func(n int) {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for range n {
			want++
			fmt.Fprintf(f, "line %d of many\n", want)
		}
	}
	add(1000)
	p.becomes("town-a", p.order("town-a", fileOrder(path)), fleet.Running)
	for i := range 5 { // each time the collector is stopped and started
		add(500)
		p.becomes("town-a", p.order("town-a", fileOrder(path)+fmt.Sprintf("# %d\n", i)), fleet.Running)
	}
	add(500)
	eventually(t, "every line is stored once", func() bool {
		var stored uint64
		for _, e := range p.Status().Entries {
			if e.Lost() != 0 {
				t.Fatalf("%+v", e)
			}
			stored += e.Stored
		}
		return stored == uint64(want)
	})
	// What was on the line when the collector was stopped may have come again; it is
	// not stored again.
	if n, err := p.Store().Duplicates(t.Context()); n != 0 || err != nil {
		t.Errorf("%d events are stored twice, %v", n, err)
	}
	m.stop()
	m.run() // a restart goes on with the confirmed order
	eventually(t, "the restarted agent runs the confirmed order", func() bool { return m.agent.Collector() != nil })
}

func TestAKeyNeverLeavesItsMachineAndATokenWorksOnce(t *testing.T) {
	p := startPrefecture(t)
	tok := p.invite("town-a", tottori, time.Hour)
	m, thief := newMachine(t), newMachine(t)
	if err := m.enrol(tok.String()); err != nil {
		t.Fatal(err)
	}
	if err := thief.enrol(tok.String()); !errors.Is(err, agent.ErrRefused) {
		t.Errorf("used twice: %v", err)
	}
	if err := m.enrol(tok.String()); !errors.Is(err, agent.ErrEnrolled) {
		t.Errorf("enrolled again over a configuration: %v", err)
	}
	if err := os.Remove(m.config); err != nil {
		t.Fatal(err)
	}
	if err := m.enrol(tok.String()); err != nil { // as if the answer had been lost
		t.Errorf("the same machine with the same token: %v", err)
	}
	short := p.invite("town-b", tottori, 700*time.Millisecond)
	eventually(t, "the invitation has ended", func() bool { return time.Now().After(short.Expires.Add(1500 * time.Millisecond)) })
	if err := thief.enrol(short.String()); !errors.Is(err, agent.ErrRefused) {
		t.Errorf("after its end: %v", err)
	}
	all, err := p.hand.Collectors(t.Context())
	if err != nil || len(all) != 1 || all[0].Public != m.key().Public() {
		t.Errorf("%+v %v", all, err)
	}
	if strings.Contains(string(read(t, filepath.Join(p.cfg.Data, "fleet.db"))), m.key().Seed()) {
		t.Error("the seed is at the prefecture")
	}
}

// TestATokenIsForTheNameInIt changes the name in a token: the name at the
// prefecture counts.
func TestATokenIsForTheNameInIt(t *testing.T) {
	p := startPrefecture(t)
	tok := p.invite("town-a", tottori, time.Hour)
	tok.Collector, tok.Municipality = "other", yonago
	m := newMachine(t)
	if err := m.enrol(tok.String()); err != nil {
		t.Fatal(err)
	}
	all, err := p.hand.Collectors(t.Context())
	if err != nil || len(all) != 1 || all[0].ID != "town-a" || all[0].Municipality != tottori {
		t.Errorf("%+v %v", all, err)
	}
}

func TestTwentyMachinesJoinAtTheSameTime(t *testing.T) {
	p := startPrefecture(t)
	var tokens []string
	for i := range 20 {
		tokens = append(tokens, p.invite(fmt.Sprintf("town-%d", i), tottori, time.Hour).String())
	}
	var wg sync.WaitGroup
	began := time.Now()
	for _, tok := range tokens {
		m := newMachine(t)
		wg.Go(func() {
			if err := m.enrol(tok); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	t.Log("20 enrolments took", time.Since(began))
	all, err := p.hand.Collectors(t.Context())
	if err != nil || len(all) != 20 || len(p.roster.members()) != 20 {
		t.Errorf("%d enrolled, %d known, %v", len(all), len(p.roster.members()), err)
	}
}

func TestABadOrderIsGivenUpByItself(t *testing.T) {
	p := startPrefecture(t)
	m := p.enrolled("town-a")
	m.run()
	path := filepath.Join(m.dir, "app.log")
	write(t, path, []byte("one\n"))
	good := p.order("town-a", fileOrder(path))
	p.becomes("town-a", good, fleet.Running)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range map[string]struct{ text, reason string }{
		"an input that cannot open": {fmt.Sprintf("inputs: [{source: fw, type: syslog, listen: \"tcp://%s\"}]\n", taken.Addr()), "in use"},
		"a lost line":               {fileOrder(path) + "prefecture: {urls: [\"nats://127.0.0.1:1\"], ca: \"\"}\n", "did not answer"},
		"a missing certificate":     {"inputs: [{source: fw, type: syslog, listen: \"tls://127.0.0.1:0\", cert: none.pem, key: none.pem}]\n", "none.pem"},
		"another name":              {"collector: other\n" + fileOrder(path), "stays with the collector"},
		"another key":               {"key: /etc/shadow\n" + fileOrder(path), "stays with the collector"},
		"no YAML":                   {"inputs: [", "order"},
	} {
		v := p.order("town-a", c.text)
		got := p.becomes("town-a", v, fleet.Failed)
		if !strings.Contains(got.Reason, c.reason) {
			t.Errorf("%s: %q", name, got.Reason)
		}
	}
	eventually(t, "the good order runs again", func() bool { return m.agent.Collector() != nil })
	all, err := p.hand.Configs(t.Context(), "town-a")
	if err != nil || all[len(all)-1].State != fleet.Running {
		t.Errorf("%+v %v", all[len(all)-1], err)
	}
	p.becomes("town-a", p.order("town-a", fileOrder(path)+"# after all that\n"), fleet.Running)
}

func TestARevokedCollectorIsOutAtOnceAndForGood(t *testing.T) {
	p := startPrefecture(t)
	m := p.enrolled("town-a")
	path := filepath.Join(m.dir, "app.log")
	write(t, path, bytes.Repeat([]byte("before\n"), 100))
	m.run()
	p.becomes("town-a", p.order("town-a", fileOrder(path)), fleet.Running)
	stored := func() (n uint64) {
		for _, e := range p.Status().Entries {
			n += e.Stored
		}
		return n
	}
	eventually(t, "100 lines", func() bool { return stored() == 100 })
	frames := m.signed(3)

	if err := p.hand.Revoke(t.Context(), "town-a", "suzuki", "stolen"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	eventually(t, "it is cut off", func() bool { return len(p.roster.members()) == 0 })
	if d := time.Since(began); d > soon {
		t.Errorf("it took %s", d)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.WriteString(f, strings.Repeat("after\n", 100)); err != nil {
		t.Fatal(err)
	}
	refused := func() uint64 { return p.Status().Rejected }
	before := refused()
	// Frames that it had signed, injected by somebody with rights: refused too.
	for _, b := range frames {
		if _, err := p.conn.Publish(t.Context(), "frames.312011.town-a.app", b); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the injected frames are refused", func() bool { return refused() == before+uint64(len(frames)) })
	p.stop()
	p.start() // a restart forgets nothing
	for _, b := range frames {
		if _, err := p.conn.Publish(t.Context(), "frames.312011.town-a.app", b); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "they are refused after a restart too", func() bool { return refused() >= before+2*uint64(len(frames)) })
	if stored() != 100 {
		t.Errorf("%d lines stored, 100 were accepted before", stored())
	}
	if err := newMachine(t).enrol(p.invite("town-a", tottori, time.Hour).String()); err != nil {
		t.Errorf("its name may be given to another machine: %v", err)
	}
	eventually(t, "the other one is known", func() bool { return len(p.roster.members()) == 1 })
	if c, _ := p.roster.known("town-a"); c.Public.Equal(m.key().Private().Public()) {
		t.Error("the stolen key is known again")
	}
}
