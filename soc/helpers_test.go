package soc

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"mimamori/event"
)

// clock is a hand-set clock.
type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

func open(t *testing.T) (*Service, *clock) {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "soc ?#%.db"))
}

func openAt(t *testing.T, path string) (*Service, *clock) {
	t.Helper()
	c := &clock{}
	c.ns.Store(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC).UnixNano())
	s, err := Open(t.Context(), path, c.now)
	if err != nil {
		t.Fatal(err)
	}
	s.cost = argonCost{time: 1, memory: 64, threads: 1}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, c
}

const (
	tottori = "312011"
	yonago  = "312029"
)

func alert(n int, municipality string, sev event.Severity) event.Alert {
	start := time.Date(2026, 11, 22, 8, 0, n, 0, time.UTC)
	return event.Alert{
		ID: event.AlertID("usb-write", "v1", municipality, fmt.Sprint(n), start), Rule: "usb-write", Version: "v1",
		Title: event.Localized{JA: "USBへの書込み", EN: "Write to USB"}, Explain: event.Localized{JA: "禁止です。", EN: "Forbidden."},
		Respond: event.Steps{JA: []string{"本人に電話する"}, EN: []string{"Call the person"}}, Severity: sev, Attack: []string{"T1052.001"},
		Municipality: municipality, Zone: event.ZoneMyNumber, Key: fmt.Sprintf("host.name=JUMIN-%02d", n), Start: start, End: start.Add(time.Minute), Count: 3,
		Events: []event.Evidence{{Ref: event.Ref{Collector: "c1", Source: "s1", Epoch: 1<<63 + 5, Seq: uint64(n) + 1}, JSON: []byte(`{"message":"x"}`)}},
	}
}

func insert(t *testing.T, s *Service, alerts ...event.Alert) {
	t.Helper()
	if n, err := s.Insert(t.Context(), alerts); err != nil || n != len(alerts) {
		t.Fatalf("inserted %d of %d: %v", n, len(alerts), err)
	}
}

func user(t *testing.T, s *Service, name string, role Role, codes ...string) User {
	t.Helper()
	u, err := s.CreateUser(t.Context(), Account{Name: name, Password: "correct horse battery"}, role, codes)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
