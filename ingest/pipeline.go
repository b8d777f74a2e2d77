package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"mimamori/frame"
	"mimamori/ingest/drift"
)

// Pipeline is the way of frames to stored events and alerts.
type Pipeline struct {
	cfg        Config
	quarantine *quarantine
	batches    batchPool

	// The fields below belong to the goroutine of Run, except that status
	// readers see them under mu.
	mu       sync.Mutex
	position uint64
	ledger   *frame.Ledger // what was seen: evaluated by the rules and stored, or about to be
	stored   *frame.Ledger // what the store held at the start
	chains   map[frame.Key]*frame.Chain
	days     *days
	rejected uint64
	broken   uint64
	gauges   gauges
	times    times
	drift    *drift.Drift

	nextCheck time.Time // when a checkpoint may be made again
	unchecked bool      // something was committed since the last one

	group   *group
	forgets chan *forgetting
	through atomic.Uint64 // the stream's frames up to this one are done with
}

// New opens the pipeline where it stopped. Trouble with the checkpoint is
// logged and healed from the store's own account.
func New(cfg Config) (*Pipeline, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
	}
	if cfg.Interval == 0 {
		cfg.Interval = time.Second
	}
	if cfg.Workers == 0 {
		cfg.Workers = 2
	}
	q, err := openQuarantine(filepath.Join(cfg.Dir, "quarantine"))
	if err != nil {
		return nil, err
	}
	daily, err := openDays(filepath.Join(cfg.Dir, daysDir), cfg.Location)
	if err != nil {
		return nil, err
	}
	p := &Pipeline{cfg: cfg, quarantine: q, ledger: frame.NewLedger(), stored: frame.NewLedger(), chains: map[frame.Key]*frame.Chain{}, days: daily, group: &group{}, forgets: make(chan *forgetting)}
	p.times, p.drift = newTimes(cfg.Log), drift.New(cfg.Formats.Sum()+revision())
	for _, s := range cfg.Store.Stored() {
		p.stored.Add(p.stored.Entry(s.key(), s.Municipality, ""), s.span(), s.Counts)
	}
	check, err := loadCheckpoint(p.path())
	if err != nil {
		cfg.Log.Error("checkpoint", "err", err)
	}
	if check == nil {
		p.fresh()
		return p, nil
	}
	p.position, p.rejected, p.broken, p.days.stream = check.Position, check.Rejected, check.Broken, check.Stream
	p.gauges.committed = p.position
	for _, e := range check.Ledger {
		p.ledger.Restore(e)
	}
	for _, c := range check.Chains {
		p.chains[c.Key] = c
	}
	if !p.times.clocks.Restore(check.Clocks) && check.Clocks != nil {
		cfg.Log.Error("what was known of the devices' clocks can't be read; it begins anew")
	}
	if !p.drift.Restore(check.Drift) && check.Drift != nil {
		cfg.Log.Error("what the devices usually send can't be read; it is learned anew")
	}
	if err := cfg.Memory.Restore(check.Rules); err != nil {
		cfg.Log.Error("the state of the rules begins anew", "err", err)
	}
	return p, nil
}

// fresh starts without a checkpoint: what the store holds counts as seen.
func (p *Pipeline) fresh() {
	for _, e := range p.stored.Entries() {
		p.ledger.Restore(e)
	}
}

func (s *Stored) key() frame.Key {
	return frame.Key{Collector: s.Collector, Source: s.Source, Epoch: s.Epoch}
}
func (s *Stored) span() frame.Range { return frame.Range{First: s.First, Last: s.Last} }

// Progress is the last frame taken from the stream, and the last one stored.
func (p *Pipeline) Progress() (taken, stored uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.position, p.gauges.committed
}

func (p *Pipeline) path() string { return filepath.Join(p.cfg.Dir, CheckpointFile) }
