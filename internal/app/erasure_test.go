package app

import (
	"crypto/ed25519"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/archive"
	"mimamori/frame"
	"mimamori/internal/calendar"
	"mimamori/soc"
	"mimamori/soc/erasure"
)

// registry is the program's part that erases, on a clock of its own.
type registry struct {
	*App
	t  *testing.T
	at time.Time
}

func openRegistry(t *testing.T) *registry {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Data = t.TempDir()
	r := &registry{t: t, at: time.Date(2026, 9, 30, 9, 0, 0, 0, calendar.JST())}
	r.App = &App{cfg: cfg, log: slog.New(slog.DiscardHandler), now: func() time.Time { return r.at }}
	r.reopen()
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *registry) reopen() {
	r.t.Helper()
	if err := r.Close(); err != nil {
		r.t.Fatal(err)
	}
	for _, open := range []func() error{
		func() error { return r.openArchive(r.t.Context()) }, func() error { return r.openSOC(r.t.Context()) }, func() error {
			return r.openRegister(r.t.Context(), []erasure.Place{r.place("keys", r.eraseKeys)})
		},
	} {
		if err := open(); err != nil {
			r.t.Fatal(err)
		}
	}
}

// send archives a frame of a town now.
func (r *registry) send(town string, epoch uint64) {
	r.t.Helper()
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	w, err := frame.NewWriter(frame.Header{Collector: "c-" + town, Municipality: town, Zone: "internet", Source: "fw", Epoch: epoch}, key)
	if err != nil {
		r.t.Fatal(err)
	}
	w.Add(&frame.Record{Line: "a line of " + town, Received: r.at.UnixMicro(), Peer: "192.0.2.1", Input: "file"})
	f, err := w.Seal()
	if err == nil {
		err = r.archive.Append(r.t.Context(), []archive.Arrival{{Frame: f, At: r.at, Public: key.Public().(ed25519.PublicKey)}})
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestAnErasedMonthIsUnreadableAndVerifySaysSo(t *testing.T) {
	r := openRegistry(t)
	for i, town := range []string{"312011", "312029"} {
		if _, err := r.soc.CreateUser(t.Context(), soc.Account{Name: "town" + town, Password: "correct horse battery"}, soc.Municipality, []string{town}); err != nil {
			t.Fatal(err)
		}
		r.send(town, uint64(i)+1)
		r.at = r.at.AddDate(0, 0, 1) // in October
		r.send(town, uint64(i)+3)
		r.at = r.at.AddDate(0, 0, -1)
	}
	if _, err := r.soc.CreateUser(t.Context(), soc.Account{Name: "kanri", Password: "correct horse battery"}, soc.Admin, nil); err != nil {
		t.Fatal(err)
	}
	r.at = r.at.AddDate(0, 0, 5)
	r.reopen() // the days are signed
	what := erasure.Scope{Municipality: "312011", Month: "2026-09"}
	id, err := r.erasure.Request(t.Context(), "town312011", what, "誤って送った月")
	if err == nil {
		err = r.erasure.Approve(t.Context(), "kanri", id)
	}
	if err != nil {
		t.Fatal(err)
	}
	files := r.cfg.ArchiveFiles()
	verify := func() *archive.Report {
		t.Helper()
		keys, err := files.OpenKeys()
		if err != nil {
			t.Fatal(err)
		}
		report, err := archive.Verify(t.Context(), archive.Check{Dir: files.Dir, Keys: keys})
		if err != nil || !report.Whole() || report.Frames != 4 {
			t.Fatalf("%+v %v", report, err)
		}
		return report
	}
	if before := verify(); before.Opened != 4 || len(before.Certificates) != 0 {
		t.Errorf("%+v", before)
	}
	for _, wait := range []time.Duration{erasure.DefaultWait - time.Minute, time.Minute, time.Hour} {
		r.at = r.at.Add(wait)
		if err := r.erasure.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	after := verify()
	if after.Opened != 3 || len(after.Certificates) != 1 || after.Certificates[0].Requested != "town312011 (312011)" || after.Certificates[0].Approved != "kanri (prefecture)" {
		t.Errorf("%+v", after)
	}
	list, err := r.erasure.List(t.Context(), &soc.User{Role: soc.Admin})
	if err != nil || list[0].State != erasure.Done || list[0].Removed[0].Count != 1 {
		t.Fatalf("%+v %v", list, err)
	}
	text, err := os.ReadFile(filepath.Join(files.Dir, filepath.FromSlash(list[0].Certificate)))
	if err != nil || !strings.Contains(string(text), "+09:00 312011 town312011\n") || !strings.Contains(string(text), "\nday 2026-09-30 1 ") {
		t.Errorf("%s %v", text, err)
	}
}

func TestAHoldAnswersRetention(t *testing.T) {
	r := openRegistry(t)
	if _, err := r.soc.CreateUser(t.Context(), soc.Account{Name: "kanri", Password: "correct horse battery"}, soc.Admin, nil); err != nil {
		t.Fatal(err)
	}
	since := func(town string) time.Time {
		t.Helper()
		keep, err := r.retained(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return keep.since(town, "squid.access")
	}
	if err := r.erasure.SetHold(t.Context(), "kanri", erasure.Scope{Municipality: "312011", Month: "2026-08"}, "監査"); err != nil {
		t.Fatal(err)
	}
	if !since("312011").IsZero() || since("312029").IsZero() {
		t.Errorf("%v, %v", since("312011"), since("312029"))
	}
	if err := r.erasure.LiftHold(t.Context(), "kanri", 1); err != nil {
		t.Fatal(err)
	}
	if since("312011").IsZero() {
		t.Error("the hold was lifted")
	}
	path := filepath.Join(t.TempDir(), "mimamori.yaml")
	write(t, path, []byte("erasure: {wait: 14 days}\n"))
	if _, err := LoadConfig(path); err == nil || !strings.Contains(err.Error(), path+":1:") {
		t.Errorf("%v", err)
	}
}
