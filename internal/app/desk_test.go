package app

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/collector"
	"mimamori/collector/agent"
	"mimamori/internal/bus"
	"mimamori/internal/care"
	"mimamori/soc/fleet"
)

// line opens a connection with a machine's own key, as a thief of it could.
func (m *machine) line() *bus.Conn {
	m.t.Helper()
	cfg, err := collector.Load(m.config)
	if err != nil {
		m.t.Fatal(err)
	}
	link, err := collector.NewLink(cfg)
	if err != nil {
		m.t.Fatal(err)
	}
	conn, err := link.Dial(m.t.Context(), m.key(), logger(m.t, "thief"))
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(conn.Close)
	eventually(m.t, "the line stands", conn.Connected)
	return conn
}

// request asks and tells whether there was an answer.
func request(t *testing.T, conn *bus.Conn, subject string, v any) ([]byte, bool) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	out, err := conn.Request(ctx, subject, b)
	return out, err == nil
}

func TestAHeartbeatCountsInItsOwnNameOnly(t *testing.T) {
	p := startPrefecture(t)
	a := p.enrolled("town-a")
	p.enrolled("town-b")
	conn := a.line()
	good := care.Heartbeat{Collector: "town-a", Municipality: tottori, Version: "1"}
	if _, ok := request(t, conn, bus.CareSubject(tottori, "town-a"), good); !ok {
		t.Error("its own heartbeat is not answered")
	}
	other := good
	other.Collector = "town-b"
	if _, ok := request(t, conn, bus.CareSubject(tottori, "town-a"), other); ok {
		t.Error("a heartbeat in another's name was taken")
	}
	if _, ok := request(t, conn, bus.CareSubject(tottori, "town-b"), other); ok {
		t.Error("a heartbeat on another's subject was taken")
	}
	for _, odd := range []any{"x", 5, nil, strings.Repeat("x", care.MaxHeartbeat+1), map[string]any{"sources": strings.Repeat("[", 1000)}} {
		if _, ok := request(t, conn, bus.CareSubject(tottori, "town-a"), odd); ok {
			t.Errorf("%.20v was answered", odd)
		}
	}
	beats, err := p.hand.Beats(t.Context())
	if err != nil || len(beats) != 1 || beats["town-a"].At.IsZero() {
		t.Errorf("%v %v", beats, err)
	}
}

func TestAFloodOfHeartbeatsHurtsNobodyElse(t *testing.T) {
	p := startPrefecture(t)
	a, b := p.enrolled("town-a"), p.enrolled("town-b")
	flood, calm := a.line(), b.line()
	beat, err := json.Marshal(care.Heartbeat{Collector: "town-a", Municipality: tottori, Sources: make([]care.Source, 500)})
	if err != nil {
		t.Fatal(err)
	}
	for range 5000 {
		if err := flood.Send(bus.CareSubject(tottori, "town-a"), beat); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	eventually(t, "the other one is answered", func() bool {
		_, ok := request(t, calm, bus.CareSubject(tottori, "town-b"), care.Heartbeat{Collector: "town-b", Municipality: tottori})
		return ok
	})
	if d := time.Since(began); d > soon {
		t.Errorf("it took %s", d)
	} else {
		t.Log("behind 5,000 others, answered after", d)
	}
}

func TestWhoEnrolsMustHoldTheToken(t *testing.T) {
	p := startPrefecture(t)
	tok, other := p.invite("town-a", tottori, time.Hour), p.invite("town-b", tottori, time.Hour)
	holder, err := bus.ParseKey(tok.Seed)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := bus.ParseKey(other.Seed)
	if err != nil {
		t.Fatal(err)
	}
	own, err := bus.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	stolen, err := bus.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		on string
		r  care.Request
	}{
		"another's invitation on one's own subject": {tok.Invitation, care.NewRequest(other.Invitation, own.Public(), secret.Private(), own.Private())},
		"another's invitation":                      {other.Invitation, care.NewRequest(other.Invitation, own.Public(), holder.Private(), own.Private())},
		"a key that is not held":                    {tok.Invitation, care.NewRequest(tok.Invitation, stolen.Public(), holder.Private(), own.Private())},
		"the token's key as one's own":              {tok.Invitation, care.NewRequest(tok.Invitation, holder.Public(), holder.Private(), holder.Private())},
		"no invitation":                             {"x", care.NewRequest("x", own.Public(), holder.Private(), own.Private())},
		"no key":                                    {tok.Invitation, care.Request{Invitation: tok.Invitation, Public: "U"}},
	} {
		// By the prefecture's own connection: what no rights on the bus would stop.
		out, ok := request(t, p.conn, bus.EnrolSubject(c.on), c.r)
		var w care.Welcome
		if !ok || json.Unmarshal(out, &w) != nil || w.Refused == "" {
			t.Errorf("%s: %s", name, out)
		}
	}
	if all, err := p.hand.Collectors(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%+v %v", all, err)
	}
	if err := newMachine(t).enrol(tok.String()); err != nil {
		t.Errorf("refusals have used up the invitation: %v", err)
	}
}

// TestOnlyTheRightServerGetsTheToken sends a machine to a server with another
// certificate.
func TestOnlyTheRightServerGetsTheToken(t *testing.T) {
	p, false1 := startPrefecture(t), startPrefecture(t)
	tok := p.invite("town-a", tottori, time.Hour)
	tok.URLs = []string{"tls://" + false1.BusAddr()}
	if err := newMachine(t).enrol(tok.String()); err == nil || errors.Is(err, agent.ErrRefused) {
		t.Errorf("it spoke to another server: %v", err)
	}
	plain := p.invite("town-b", tottori, time.Hour)
	plain.CA = nil // trusts the system's authorities, of which this is none
	if err := newMachine(t).enrol(plain.String()); err == nil || errors.Is(err, agent.ErrRefused) {
		t.Errorf("it spoke to a server that nobody vouches for: %v", err)
	}
}

// soon is far less than what the next heartbeat takes, and more than a machine
// does whose disk is busy.
const soon = 15 * time.Second

func TestACommandBesideTheProgramIsFollowedSoon(t *testing.T) {
	p := startPrefecture(t)
	m := p.enrolled("town-a")
	m.run()
	eventually(t, "it is heard", func() bool {
		beats, err := p.hand.Beats(t.Context())
		return err == nil && len(beats) == 1
	})
	began := time.Now()
	v := p.order("town-a", fileOrder(filepath.Join(m.dir, "a.log")))
	eventually(t, "the order runs", func() bool { return m.agent.Collector() != nil })
	if d := time.Since(began); d > soon {
		t.Errorf("an order took %s", d)
	} else {
		t.Log("an order took", d)
	}
	p.becomes("town-a", v, fleet.Running)
	began = time.Now()
	if err := p.hand.Revoke(t.Context(), "town-a", "suzuki", "test"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is cut off", func() bool { return len(p.roster.bus()) == 0 || len(p.roster.members()) == 0 })
	if d := time.Since(began); d > soon {
		t.Errorf("a revocation took %s", d)
	} else {
		t.Log("a revocation took", d)
	}
}
