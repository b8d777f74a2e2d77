package e2e

import (
	"bufio"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the alerts database is read from outside

	"mimamori/internal/calendar"
	"mimamori/internal/sample"
	"mimamori/internal/testkit"
)

// fileInputs are two files: order is kept in each, and a position survives.
const fileInputs = `  - {source: firewall, type: file, paths: [firewall.log]}
  - {source: endpoints, type: file, paths: [endpoints.log]}
`

// feed appends the town's lines to the two files, in steps.
func (s *system) feed(lines int, step func(done int)) error {
	m := sample.New(sample.Towns(1)[0], 99, time.Date(2026, 11, 22, 9, 0, 0, 0, calendar.JST()))
	m.Incidents = 700
	var w [2]*bufio.Writer
	for i, name := range []string{"firewall.log", "endpoints.log"} {
		f, err := os.Create(filepath.Join(s.dir, name))
		if err != nil {
			return err
		}
		defer f.Close()
		w[i] = bufio.NewWriter(f)
	}
	var b []byte
	for n := range lines {
		var kind sample.Kind
		b, kind = m.Append(b[:0])
		out := w[0]
		if kind == sample.Sysmon || kind == sample.Windows {
			out = w[1]
		}
		if _, err := out.Write(append(b, '\n')); err != nil {
			return err
		}
		if n%200 == 199 {
			if err := w[0].Flush(); err != nil {
				return err
			}
			if err := w[1].Flush(); err != nil {
				return err
			}
			step(n)
		}
	}
	return nil
}

// paced feeds with a time between two steps.
func (s *system) paced(lines int, each time.Duration) error {
	pace := time.NewTicker(each)
	defer pace.Stop()
	return s.feed(lines, func(int) { <-pace.C })
}

// epoch is when a source began to count, in an event's identity; it differs
// from one installation to the next.
var epoch = regexp.MustCompile(`/[0-9]{10}/`)

// alerts lists what fired: rule, group, time and count.
func (s *system) alerts() []string {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "prefecture", "soc.db")+"?mode=ro")
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(s.t.Context(), "SELECT rule, municipality, key, start_at, events FROM alerts ORDER BY start_at, rule, key")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var rule, town, key string
		var at, n int64
		if err := rows.Scan(&rule, &town, &key, &at, &n); err != nil {
			s.t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %s [%s] %d ×%d", rule, town, epoch.ReplaceAllString(key, "/"), at, n))
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// TestKilledAtRandomMomentsNothingIsLostDoubledOrMissed kills both programs
// again and again under load. testkit.Faults says how often each.
func TestKilledAtRandomMomentsNothingIsLostDoubledOrMissed(t *testing.T) {
	gate(t)
	kills := testkit.Faults(4)
	lines := max(40_000, 4_000*kills)

	calm := newSystem(t, fileInputs)
	calm.startUp()
	calm.startCollector()
	// As fast as the other run: what waits for long is overtaken by what is new,
	// and what comes too late for a rule is not judged.
	each := time.Duration(kills) * 2 * 400 * time.Millisecond / time.Duration(lines/200)
	if err := calm.paced(lines, each); err != nil {
		t.Fatal(err)
	}
	calm.settled(uint64(lines), 3*time.Minute)
	want := calm.judged()
	calm.col.stop(t)
	calm.up.stop(t)
	if len(want) < 10 {
		t.Fatalf("only %d alerts in the undisturbed run: %v", len(want), want)
	}

	s := newSystem(t, fileInputs)
	s.startUp()
	s.startCollector()
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d, %d lines, %d alerts, %d kills each", seed, lines, len(want), kills)
	var wg sync.WaitGroup
	var fed error
	wg.Go(func() { fed = s.paced(lines, each) })
	for i := range 2 * kills {
		after := time.NewTimer(time.Duration(100+rnd.IntN(600)) * time.Millisecond)
		<-after.C
		if i%2 == 0 {
			s.col.kill()
			s.startCollector()
		} else {
			s.up.kill()
			s.startUp()
		}
	}
	wg.Wait()
	if fed != nil {
		t.Fatal(fed)
	}
	a := s.settled(uint64(lines), 3*time.Minute)
	got := s.judged()
	t.Logf("after %d kills: %+v, %d alerts", 2*kills, a, len(got))
	for _, missing := range without(want, got) {
		t.Errorf("missed: %s", missing)
	}
	for _, extra := range without(got, want) {
		t.Errorf("not in the undisturbed run: %s", extra)
	}
}

// judged returns the alerts when no more come: rules judge what waited by the
// second, and by the clock when nothing comes any more, which is after the last
// line was stored.
func (s *system) judged() (list []string) {
	s.t.Helper()
	same := 0
	await(s.t, time.Minute, "no more alerts", func() bool {
		now := s.alerts()
		if same++; !slices.Equal(now, list) {
			same = 0
		}
		list = now
		return same == 25
	})
	return list
}

// without returns the items of a that b lacks.
func without(a, b []string) []string {
	var out []string
	for _, x := range a {
		if !slices.Contains(b, x) {
			out = append(out, x)
		}
	}
	return out
}
