package collector

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"
)

// wakePacked opens a packed file when nothing has been written to it for a
// while. One at a time is open: each needs memory for what it unpacks. All that
// are looked at together are looked at now, so that those that rest equally
// long are read in the order of their names.
func (in *fileInput) wakePacked(t *tailed, now time.Time) {
	info, err := in.whereabouts(t)
	if err != nil {
		switch {
		case !errors.Is(err, fs.ErrNotExist) || !t.gone:
		case t.absent.IsZero():
			t.absent = now
		case now.Sub(t.absent) > in.linger:
			in.drop(t)
		}
		return
	}
	if stamp := stampOf(info); stamp != t.now || t.still.IsZero() {
		if t.now, t.still = stamp, now; t.f != nil {
			t.close() // written to while it was being read: it is read on when that is over
		}
		return
	}
	busy := slices.ContainsFunc(in.files, func(x *tailed) bool { return x.gz && x.f != nil })
	if t.f != nil || t.now == t.seen || busy || now.Sub(t.still) < in.settle {
		return
	}
	p := t.position()
	if err := in.reopen(t); err != nil {
		in.tell(t.at, err)
		return
	}
	if t.done || t.expect != nil || in.cfg.Share && t.off > 0 { // packed anew, or more was appended, or another file
		if t.done, t.expect = false, nil; !t.is(p) {
			t.rewind()
		}
	}
}

// whereabouts finds a packed file that is not open: it may have another name by
// now, and its name may be another's.
func (in *fileInput) whereabouts(t *tailed) (os.FileInfo, error) {
	info, err := os.Stat(t.at)
	if in.cfg.Share || t.info == nil || err == nil && in.same(t.info, info) {
		return info, err //nolint:wrapcheck // looked at, not shown
	}
	for _, name := range siblings(t.at) {
		if info, err := os.Stat(name); err == nil && in.same(t.info, info) {
			t.at = name
			return info, nil
		}
	}
	if err == nil {
		err = fs.ErrNotExist
	}
	return nil, err //nolint:wrapcheck // looked at, not shown
}

// unpackedAll notes that a packed file was read whole.
func (in *fileInput) unpackedAll(t *tailed) {
	t.done, t.seen = true, t.now
	in.pending = append(in.pending, t.mark())
	t.close()
}
