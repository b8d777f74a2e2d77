package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mimamori/archive"
	"mimamori/frame"
	"mimamori/ingest"
	"mimamori/ingest/enrich"
	"mimamori/internal/lists"
	"mimamori/internal/whole"
	"mimamori/soc"
	"mimamori/soc/erasure"
	"mimamori/store"
)

// replayFiles are the archive's, with the operator's key that a request names.
// Missing keys are no reason to make new ones.
func replayFiles(cfg *Config, r *Replay) (Archive, *archive.Keys, error) {
	a := cfg.ArchiveFiles()
	if cfg.Archive.Off {
		return a, nil, errors.New("アーカイブが無効（archive.off）なので、読み直せるフレームがありません / the archive is off: there are no frames to replay")
	}
	if r.Operator != "" {
		a.Operator = r.Operator
	}
	if r.Passphrase != "" {
		a.Passphrase = r.Passphrase
	}
	for _, path := range []string{a.Dir, a.Keys, a.Operator} {
		if _, err := os.Stat(path); err != nil && !isRecipient(path) {
			return a, nil, fmt.Errorf("archive: %w", err)
		}
	}
	keys, err := a.OpenKeys()
	return a, keys, err
}

// replay does in the service what a request asks for.
func (a *App) replay(ctx context.Context, r Replay, tell func(Reread)) (Reread, string, error) {
	failed := Reread{State: Failed}
	files, keys, err := replayFiles(&a.cfg, &r)
	if err != nil {
		return failed, "", err
	}
	w := &replaying{
		cfg: &a.cfg, r: r, dir: files.Dir, keys: keys, store: a.store, enricher: a.enricher, came: frame.NewLedger(),
		yield: a.yield, tell: tell, now: a.now, log: a.log,
	}
	if r.Rules {
		w.soc, w.recorded = a.soc, a.soc
	}
	if w.ledger, err = a.settled(ctx); err == nil {
		w.keep, err = a.retained(ctx)
	}
	if err != nil {
		return failed, "", err
	}
	for _, e := range w.ledger {
		w.came.Restore(e)
	}
	if err := a.archive.Move(); err != nil {
		return failed, "", err
	}
	return w.run(ctx)
}

// settled is the ledger at this moment, once all that it names was stored: what
// is not stored then is lost, and nobody else is about to store it.
func (a *App) settled(ctx context.Context) ([]*frame.Entry, error) {
	st := a.pipeline.Status()
	for {
		if _, stored := a.pipeline.Progress(); stored >= st.Position {
			return st.Entries, nil
		}
		if err := wait(ctx, deskEvery); err != nil {
			return nil, fmt.Errorf("replay: %w", err)
		}
	}
}

// mostYield is how long a replay lets the live stream go first before it takes
// some frames all the same: it must end even where ingest is always behind.
const mostYield = 10 * time.Second

// yield waits while frames wait for ingest.
func (a *App) yield(ctx context.Context) error {
	for began := a.now(); a.now().Sub(began) < mostYield; {
		state, err := a.frames.State(ctx)
		if taken, _ := a.pipeline.Progress(); err != nil || state.Last <= taken+turnsAhead {
			return ctx.Err() //nolint:wrapcheck // its callers' own
		}
		if err := wait(ctx, deskEvery); err != nil {
			return err
		}
	}
	return nil
}

// Replay takes archived frames again: by the service that has the data folder
// open, or else, with Here, by this process. The account is right even when an
// error comes with it. When ctx ends the work stops; what was done stays, and
// the same request goes on with the rest.
func (x *Rereader) Replay(ctx context.Context, r Replay) (Reread, error) {
	if err := r.check(); err != nil { // before anything is opened
		return Reread{State: Failed}, err
	}
	if _, err := os.Stat(x.Config.ArchiveFiles().Dir); err != nil { // a mistyped folder is not made
		return Reread{State: Failed}, fmt.Errorf("アーカイブがありません / no archive: %w", err)
	}
	return x.do(ctx, asked{Replay: &r}, func(s *store.Store, e *enrich.Enricher) (Reread, error) { return x.replayHere(ctx, r, s, e) })
}

// replayHere works without a service.
func (x *Rereader) replayHere(ctx context.Context, r Replay, s *store.Store, e *enrich.Enricher) (out Reread, err error) {
	failed := Reread{State: Failed}
	files, keys, err := replayFiles(&x.Config, &r)
	if err != nil {
		return failed, err
	}
	if err := x.moveJournal(&files, keys); err != nil {
		return failed, err
	}
	w := &replaying{cfg: &x.Config, r: r, dir: files.Dir, keys: keys, store: s, enricher: e, tell: x.Tell, batch: x.batch, now: x.Now, log: x.Log}
	w.ledger = x.account()
	if w.keep, err = x.retained(ctx); err != nil {
		return failed, err
	}
	if r.Rules {
		alerts, err := soc.Open(ctx, filepath.Join(x.Config.Data, "soc.db"), x.Now)
		if err != nil {
			return failed, err
		}
		defer func() { err = errors.Join(err, alerts.Close()) }()
		w.soc, w.recorded = alerts, alerts
	}
	out, _, err = w.run(ctx)
	return out, err
}

// retained tells what is kept now, by the register that a service left.
func (x *Rereader) retained(ctx context.Context) (k *keeping, err error) {
	k = &keeping{cfg: &x.Config, now: x.Now()}
	path := filepath.Join(x.Config.Data, ErasureFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	register, err := erasure.Open(ctx, erasure.Config{Path: path, Now: x.Now, Log: x.Log})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, register.Close()) }()
	k.held, err = register.OnHold(ctx)
	return k, err
}

// account is the ledger that a service left; one that can't be read is none.
func (x *Rereader) account() []*frame.Entry {
	a, err := ingest.ReadAccount(filepath.Join(x.Config.Data, "ingest"))
	if err != nil {
		x.Log.Warn("the ledger can't be read: what never came to the archive can't be named", "err", err)
	}
	return a.Entries
}

// moveJournal puts what a service left in the archive's journal into files by
// day, as its next start would.
func (x *Rereader) moveJournal(files *Archive, keys *archive.Keys) error {
	waiting, err := archive.Waiting(files.Dir)
	if err != nil || !waiting {
		return err
	}
	if _, err := os.Stat(files.Sign); err != nil {
		return fmt.Errorf("archive: signing key: %w", err)
	}
	sign, err := archive.LoadOrMakeSigner(files.Sign)
	if err != nil {
		return err
	}
	a, err := archive.Open(archive.Config{Dir: files.Dir, Keys: keys, Sign: sign, Now: x.Now, Log: x.Log})
	if err != nil {
		return err
	}
	return a.Close()
}

// asideMark is the file that says what a folder is the result of.
const asideMark = "replay.json"

// ReplayAside takes archived frames again into a folder of its own, events and
// alerts, and compares these with the recorded ones. It works whether or not a
// service runs, and changes nothing of it. The same request goes on in a folder
// that an earlier one was stopped in.
func (x *Rereader) ReplayAside(ctx context.Context, r Replay, dir string) (out Reread, err error) {
	out = Reread{State: Failed}
	if err := r.check(); err != nil {
		return out, err
	}
	files, keys, err := replayFiles(&x.Config, &r)
	if err != nil {
		return out, err
	}
	if err := beginAside(dir, &r); err != nil {
		return out, err
	}
	e, err := OpenEnricher(&x.Config, x.Log)
	if err != nil {
		return out, err
	}
	w := &replaying{cfg: &x.Config, r: r, dir: files.Dir, keys: keys, aside: true, enricher: e, ledger: x.account(), tell: x.Tell, now: x.Now, log: x.Log}
	if w.store, err = store.Open(filepath.Join(dir, "events"), store.Options{Log: x.Log, Now: x.Now}); err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.store.Close()) }()
	if w.soc, err = soc.Open(ctx, filepath.Join(dir, "soc.db"), x.Now); err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.soc.Close()) }()
	record := filepath.Join(x.Config.Data, "soc.db")
	if _, err := os.Stat(record); err == nil {
		if w.recorded, err = soc.Open(ctx, record, x.Now); err != nil {
			return out, err
		}
		defer func() { err = errors.Join(err, w.recorded.Close()) }()
	}
	out, _, err = w.run(ctx)
	return out, err
}

// beginAside makes the folder, or finds that it is of the same request.
func beginAside(dir string, r *Replay) error {
	same := *r
	same.Rate, same.Operator, same.Passphrase = 0, "", ""
	want, err := json.Marshal(&same)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	have, err := os.ReadFile(filepath.Join(dir, asideMark))
	switch {
	case err == nil && strings.TrimSpace(string(have)) == string(want):
		return nil
	case err == nil:
		return fmt.Errorf("%s は別の再生（%s）の結果です。新しいフォルダーを指定してください / %[1]s is the result of another replay: name a new folder", dir, have)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("replay: %w", err)
	}
	if list, err := os.ReadDir(dir); err == nil && len(list) > 0 {
		return fmt.Errorf("%s は空ではありません。新しいフォルダーを指定してください / %[1]s is not empty: name a new folder", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	return whole.Bytes(filepath.Join(dir, asideMark), want)
}

// openLists reads the named lists as the service does.
func openLists(c *Config) (*lists.Lists, error) {
	dir := c.Lists
	if dir == "" {
		dir = filepath.Join(c.Data, "lists")
	}
	return lists.Open(dir)
}
