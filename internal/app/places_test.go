package app

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mimamori/archive"
	"mimamori/event"
	"mimamori/frame"
	"mimamori/ingest"
	"mimamori/internal/calendar"
	"mimamori/soc"
	"mimamori/soc/erasure"
	"mimamori/store"
)

// months are a prefecture's last ones; perMonth lines of each town came in each.
var months = []string{"2026-09", "2026-10", "2026-11"}

const perMonth = 20

func needle(town, month string, i int) string {
	return fmt.Sprintf("needle-%s-%s-%d", town, month, i)
}

// arrive lets a month's lines of a town be archived, stored and made an alert of,
// with the clock in that month.
func (w *town) arrive(town, month string, seq uint64, fw *frame.Writer, public ed25519.PublicKey) {
	w.t.Helper()
	at, err := time.ParseInLocation("2006-01", month, calendar.JST())
	if err != nil {
		w.t.Fatal(err)
	}
	w.clock = at.AddDate(0, 0, 14)
	b, x := new(event.Batch), new(event.Builder)
	for i := range perMonth {
		fw.Add(&frame.Record{Line: needle(town, month, i), Received: w.clock.UnixMicro(), Input: "file"})
		x.Set(event.MustLookup("municipality"), event.String(town))
		x.Set(event.MustLookup("event.dataset"), event.String("test.log"))
		x.Set(event.MustLookup("@timestamp"), event.Time(w.clock.UnixNano()))
		x.Set(event.MustLookup("event.ingested"), event.Time(w.clock.UnixNano()))
		x.Set(event.MustLookup("event.original"), event.String(needle(town, month, i)))
		b.Append(x, event.Ref{Collector: "c-" + town, Source: "fw", Epoch: 1, Seq: seq + uint64(i)})
	}
	f, err := fw.Seal()
	if err != nil {
		w.t.Fatal(err)
	}
	sealed := *f
	sealed.Bytes = bytes.Clone(f.Bytes)
	if err := w.archive.Append(w.t.Context(), []archive.Arrival{{Frame: &sealed, At: w.clock, Public: public}}); err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.Commit(w.t.Context(), store.Commit{Batches: []*event.Batch{b}, Frames: []store.FrameRange{{
		Collector: "c-" + town, Source: "fw", Municipality: town, Epoch: 1, First: seq, Last: seq + perMonth - 1, Stored: perMonth,
	}}}); err != nil {
		w.t.Fatal(err)
	}
	e := &b.Events[0]
	if _, err := w.soc.Insert(w.t.Context(), []event.Alert{{ID: "alert-" + town + month, Rule: "r", Municipality: town, Count: 1, Events: []event.Evidence{{Ref: e.Ref, JSON: e.AppendJSON(nil)}}}}); err != nil {
		w.t.Fatal(err)
	}
}

// readable is what can be read of a data folder's store and alerts: lines and
// evidence by town and month.
func readable(t *testing.T, s *store.Store, alerts *soc.Service) map[string][2]int64 {
	t.Helper()
	out := map[string][2]int64{}
	for _, town := range []string{tottori, yonago} {
		for _, month := range months {
			n, err := s.Count(t.Context(), event.Query{Text: fmt.Sprintf(`event.original contains "needle-%s-%s-"`, town, month)})
			if err != nil {
				t.Fatal(err)
			}
			a, err := alerts.Alert(t.Context(), "alert-"+town+month, nil)
			if err != nil || len(a.Events) != 1 {
				t.Fatal(a.Events, err)
			}
			kept := int64(0)
			if bytes.Contains(a.Events[0].JSON, []byte(needle(town, month, 0))) {
				kept = 1
			} else if !bytes.Contains(a.Events[0].JSON, []byte("erased")) {
				t.Errorf("the alert of %s %s says %s", town, month, a.Events[0].JSON)
			}
			out[town+" "+month] = [2]int64{n, kept}
		}
	}
	return out
}

// holds lists the files below a folder that have a text.
func holds(t *testing.T, dir, text string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(text)) {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestAnErasedMonthIsReadableNowhereAndAllElseStays goes the whole way: two towns,
// three months, a backup made before, one month of one town erased in all places.
func TestAnErasedMonthIsReadableNowhereAndAllElseStays(t *testing.T) {
	w := newTown(t)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for _, town := range []string{tottori, yonago} {
		key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
		public, _ := key.Public().(ed25519.PublicKey)
		fw, err := frame.NewWriter(frame.Header{Collector: "c-" + town, Municipality: town, Zone: "internet", Source: "fw", Epoch: 1}, key)
		if err != nil {
			t.Fatal(err)
		}
		for i, month := range months {
			w.arrive(town, month, uint64(1+i*perMonth), fw, public)
		}
	}
	w.clock = time.Date(2026, 12, 5, 3, 0, 0, 0, time.UTC)
	wg.Go(func() {
		if err := w.pipeline.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	data, to := w.cfg.Data, filepath.Join(t.TempDir(), "backup")
	write(t, filepath.Join(data, "ingest", "quarantine", "000000000007.frame"), []byte("needle-quarantined"))
	write(t, filepath.Join(data, "ingest", "quarantine", "000000000007.json"), []byte(`{"time":"2026-10-09T00:00:00+09:00","subject":"frames.`+tottori+`.c.fw"}`))
	write(t, filepath.Join(data, "ingest", ingest.CheckpointFile), checkpointOf("needle-learned-by-rules", "needle-learned-of-formats"))
	files := w.cfg.ArchiveFiles()
	keys, err := files.OpenKeys()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		saved, err := Backup(ctx, data, to, keys, w.clock.Add(time.Duration(i)))
		if err != nil || saved.Sealed == nil || (saved.Sealed.Copy.New == 0) != (i == 1) || len(saved.Sealed.Copy.Left) > 0 {
			t.Fatalf("%+v %+v %v", saved, saved.Sealed, err)
		}
	}
	for _, text := range []string{"needle", "PAR1", "Rules", "Drift"} {
		if in := holds(t, to, text); len(in) > 0 {
			t.Errorf("the backup has %s in %v", text, in)
		}
	}
	before, frames := readable(t, w.store, w.soc), fmt.Sprint(w.store.Frames())

	scope, erasedKey := erasure.Scope{Municipality: tottori, Month: "2026-10"}, tottori+" 2026-10"
	if _, err := w.places()[0].Erase(ctx, erasure.Scope{Municipality: tottori, Month: "2026-12"}); err == nil {
		t.Error("a month that is not over was erased")
	}
	gone := map[string]int64{}
	for range 2 { // again, it changes nothing
		for _, p := range w.places() {
			n, err := p.Erase(ctx, scope)
			if err != nil {
				t.Fatal(p.Name(), err)
			}
			gone[p.Name()] += n
		}
	}
	if fmt.Sprint(gone) != "map[アラートの証拠 / evidence of alerts:1 保存したログ / event store:20 原本と控えの鍵 / keys of archive and backups:1 受信待ちのデータ / frames that wait:0 検知の記憶 / memory of the rules:0 隔離したデータ / refused frames:1]" {
		t.Error(gone)
	}
	want := map[string][2]int64{}
	for k, n := range before {
		if n != [2]int64{perMonth, 1} {
			t.Fatal(k, n)
		}
		want[k] = n
	}
	want[erasedKey] = [2]int64{}
	if got := readable(t, w.store, w.soc); fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(w.store.Frames()) != frames {
		t.Errorf("readable is %v, want %v", got, want)
	}
	cancel()
	wg.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range perMonth {
		if in := holds(t, data, needle(tottori, "2026-10", i)); len(in) > 0 {
			t.Error("the data folder has what was erased in ", in)
		}
	}
	checkErasedArchive(t, &files)
	checkErasedBackup(t, to, &files, want, frames)
}

// checkErasedArchive opens every frame that can be: all but the erased month's.
func checkErasedArchive(t *testing.T, files *Archive) {
	t.Helper()
	keys, err := files.OpenKeys()
	if err != nil {
		t.Fatal(err)
	}
	r, err := archive.Verify(t.Context(), archive.Check{Dir: files.Dir, Keys: keys})
	if err != nil || !r.Whole() || r.Frames != 6 || r.Opened != 5 || r.Unopened[archive.ErrErased.Error()] != 1 {
		t.Fatalf("%+v %v", r, err)
	}
	lines := 0
	err = archive.Frames(files.Dir, keys, archive.Selection{}, func(_ archive.Entry, f *frame.Frame) error {
		lines += int(f.Count)
		return nil
	}, func(e archive.Entry, err error) error {
		if !errors.Is(err, archive.ErrErased) || e.Municipality != tottori {
			t.Error(e, err)
		}
		return nil
	})
	if err != nil || lines != 5*perMonth {
		t.Error(lines, err)
	}
}

// checkErasedBackup restores the backup made before.
func checkErasedBackup(t *testing.T, from string, files *Archive, want map[string][2]int64, frames string) {
	t.Helper()
	back := filepath.Join(t.TempDir(), "data")
	if _, _, err := Restore(t.Context(), from, back, nil); err == nil {
		t.Error("restored without keys")
	}
	keys, err := files.OpenKeys()
	if err != nil {
		t.Fatal(err)
	}
	_, erased, err := Restore(t.Context(), from, back, keys)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(erased) != fmt.Sprint([]Erased{{}, {tottori, "2026-10", perMonth, 1}}) {
		t.Errorf("%+v", erased)
	}
	s, err := store.Open(filepath.Join(back, "events"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	alerts, err := soc.Open(t.Context(), filepath.Join(back, "soc.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer alerts.Close()
	if got := readable(t, s, alerts); fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(s.Frames()) != frames {
		t.Errorf("restored is %v, want %v; frames %v, want %s", got, want, s.Frames(), frames)
	}
	text := string(read(t, filepath.Join(back, "ingest", ingest.CheckpointFile)))
	if strings.Contains(text, "needle") || !strings.Contains(text, "Position") {
		t.Error(text)
	}
}

// checkpointOf is a pipeline's checkpoint with what rules and drift have learned.
func checkpointOf(rules, drift string) []byte {
	rest := fmt.Sprintf(`{"Position":0,"Parts":[%d,0,%d]}`, len(rules), len(drift)) + "\n" + rules + drift
	return fmt.Appendf(nil, "mimamori checkpoint 3 %08x\n%s", crc32.Checksum([]byte(rest), crc32.MakeTable(crc32.Castagnoli)), rest)
}
