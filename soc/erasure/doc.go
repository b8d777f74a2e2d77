// Package erasure destroys a municipality's month of logs for good: a request, the
// approval of a person of another organisation, a waiting time, then every place
// that holds the month is emptied, and a signed certificate says so. Retention
// of the archive goes the same way, by a standing approval of both sides.
//
// State is in a SQLite file of its own; every act is on disk when its call
// returns, and in a journal that nothing rewrites, what was refused included.
// A place that fails, or a crash at any step, costs a later try and nothing
// else: Run begins with the first place again until all say in one pass that
// nothing is left. A legal hold stops whatever has not happened yet.
package erasure

import "context"

// Scope is what one erasure takes: all that arrived from a municipality in a
// month of the archive (2026-11, in Japan's time).
type Scope struct {
	Municipality string `json:"municipality"`
	Month        string `json:"month"`
}

// Place holds events of a scope: the archive's keys, the store, an engine.
type Place interface {
	// Name is how the certificate calls the place.
	Name() string
	// Erase returns when nothing of the scope can be read from the place any more,
	// and how many things went (keys, events, files). It is called again after an
	// error or a crash, and then finishes what is left.
	Erase(ctx context.Context, s Scope) (int64, error)
}
