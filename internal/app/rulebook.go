package app

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mimamori/event"
	"mimamori/rules"
)

// rulesEvery is how often the folders of rules and lists are looked at.
const rulesEvery = time.Second

// rulebook is the engine at work, and the next one or a better index for it. The
// pipeline takes that over between two batches, with what the unchanged rules know.
type rulebook struct {
	engine *rules.Engine // the pipeline's
	newest *rules.Engine
	next   atomic.Pointer[rules.Engine]
	choice atomic.Pointer[rules.Choice]
	seen   *rules.Seen
	set    *rules.Set             // of the newest engine
	files  uint64                 // fingerprint of the folders as they were read
	wrong  error                  // with the rules as they were read
	err    atomic.Pointer[string] // why the folders' newest state is not in use; "": it is

	late, evicted atomic.Uint64 // rules.Stats has them

	mu  sync.Mutex
	out map[string]string // suspended rules, and why
}

// suspended notes that a rule is out.
func (r *rulebook) suspended(rule, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out[rule] = why
}

// warnings are what a person should know of the rules.
func (r *rulebook) warnings() (out []string) {
	if why := *r.err.Load(); why != "" {
		out = append(out, why)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rule := range slices.Sorted(maps.Keys(r.out)) {
		out = append(out, "rule "+rule+" is suspended: "+r.out[rule])
	}
	return out
}

// Evaluate runs the rules.
func (r *rulebook) Evaluate(b *event.Batch, emit func(event.Alert)) {
	r.turn()
	r.engine.Evaluate(b, emit)
	s := r.engine.Stats()
	r.late.Store(s.Late)
	r.evicted.Store(s.Evicted)
}

// Advance tells the rules the time.
func (r *rulebook) Advance(now time.Time, emit func(event.Alert)) {
	r.turn()
	r.engine.Advance(now, emit)
}

// Snapshot is what the rules know.
func (r *rulebook) Snapshot() ([]byte, error) { return r.engine.Snapshot() }

// Restore takes over what rules knew.
func (r *rulebook) Restore(b []byte) error { return r.engine.Restore(b) }

// forget takes events out of what the rules know.
func (r *rulebook) forget(gone func(json []byte) bool) int {
	r.turn()
	return r.engine.Forget(gone)
}

func (r *rulebook) turn() {
	if next := r.next.Swap(nil); next != nil {
		next.Adopt(r.engine)
		r.engine = next
		r.mu.Lock()
		clear(r.out) // they have another try
		r.mu.Unlock()
	}
	if choice := r.choice.Swap(nil); choice != nil {
		r.engine.Use(choice)
	}
}

// openLists reads the named lists.
func (a *App) openLists(context.Context) (err error) {
	a.lists, err = openLists(&a.cfg)
	return err
}

// openRulebook loads the rules.
func (a *App) openRulebook() (err error) {
	a.rules = &rulebook{files: fingerprint(a.cfg.Rules), out: map[string]string{}, seen: new(rules.Seen)}
	a.rules.err.Store(new(string))
	a.rules.newest, err = a.newEngine()
	a.rules.engine = a.rules.newest
	return err
}

func (a *App) newEngine() (*rules.Engine, error) {
	set, err := reloadRules(a.rules.set, a.cfg.Rules)
	if err != nil {
		return nil, err
	}
	a.rules.set = set
	a.log.Info("rules", "loaded", len(set.Rules()))
	return rules.NewEngine(set, rules.Options{Lists: a.lists, Log: a.log, Now: a.now, Suspended: a.rules.suspended, Seen: a.rules.seen}), nil
}

// followRules takes on what changes in the folders of rules and lists.
func (a *App) followRules(ctx context.Context) error {
	tick := time.NewTicker(rulesEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			a.refreshRules()
		}
	}
}

// refreshRules reads what has changed. A mistake leaves what runs as it is, and
// is shown until it is mended.
func (a *App) refreshRules() {
	changed, err := a.lists.Reload()
	if len(changed) > 0 {
		a.log.Info("lists read anew", "lists", changed)
	}
	if files := fingerprint(a.cfg.Rules); files != a.rules.files {
		engine, err := a.newEngine()
		if err == nil {
			a.rules.newest = engine
			a.rules.next.Store(engine)
		}
		a.rules.files, a.rules.wrong = files, err
	}
	if a.rules.seen.Ripe() {
		a.rules.choice.Store(a.rules.newest.Choose())
		a.log.Debug("the rules' index is chosen anew, by the events that came")
	}
	var text string
	if err := errors.Join(err, a.rules.wrong); err != nil {
		text = err.Error()
	}
	if text != *a.rules.err.Swap(&text) && text != "" {
		a.log.Error("rules or lists stay as they were", "err", text)
	}
}

// fingerprint changes when a file below the folders does.
func fingerprint(folders []string) uint64 {
	h := fnv.New64a()
	for _, dir := range folders {
		err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
			return err
		})
		if err != nil {
			_, _ = fmt.Fprintln(h, err)
		}
	}
	return h.Sum64()
}
