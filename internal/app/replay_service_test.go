package app

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestTheServiceRebuildsAndReplays damages a file under the running service,
// which brings back what it had; after a format was mended, it takes all again.
func TestTheServiceRebuildsAndReplays(t *testing.T) {
	const lines = 400
	p, formats := quarantined(t, lines)
	total, ledger := p.count(""), p.ledger()
	files, err := filepath.Glob(filepath.Join(p.cfg.Data, "events", "seg-*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	flip(t, files[0], 40)
	x := Rereader{Config: p.cfg, Log: logger(t, "command"), Now: time.Now, Tell: func(Reread) {}}
	out, err := x.Replay(t.Context(), Replay{Missing: true})
	if err != nil || out.State != Done || out.Replay.Stored == 0 || !out.Replay.Whole() || len(out.Replay.SetAside) != 1 {
		t.Fatalf("%+v %+v: %v", out, out.Replay, err)
	}
	check := func() {
		t.Helper()
		if n, err := p.Store().Duplicates(t.Context()); n != 0 || err != nil || p.count("") != total || p.ledger() != ledger {
			t.Errorf("%d doubles, %d events of %d, %v\n%s\nwas\n%s", n, p.count(""), total, err, p.ledger(), ledger)
		}
	}
	check()
	if out, err := x.Replay(t.Context(), Replay{Missing: true}); err != nil || out.Replay.Wanted != 0 {
		t.Errorf("a second time %+v: %v", out.Replay, err)
	}
	write(t, filepath.Join(formats, "acme.yaml"), []byte(acmeFormat))
	if out, err = x.Replay(t.Context(), Replay{Rules: true, Municipality: tottori, Rate: 1_000_000}); err != nil || out.Report.Changed != lines || out.Replay.Stored != 0 || out.Replay.Alerts == nil {
		t.Errorf("%+v %+v: %v", out, out.Replay, err)
	}
	if n := p.count(`event.dataset == "acme.fw"`); n != lines {
		t.Errorf("%d of %d", n, lines)
	}
	check()
	p.stop()
	if _, err := os.Stat(filepath.Join(p.cfg.Data, "reparse", requestFile)); err == nil {
		t.Error("the request stands")
	}
	p.start()
	check()
}
