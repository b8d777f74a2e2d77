package collector

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"mimamori/frame"
)

// udpIn is an input whose protocol cannot wait.
func udpIn() Input { return Input{Source: "in", Type: "syslog", Listen: "udp://127.0.0.1:0"} }

// burst sends big datagrams until told to stop, slowly enough for the kernel,
// and returns how many.
func (u *under) burst(send func(string), enough func(SourceStats) bool) (sent uint64) {
	u.t.Helper()
	tick, end := time.NewTicker(300*time.Microsecond), time.After(30*time.Second)
	defer tick.Stop()
	source := func() SourceStats {
		s := u.Stats()
		return s.Sources[slices.IndexFunc(s.Sources, func(x SourceStats) bool { return x.Source == "in" })]
	}
	for ; !enough(source()); sent++ {
		select {
		case <-tick.C:
		case <-end:
			u.t.Fatalf("still not enough: %+v", u.Stats())
		}
		send(noise(int(sent))[:20_000])
	}
	eventually(u.t, "all are taken", func() bool { s := source(); return s.Lines+s.Dropped == sent })
	return sent
}

func TestFullSpoolGivesUpTheOldestOfItsOwnAndSaysSo(t *testing.T) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	l := &line{to: p.conn}
	l.down.Store(true)
	cfg := config(t, in, udpIn())
	cfg.Spool.MaxBytes = 16 << 20
	u := start(t, cfg, key, l)
	want, text := numbered(0, 500)
	write(t, path, text)
	eventually(t, "the file is spooled", func() bool { return u.Stats().Sources[0].Lines == 500 })
	sent := u.burst(stream("udp", nil)(t, u), func(s SourceStats) bool { return s.GivenUp > 200 })
	if size := u.Stats().SpoolSize; size > uint64(cfg.Spool.MaxBytes)+1<<20 { // a frame of each source may be beyond
		t.Errorf("%d bytes in the spool", size)
	}
	u.stop() // what was given up is known after a restart too
	u = start(t, cfg, key, l)
	l.down.Store(false)
	eventually(t, "all is shipped", func() bool { return u.Stats().Queue == 0 })
	sameLines(t, want, fromFiles(t, p)) // another source's frames stay
	eventually(t, "the gap is told", func() bool { _, gaps, _ := p.account("in"); return len(gaps) > 0 })
	recs, gaps, _ := p.account("in")
	lost := uint64(0)
	for _, g := range gaps {
		lost += uint64(g.Count)
		if _, why := g.Gap(); why != reasonFull {
			t.Errorf("reason %q", why)
		}
	}
	if uint64(len(recs))+lost != sent || len(gaps) != 1 || gaps[0].First != 1 {
		t.Errorf("%d records and %d given up in %d gaps, %d sent", len(recs), lost, len(gaps), sent)
	}
	recs = slices.DeleteFunc(recs, func(r frame.Record) bool { return r.Flags&frame.Dropped != 0 }) // on a slow machine
	if last := recs[len(recs)-1].Line; last[:10] < noise(int(sent / 2))[:10] {
		t.Errorf("the newest was given up: %.20q", last)
	}
}

func TestFramesThatAreTooOldAreGivenUp(t *testing.T) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	l := &line{to: p.conn}
	l.down.Store(true)
	cfg := config(t, in)
	cfg.Spool.MaxAge = time.Hour
	clock := newClock()
	u := startAt(t, cfg, key, l, clock.now)
	_, text := numbered(0, 100)
	write(t, path, text)
	eventually(t, "it is spooled", func() bool { return u.Stats().Sources[0].Lines == 100 })
	clock.add(2 * time.Hour)
	want, text := numbered(100, 100)
	write(t, path, text)
	eventually(t, "the old ones are given up", func() bool { return u.Stats().Sources[0].GivenUp == 100 })
	l.down.Store(false)
	u.shipped("files", 200)
	eventually(t, "the gap is told", func() bool { return len(p.arrived("files")) > 1 })
	recs, gaps, _ := p.account("files")
	sameLines(t, want, lines(recs))
	if len(gaps) != 1 || gaps[0].Count != 100 {
		t.Errorf("%d gaps", len(gaps))
	}
	if _, why := gaps[0].Gap(); why != reasonOld {
		t.Errorf("reason %q", why)
	}
}

func TestGapIsOnDiskBeforeTheFramesGo(t *testing.T) {
	dir := t.TempDir()
	sp, err := newSpool(t.Context(), Config{Data: dir, Spool: Spool{MaxBytes: 16 << 20}}, newKey(t).Private(), logger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer sp.close()
	if _, err := sp.resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	w, err := frame.NewWriter(frame.Header{Collector: "test", Source: "in", Epoch: 1}, newKey(t).Private())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		w.Add(&frame.Record{Line: fmt.Sprint(i)})
		f, err := w.Seal()
		if err != nil {
			t.Fatal(err)
		}
		entry, err := appendEntry(nil, state{}, f.Bytes)
		if err == nil {
			_, err = sp.put(t.Context(), "in", entry, f.Bytes)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	o, err := sp.get()
	if err != nil {
		t.Fatal(err)
	}
	run, before, err := sp.oldest(t.Context(), o, "in", func(*frame.Frame, int) bool { return true }, &given{})
	if err != nil || before != 10 { // the tenth carries the state
		t.Fatal(before, err)
	}
	if err := sp.leaveGap(t.Context(), o, run[0], run[len(run)-1], reasonFull); err != nil {
		t.Fatal(err)
	}
	// A crash here leaves both; giving up again makes no second gap of the same.
	g, err := sp.giveUp(t.Context(), "in", reasonFull, func(*frame.Frame, int) bool { return true })
	if err != nil || g.lines != 9 {
		t.Fatal(g, err)
	}
	st, err := o.gaps.State(t.Context())
	if err != nil || st.Messages > 2 {
		t.Fatal(st, err)
	}
	m, err := sp.nextGap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f, err := frame.Parse(m.Data)
	if err != nil || f.First != 1 || f.Last() != 9 {
		t.Fatal(f, err)
	}
}
