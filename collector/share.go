package collector

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"
)

// On a share (SMB, NFS) a file's number may change or be another's, a mount may
// vanish and come back, and an open file may go stale. So a file there is what
// its name and content say, it is opened at each look and closed again, and one
// that is not there is not gone: it is remembered until it is found, under its
// name or beside it, or for a week.

// maxMissing is how many files of a share that are not there are remembered.
const maxMissing = 256

// missing deals with a file whose name is not there.
func (in *fileInput) missing(t *tailed) {
	t.close()
	if _, err := os.Lstat(t.at); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	if t.absent.IsZero() {
		t.absent = time.Now()
	}
	if t.off == 0 {
		in.drop(t)
		return
	}
	if time.Since(t.absent) < in.linger && in.elsewhere(t.position(), t) {
		in.drop(t)
		return
	}
	absent := 0
	for _, x := range in.files {
		absent += boolInt(!x.absent.IsZero())
	}
	if time.Since(t.absent) > in.keep || absent > maxMissing {
		in.drop(t)
	}
}

// elsewhere looks for what was in t under another name, and follows it there.
func (in *fileInput) elsewhere(p position, t *tailed) bool {
	for _, c := range slices.Clone(in.files) {
		if c == t || c.gz || c.judged || c.off > 0 || !namesake(p.Path, c.at) {
			continue
		}
		if c.f == nil && in.reopen(c) != nil {
			continue
		}
		if c.is(p) {
			c.judged, c.copied, c.seen = true, nil, stamp{}
			in.pending = append(in.pending, c.mark())
			return true
		}
	}
	c := in.find(p, t)
	if c == nil {
		return false
	}
	in.adopt(c, p.Path, !in.globs.wanted(c.at))
	in.pending = append(in.pending, c.mark())
	return true
}

// wakeGone opens a file again that no glob fits.
func (in *fileInput) wakeGone(t *tailed) {
	if err := in.reopen(t); errors.Is(err, fs.ErrNotExist) {
		if t.absent.IsZero() {
			t.absent = time.Now()
		}
		if time.Since(t.absent) > in.linger && t.ended {
			in.drop(t)
		}
	} else if err != nil {
		in.tell(t.at, err)
	}
}
