package app

import (
	"database/sql"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mimamori/soc"
	"mimamori/soc/erasure"
	"mimamori/store"
)

func TestAReplayAsideIsTheLiveRun(t *testing.T) {
	p := newPast(t, 1, 5)
	p.live(len(p.tape.msgs)/3, len(p.tape.msgs)/2)
	want, alerts := p.rows(p.cfg.Data), p.recorded(p.cfg.Data)
	repaired := 0
	for _, js := range want {
		if strings.Contains(js, "time-repaired") {
			repaired++
		}
	}
	if len(want) < 3000 || len(alerts) < 5 || repaired < 100 {
		t.Log(len(p.frames), p.frames[0].Count, p.frames[5].Header)
		t.Fatalf("%d events, %d alerts, %d repaired times: this shows nothing", len(want), len(alerts), repaired)
	}
	dir := t.TempDir()
	out, err := p.rereader(nil).ReplayAside(t.Context(), Replay{Around: time.Hour}, dir)
	if err != nil || out.State != Done || !out.Replay.Whole() {
		t.Fatalf("%+v %+v: %v", out, out.Replay, err)
	}
	p.alike("aside", p.rows(dir), want)
	if got := p.recorded(dir); !maps.Equal(got, alerts) {
		t.Errorf("%d alerts, live %d:\n%q\nlive\n%q", len(got), len(alerts), slices.Sorted(maps.Values(got)), slices.Sorted(maps.Values(alerts)))
	}
	if a := out.Replay.Alerts; !a.Compared || a.Same != len(alerts) || len(a.Added)+len(a.Missing) > 0 {
		t.Errorf("%+v", a)
	}
}

// segmentFiles are those of a folder's store.
func (p *past) segmentFiles() []string {
	p.t.Helper()
	names, err := filepath.Glob(filepath.Join(p.cfg.Data, "events", "seg-*.parquet"))
	if err != nil || len(names) < 3 {
		p.t.Fatal(names, err)
	}
	return names
}

func flip(t testing.TB, path string, at int64) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 0x10
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRebuildGivesBackExactlyWhatWasLost damages the store in every way, and
// compares rows, frames and the ledger that is made of them.
func TestRebuildGivesBackExactlyWhatWasLost(t *testing.T) {
	p := newPast(t, 2, 3)
	n := len(p.tape.msgs)
	p.live(n/5, n/3, n/2, n*3/4)
	want, held := p.rows(p.cfg.Data), p.frameList()
	events := func(q *past) string { return filepath.Join(q.cfg.Data, "events") }
	for _, c := range []struct {
		name  string
		spoil func(q *past)
		aside int
	}{
		{"a page", func(q *past) { flip(q.t, q.segmentFiles()[1], 40) }, 1},
		{"a footer", func(q *past) {
			name := q.segmentFiles()[2]
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			flip(q.t, name, info.Size()-60)
		}, 1},
		{"the first and the last", func(q *past) { remove(t, q.segmentFiles()[0]); remove(t, q.segmentFiles()[3]) }, 0},
		{"the store and the ledger", func(q *past) { removeAll(t, events(q)); removeAll(t, filepath.Join(q.cfg.Data, "ingest")) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := p.copied()
			q.t = t
			c.spoil(q)
			r := q.replay(Replay{Missing: true, Around: 24 * time.Hour}).Replay
			if !r.Whole() || len(r.Still) > 0 || len(r.SetAside) != c.aside || r.Uncertain > 0 || r.Wanted != r.Frames || r.Stored == 0 {
				t.Errorf("%+v", r)
			}
			q.alike(c.name, q.rows(q.cfg.Data), want)
			if got := q.frameList(); !slices.Equal(got, held) {
				t.Errorf("frames\n%v\nwere\n%v", got, held)
			}
			if r := q.replay(Replay{Missing: true}).Replay; r.Wanted+r.Stored+r.Commits != 0 {
				t.Errorf("a second time: %+v", r)
			}
			if files, err := filepath.Glob(filepath.Join(events(q), "set-aside", "*.parquet")); err != nil || len(files) != c.aside {
				t.Errorf("set aside: %v %v", files, err)
			}
		})
	}
}

// TestRebuildBringsBackWhatALegalHoldKeeps is a store that is lost when all of it
// is beyond its age, but for a municipality with a hold.
func TestRebuildBringsBackWhatALegalHoldKeeps(t *testing.T) {
	p := newPast(t, 3, 1)
	p.live()
	want := p.rows(p.cfg.Data)
	removeAll(t, filepath.Join(p.cfg.Data, "events"))
	p.cfg.Retention = "1h"
	if r := p.replay(Replay{Missing: true}).Replay; r.Stored > 0 || r.TooOld == 0 {
		t.Fatalf("without a hold: %+v", r)
	}
	s := p.soc(p.cfg.Data)
	_, err := s.CreateUser(t.Context(), soc.Account{Name: "kanri", Password: "correct horse battery"}, soc.Admin, nil)
	if err != nil {
		t.Fatal(err)
	}
	register, err := erasure.Open(t.Context(), erasure.Config{Path: filepath.Join(p.cfg.Data, ErasureFile), Users: s, Now: p.clock})
	if err != nil {
		t.Fatal(err)
	}
	held := p.frames[0].Municipality
	err = register.SetHold(t.Context(), "kanri", erasure.Scope{Municipality: held}, "訴訟")
	if err = errors.Join(err, register.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	for ref := range want {
		if ref.Collector != "col-"+held {
			delete(want, ref)
		}
	}
	if r := p.replay(Replay{Missing: true}).Replay; r.TooOld == 0 || len(want) == 0 {
		t.Errorf("with a hold: %+v", r)
	}
	p.alike("held", p.rows(p.cfg.Data), want)
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func removeAll(t testing.TB, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func (p *past) frameList() []store.FrameRange {
	p.t.Helper()
	s := p.events()
	defer s.Close()
	return s.Frames()
}

// TestReplayInPlace changes a format, loses some of the store and some alerts:
// a first replay mends all of it, a second one changes nothing.
func TestReplayInPlace(t *testing.T) {
	p := newPast(t, 6, 4)
	n := len(p.tape.msgs)
	p.live(n/4, n/2, n*3/4)
	want, alerts := p.rows(p.cfg.Data), p.recorded(p.cfg.Data)
	remove(t, p.segmentFiles()[1])
	gone := p.forget(3)
	whole := Replay{Rules: true, Around: time.Hour}
	out := p.replay(whole)
	a := out.Replay.Alerts
	if out.Report.Changed != 0 || out.Report.Same == 0 || out.Replay.Stored == 0 || a.Inserted != len(gone) || len(a.Added) != len(gone) || a.Same != len(alerts)-len(gone) || len(a.Missing) != 0 {
		t.Errorf("%+v %+v %+v", out.Report, out.Replay, a)
	}
	p.alike("in place", p.rows(p.cfg.Data), want)
	after := p.recorded(p.cfg.Data)
	for id, text := range after {
		if slices.Contains(gone, id) != strings.Contains(text, "[found by replay]") || len(after) != len(alerts) || alerts[id] == "" {
			t.Errorf("alert %s: %s", id, text)
		}
	}
	out = p.replay(whole)
	if a = out.Replay.Alerts; out.Report.Changed != 0 || out.Replay.Stored+out.Replay.Wanted != 0 || a.Inserted != 0 || a.Same != len(alerts) {
		t.Errorf("a second time %+v %+v %+v", out.Report, out.Replay, a)
	}
	if got := p.recorded(p.cfg.Data); !maps.Equal(got, after) {
		t.Errorf("alerts after a second time: %d of %d", len(got), len(after))
	}
	p.alike("a second time", p.rows(p.cfg.Data), want)
	// A part of it only: what begins in the range, and nothing that is half seen.
	part := Replay{Rules: true, Around: 6 * time.Hour, From: pastStart.Add(2 * time.Hour), To: pastStart.Add(3 * time.Hour)}
	if a := p.replay(part).Replay.Alerts; a.Inserted != 0 || len(a.Added)+len(a.Missing) != 0 || a.Same == 0 || a.Same == len(alerts) {
		t.Errorf("a part %+v", a)
	}
}

// forget deletes some alerts, and tells which.
func (p *past) forget(n int) []string {
	p.t.Helper()
	ids := slices.Sorted(maps.Keys(p.recorded(p.cfg.Data)))[:n]
	db, err := sql.Open("sqlite", filepath.Join(p.cfg.Data, "soc.db"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	for _, id := range ids {
		if _, err := db.ExecContext(p.t.Context(), "DELETE FROM alerts WHERE id = ?", id); err != nil {
			p.t.Fatal(err)
		}
	}
	return ids
}
