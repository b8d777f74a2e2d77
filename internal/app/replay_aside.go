package app

import (
	"context"
	"fmt"
	"path/filepath"

	"mimamori/archive"
	"mimamori/frame"
	"mimamori/store"
)

// putAside takes out segments that can't be read in full, where the archive has
// all that they account for: then nothing is lost by that, and all of it is
// stored again. Others stay, since the rest of them can be read.
func (w *replaying) putAside(ctx context.Context) error {
	ailing, err := w.store.Check(ctx)
	if err != nil || len(ailing) == 0 {
		return err
	}
	archived := frame.NewLedger()
	err = archive.InOrder(ctx, w.dir, archive.Selection{}, func(i *archive.Item) error {
		if w.keys.Opens(&i.Entry) == nil {
			archived.Fill(archived.Entry(i.Sequence(), i.Municipality, ""), spanOf(&i.Entry))
		}
		return nil
	}, func(archive.Damaged) error { return nil })
	if err != nil {
		return err
	}
	for _, a := range ailing {
		if gone := notIn(archived, a.Frames); gone != "" {
			w.out.Left = append(w.out.Left, fmt.Sprintf("%s: %s; the archive can't give %s", filepath.Base(a.File), a.Reason, gone))
			continue
		}
		if err := w.store.PutAside(a); err != nil {
			return err
		}
	}
	return nil
}

// notIn names the first range that a ledger has not whole; "": it has all.
func notIn(l *frame.Ledger, ranges []store.FrameRange) string {
	for _, r := range ranges {
		k := frame.Key{Collector: r.Collector, Source: r.Source, Epoch: r.Epoch}
		if !l.Has(k, frame.Range{First: r.First, Last: r.Last}) {
			return fmt.Sprintf("all of %s/%s/%d seq %d-%d", r.Collector, r.Source, r.Epoch, r.First, r.Last)
		}
	}
	return ""
}

// nowWhole says which files that were set aside are not needed any more.
func (w *replaying) nowWhole() error {
	if !w.r.Missing {
		return nil
	}
	lost, err := w.store.Lost()
	if err != nil {
		return err
	}
	for _, l := range lost {
		switch {
		case l.Frames == nil: // nobody knows what it had: it is needed until nothing is missing
			if !w.out.Whole() || !w.r.all() {
				w.out.Still = append(w.out.Still, l.File)
				continue
			}
			fallthrough
		case len(l.Frames) == 0:
			w.out.SetAside = append(w.out.SetAside, l.File)
		default:
			w.out.Still = append(w.out.Still, l.File)
		}
	}
	return nil
}

// all tells whether nothing is left out.
func (r *Replay) all() bool {
	return r.From.IsZero() && r.To.IsZero() && r.Municipality == "" && r.Collector == "" && r.Source == ""
}
