package app

import (
	"context"

	"mimamori/archive"
	"mimamori/soc/erasure"
)

// places are what an erasure empties, in this order: first what others can be
// made again from.
func (a *App) places() []erasure.Place {
	return []erasure.Place{dataKeys{a.keys}}
}

// dataKeys are the archive's, without which its frames and their copies can't be
// read.
type dataKeys struct{ keys *archive.Keys }

// Name is how the certificate calls them.
func (dataKeys) Name() string { return "アーカイブの鍵 / keys of the archive" }

// Erase destroys the keys of a month, and counts them.
func (p dataKeys) Erase(_ context.Context, s erasure.Scope) (int64, error) {
	list, err := p.keys.List()
	if err != nil {
		return 0, err
	}
	var n int64
	for _, k := range list {
		if k.Municipality == s.Municipality && k.Month == s.Month && k.State != "erased" {
			n++
		}
	}
	return n, p.keys.Destroy(s.Municipality, s.Month)
}
