package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatCannotComeBackIsNamed destroys a month's key, damages the archive and
// takes a day out of it.
func TestWhatCannotComeBackIsNamed(t *testing.T) {
	p := newPast(t, 5, 2)
	p.live()
	want := p.rows(p.cfg.Data)
	days, err := filepath.Glob(filepath.Join(p.cfg.Data, "archive", "*", "*.frames"))
	if err != nil || len(days) != pastTowns {
		t.Fatal(days, err)
	}
	town := func(i int) string { return filepath.Base(filepath.Dir(days[i])) }
	of := func(code string) (n int) {
		for _, js := range want {
			if strings.Contains(js, `"municipality":"`+code+`"`) {
				n++
			}
		}
		return n
	}

	t.Run("erased", func(t *testing.T) {
		q := p.copied()
		removeAll(t, filepath.Join(q.cfg.Data, "events"))
		files := q.cfg.ArchiveFiles()
		keys, err := files.OpenKeys()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Destroy(town(1), "2026-11"); err != nil {
			t.Fatal(err)
		}
		out, err := q.rereader(nil).Replay(t.Context(), Replay{Missing: true})
		r := out.Replay
		if err != nil || r.Whole() || r.Erased[town(1)+" 2026-11"] == 0 || len(r.Unopened)+len(r.Incomplete) > 0 {
			t.Errorf("%+v %v", r, err)
		}
		if got := len(q.rows(q.cfg.Data)); got != len(want)-of(town(1)) {
			t.Errorf("%d rows of %d", got, len(want))
		}
	})
	t.Run("a file of the archive is gone", func(t *testing.T) {
		q := p.copied()
		removeAll(t, filepath.Join(q.cfg.Data, "events"))
		remove(t, filepath.Join(q.cfg.Data, "archive", town(0), filepath.Base(days[0])))
		out, err := q.rereader(nil).Replay(t.Context(), Replay{Missing: true})
		r := out.Replay
		if err != nil || r.Whole() || len(r.Incomplete) != 2 || r.Incomplete[0].Municipality != town(0) || r.Incomplete[0].First != 1 {
			t.Errorf("%+v %v", r, err)
		}
		if got := len(q.rows(q.cfg.Data)); got != len(want)-of(town(0)) {
			t.Errorf("%d rows of %d", got, len(want))
		}
	})
	t.Run("a record is damaged", func(t *testing.T) {
		q := p.copied()
		removeAll(t, filepath.Join(q.cfg.Data, "events"))
		name := filepath.Join(q.cfg.Data, "archive", town(2), filepath.Base(days[2]))
		flip(t, name, 600)
		out, err := q.rereader(nil).Replay(t.Context(), Replay{Missing: true})
		r := out.Replay
		if err != nil || r.Whole() || len(r.Damaged) != 1 || !strings.Contains(r.Damaged[0], name) || len(r.Incomplete) != 1 || r.Uncertain == 0 {
			t.Errorf("%+v %v", r, err)
		}
		if got := q.rows(q.cfg.Data); len(got) >= len(want) || len(got) < len(want)-30 {
			t.Errorf("%d rows of %d", len(got), len(want))
		}
		// What the archive can't give is not taken out of the store.
		q = p.copied()
		flip(t, q.segmentFiles1(), 40)
		flip(t, filepath.Join(q.cfg.Data, "archive", town(2), filepath.Base(days[2])), 600)
		out, err = q.rereader(nil).Replay(t.Context(), Replay{Missing: true})
		if err != nil || len(out.Replay.Left) != 1 || out.Replay.Stored != 0 {
			t.Errorf("%+v %v", out.Replay, err)
		}
		if _, err := os.Stat(q.segmentFiles1()); err != nil {
			t.Error(err)
		}
	})
	t.Run("the operator's key is elsewhere", func(t *testing.T) {
		q := p.copied()
		removeAll(t, filepath.Join(q.cfg.Data, "events"))
		key := filepath.Join(q.cfg.Data, "archive.key")
		elsewhere := filepath.Join(t.TempDir(), "safe.key")
		if err := os.Rename(key, elsewhere); err != nil {
			t.Fatal(err)
		}
		if out, err := q.rereader(nil).Replay(t.Context(), Replay{Missing: true}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%+v %v", out, err)
		}
		if _, err := os.Stat(key); err == nil {
			t.Error("a key was made")
		}
		if r := q.replay(Replay{Missing: true, Operator: elsewhere}).Replay; !r.Whole() {
			t.Errorf("%+v", r)
		}
		q.alike("with the key", q.rows(q.cfg.Data), want)
	})
}

// segmentFiles1 is the one segment of a past without a stop.
func (p *past) segmentFiles1() string {
	p.t.Helper()
	names, err := filepath.Glob(filepath.Join(p.cfg.Data, "events", "seg-*.parquet"))
	if err != nil || len(names) != 1 {
		p.t.Fatal(names, err)
	}
	return names[0]
}
