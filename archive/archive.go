package archive

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"mimamori/frame"
	"mimamori/internal/lock"
	"mimamori/internal/whole"
)

// Config opens an archive to write to.
type Config struct {
	Dir  string
	Keys *Keys
	Sign ed25519.PrivateKey // signs manifests and heads
	Now  func() time.Time
	Log  *slog.Logger
	Sink Sink // nil for none
}

// Archive is an archive that is written to, by one process at a time.
type Archive struct {
	cfg    Config
	unlock func()

	mu         sync.Mutex // guards what Append needs
	have       *frame.Ledger
	collectors map[string]string // public keys as a manifest lists them, by collector
	journal    *journal
	full       []part // journals that wait to be moved
	closed     string // no frame goes to this day any more, nor to those before
	buf        []byte
	err        error // of the last step

	moving sync.Mutex // guards what follows; taken before mu
	state  *state
}

// Status is the archive's account of itself.
type Status struct {
	Journal int64  // bytes that are not yet in files by day
	Sealed  string // newest day that is over, "" for none
	Err     string // what goes wrong right now, "" when nothing
}

// Open opens the archive, makes it when there is none, and moves what a crash
// left in the journal.
func Open(cfg Config) (*Archive, error) {
	for _, dir := range []string{cfg.Dir, filepath.Join(cfg.Dir, journalDir), filepath.Join(cfg.Dir, headsDir)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
	}
	unlock, err := lock.Dir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	a := &Archive{cfg: cfg, unlock: unlock, have: frame.NewLedger()}
	if err = a.begin(); err != nil {
		unlock()
		return nil, err
	}
	return a, nil
}

func (a *Archive) begin() error {
	if err := a.publish(); err != nil {
		return err
	}
	if err := a.loadState(); err != nil {
		return err
	}
	for _, e := range a.state.Moved {
		a.have.Restore(e)
	}
	for _, l := range a.state.Last {
		a.closed = max(a.closed, l.Day)
	}
	for _, d := range a.state.Days { // a crash came between manifest and state
		if _, err := os.Stat(a.path(d.Municipality, d.Day, manifestSuffix)); err == nil {
			a.closed = max(a.closed, d.Day)
		}
	}
	a.adopt()
	var err error
	if a.full, err = journals(filepath.Join(a.cfg.Dir, journalDir)); err != nil {
		return err
	}
	next := uint64(1)
	if len(a.full) > 0 {
		next = a.full[len(a.full)-1].number + 1
	}
	if a.journal, err = newJournal(filepath.Join(a.cfg.Dir, journalDir), next); err != nil {
		return err
	}
	return a.step()
}

// publish writes down which key signs. Another one than before is refused: it
// would look like a forgery.
func (a *Archive) publish() error {
	path := filepath.Join(a.cfg.Dir, publicFile)
	public, _ := a.cfg.Sign.Public().(ed25519.PublicKey)
	want := fmt.Sprintf("%x\n", []byte(public))
	have, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return whole.Bytes(path, []byte(want))
	}
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	if string(have) != want {
		return fmt.Errorf("archive: %s was signed by %.16s…, the key at hand is %.16s…: bring back the old signing key, or begin another archive in another folder", a.cfg.Dir, have, want)
	}
	return nil
}

func (a *Archive) path(municipality, day, suffix string) string {
	return filepath.Join(a.cfg.Dir, municipality, day+suffix)
}

// Append keeps frames, each once, and returns when they are durable. On an error
// none of them is kept.
func (a *Archive) Append(_ context.Context, frames []Arrival) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.buf = a.buf[:0]
	batch := frame.NewLedger()
	for i := range frames {
		if err := a.seal(&frames[i], batch); err != nil {
			return err
		}
	}
	if len(a.buf) == 0 {
		return nil
	}
	if err := a.note(frames); err != nil {
		return err
	}
	if err := a.journal.write(a.buf); err != nil {
		a.rotate()
		return err
	}
	for _, e := range batch.Entries() {
		for _, r := range e.Ranges {
			a.have.Add(a.have.Entry(e.Key, e.Municipality, e.Zone), r, frame.Counts{})
		}
	}
	return nil
}

// seal appends the record of a frame to buf, unless it is there already; mu is
// held.
func (a *Archive) seal(f *Arrival, batch *frame.Ledger) error {
	h := &f.Frame.Header
	e := Entry{
		Municipality: h.Municipality, Collector: h.Collector, Source: h.Source, Epoch: h.Epoch, First: h.First, Last: h.Last(),
		Kind: h.Kind, Frame: f.Frame.Hash(),
	}
	if a.have.Has(e.Sequence(), e.span()) || batch.Has(e.Sequence(), e.span()) {
		return nil
	}
	if !isCode(e.Municipality) {
		return fmt.Errorf("archive: %s: %q is no municipality's code", e.name(), e.Municipality)
	}
	at := a.cfg.Now()
	if !f.At.IsZero() && f.At.Before(at) {
		at = f.At
	}
	e.Arrived, e.Day = at.UnixMicro(), dayOf(at)
	if e.Day <= a.closed {
		e.Day = dayAfter(a.closed)
	}
	aead, number, err := a.cfg.Keys.forWriting(period{e.Municipality, e.Month()})
	if err != nil {
		return err
	}
	e.Key = number
	if a.buf, err = appendRecord(a.buf, &e, f.Frame.Bytes, aead); err != nil {
		return err
	}
	batch.Add(batch.Entry(e.Sequence(), h.Municipality, h.Zone), e.span(), frame.Counts{})
	return nil
}

// note writes down public keys of collectors that were not known; mu is held.
func (a *Archive) note(frames []Arrival) error {
	var known map[string]string
	for i := range frames {
		id, public := frames[i].Frame.Collector, fmt.Sprintf("%x,", []byte(frames[i].Public))
		have := a.collectors[id]
		if len(frames[i].Public) == 0 || hasKey(have, public) {
			continue
		}
		if known == nil {
			known = maps.Clone(a.collectors)
		}
		if !hasKey(known[id], public) {
			known[id] += public
		}
	}
	if known == nil {
		return nil
	}
	if err := a.saveCollectors(known); err != nil {
		return err
	}
	a.collectors = known
	return nil
}

// rotate begins another journal; the old one waits to be moved. When that fails
// the old one goes on. mu is held.
func (a *Archive) rotate() {
	j := a.journal
	if j.size == 0 && !j.broken {
		return
	}
	next, err := newJournal(filepath.Dir(j.path), j.number+1)
	if err != nil {
		a.err = err
		return
	}
	a.journal, a.full = next, append(a.full, j.part)
	if err := j.file.Close(); err != nil {
		a.cfg.Log.Warn("archive: closing a journal", "err", err)
	}
}

// Status is the account at this moment.
func (a *Archive) Status() Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := Status{Journal: a.journal.size, Sealed: a.closed}
	for _, p := range a.full {
		s.Journal += p.size
	}
	if a.err != nil {
		s.Err = a.err.Error()
	}
	return s
}

// Close moves what is left in the journal and ends.
func (a *Archive) Close() error {
	err := a.step()
	a.mu.Lock()
	defer a.mu.Unlock()
	err = errors.Join(err, a.journal.file.Close())
	if a.journal.size == 0 {
		err = errors.Join(err, os.Remove(a.journal.path))
	}
	a.unlock()
	return err
}
