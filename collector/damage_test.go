package collector

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/frame"
	"mimamori/internal/bus"
	"mimamori/internal/testkit"
)

// flip changes a bit of a file.
func flip(t *testing.T, path string, rnd *rand.Rand) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 0 {
		b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// filesBelow lists the files that have bytes.
func filesBelow(t *testing.T, dir string, keep func(path string) bool) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !keep(path) {
			return err
		}
		if info, err := d.Info(); err == nil && info.Size() > 0 {
			out = append(out, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestFlippedBitsInTheSpoolAreKnown damages the spool of a collector at rest,
// again and again: it starts, no number stands for two lines, no line is read
// twice, and what is lost is in a gap or a hole of the numbering.
func TestFlippedBitsInTheSpoolAreKnown(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 3))
	var lost, arrived int
	for range testkit.Faults(8) {
		l, a := flipOnce(t, rnd)
		lost, arrived = lost+l, arrived+a
	}
	t.Logf("%d lines arrived, %d were lost and known", arrived, lost)
}

func flipOnce(t *testing.T, rnd *rand.Rand) (lost, arrived int) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	l := &line{to: p.conn}
	cfg := config(t, in)
	u := start(t, cfg, key, l)
	want, text := numbered(0, 30) // shipped before the damage
	write(t, path, text)
	u.shipped("files", 30)
	l.down.Store(true)
	for i := range 5 {
		more, text := numbered(100*(i+1), 100)
		want = append(want, more...)
		write(t, path, text)
		eventually(t, "it is spooled", func() bool { return u.Stats().Sources[0].Lines == uint64(30+100*(i+1)) })
	}
	u.stop()
	targets := filesBelow(t, cfg.Data, func(path string) bool {
		return !strings.HasSuffix(path, "lock") && !strings.HasSuffix(path, "mask.key")
	})
	if rnd.IntN(2) == 0 { // what holds the lines, above all
		targets = filesBelow(t, cfg.Data, func(path string) bool { return strings.HasSuffix(path, ".blk") && strings.Contains(path, "SPOOL") })
	}
	hit := targets[rnd.IntN(len(targets))]
	flip(t, hit, rnd)
	l.down.Store(false)
	u = start(t, cfg, key, l)
	more, text := numbered(5000, 10)
	want = append(want, more...)
	write(t, path, text)
	u.shipped("files", 10)
	hit = strings.TrimPrefix(hit, cfg.Data)
	eventually(t, "what is lost is known: "+hit, func() bool { // gaps go their own way
		account := uint64(0)
		account, lost, arrived = known(t, p, want, hit)
		return account == uint64(lost)
	})
	return lost, arrived
}

// known compares what arrived with what was written; account is how many lines
// the prefecture knows to be lost.
func known(t *testing.T, p *prefecture, want []string, hit string) (account uint64, lost, arrived int) {
	t.Helper()
	ledger := frame.NewLedger()
	u, err := frame.NewUnpacker()
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	got := map[string]int{}
	var entry *frame.Entry
	numbers := map[frame.Key]map[uint64]string{}
	for _, f := range p.arrived("files") {
		entry = ledger.Entry(f.Key(), "", "")
		if f.Kind == frame.Gap {
			ledger.Fill(entry, frame.Range{First: f.First, Last: f.Last()})
			continue
		}
		recs, err := u.Unpack(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		if numbers[f.Key()] == nil {
			numbers[f.Key()] = map[uint64]string{}
		}
		for i, r := range recs {
			n := f.First + uint64(i)
			if was, ok := numbers[f.Key()][n]; ok && was != r.Line {
				t.Errorf("%s: number %d stands for two lines", hit, n)
			}
			numbers[f.Key()][n] = r.Line
		}
		if ledger.Add(entry, frame.Range{First: f.First, Last: f.Last()}, frame.Counts{Stored: uint64(len(recs))}) {
			for _, r := range recs {
				got[r.Line]++
			}
		}
	}
	for _, line := range want {
		if got[line] > 1 {
			t.Errorf("%s: %q was read %d times", hit, line, got[line])
		}
		if got[line] == 0 {
			lost++
		} else {
			arrived++
		}
	}
	for _, e := range ledger.Entries() {
		account += e.Lost() + e.Dropped
	}
	return account, lost, arrived
}

func TestSourceGoesOnWhereEitherCopyKnows(t *testing.T) {
	key := newKey(t).Private()
	w, err := frame.NewWriter(frame.Header{Collector: "test", Source: "s", Epoch: 7, First: 11}, key)
	if err != nil {
		t.Fatal(err)
	}
	w.Add(&frame.Record{Line: "x"})
	f, err := w.Seal()
	if err != nil {
		t.Fatal(err)
	}
	entry, err := appendEntry(nil, state{Cursors: map[string]string{"c": "spool"}}, f.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	copyAt := func(epoch, last uint64) *remembered {
		return &remembered{Collector: "test", Epoch: epoch, Last: last, State: state{Cursors: map[string]string{"c": "copy"}}}
	}
	for name, c := range map[string]struct {
		collector   string
		entry       []byte
		mem         *remembered
		epoch, last uint64
		from        string
		first       uint64 // of the gap, 0 for none
	}{
		"both agree":                       {"test", entry, copyAt(7, 11), 7, 11, "spool", 0},
		"a crash came between":             {"test", entry, copyAt(7, 10), 7, 11, "spool", 0},
		"no copy":                          {"test", entry, nil, 7, 11, "spool", 0},
		"the newest is lost":               {"test", entry, copyAt(7, 20), 7, 20, "copy", 12},
		"all is lost":                      {"test", nil, copyAt(7, 20), 7, 20, "copy", 20},
		"the newest is damaged":            {"test", entry[:len(entry)-1], copyAt(7, 11), 7, 11, "copy", 11},
		"a later numbering is lost":        {"test", entry, copyAt(8, 3), 8, 3, "copy", 3},
		"nothing is known":                 {"test", nil, nil, 0, 0, "", 0},
		"the newest is damaged, no copy":   {"test", entry[:len(entry)-1], nil, 0, 0, "", 0},
		"the collector has another name":   {"new", entry, copyAt(7, 11), 0, 0, "spool", 0},
		"the copy is of another collector": {"test", entry, &remembered{Collector: "old", Epoch: 9, Last: 99}, 7, 11, "spool", 0},
	} {
		r := resumeFrom(c.collector, c.entry, c.mem)
		if r.epoch != c.epoch || r.last != c.last || r.state.Cursors["c"] != c.from || (r.gap == nil) != (c.first == 0) {
			t.Errorf("%s: %+v", name, r)
			continue
		}
		if r.gap != nil && (r.gap.First != c.first || r.gap.First+uint64(r.gap.Count)-1 != c.last) {
			t.Errorf("%s: gap %+v", name, r.gap)
		}
	}
}

func TestSecondCopySurvivesATornWrite(t *testing.T) {
	dir := t.TempDir()
	m, was, err := openMemory(dir, "s")
	if err != nil || was != nil {
		t.Fatal(was, err)
	}
	for n := range uint64(5) {
		if err := m.write(&remembered{Collector: "c", Epoch: 1, Last: n + 1}, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.close(); err != nil {
		t.Fatal(err)
	}
	newest := filepath.Join(dir, "sources", "s.0") // 1, 3, 5
	if err := os.Truncate(newest, 40); err != nil {
		t.Fatal(err)
	}
	m, was, err = openMemory(dir, "s")
	if err != nil || was == nil || was.Last != 4 {
		t.Fatal(was, err)
	}
	if m.turn != 0 {
		t.Error("the whole copy would be written over first")
	}
	if err := m.close(); err != nil {
		t.Fatal(err)
	}
}

var _ Publisher = (*bus.Conn)(nil)
