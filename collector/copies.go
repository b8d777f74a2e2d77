package collector

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// A log is often copied before it is truncated, or packed after it is renamed.
// The copy, when the globs fit it, is a new file with old lines. So before
// anything is read of a new file, it is compared with those that were read.

// judge tells whether a new file may be read. While it looks like a copy of
// one that is followed, it may not: what of it is new is known when that one is
// truncated or gone.
func (in *fileInput) judge(t *tailed, changed bool) bool {
	if t.copied != nil && (!changed || t.now == t.seen) {
		return false
	}
	size, head := in.extent(t)
	if t.f == nil || size == 0 && !t.gz {
		return false
	}
	t.copied = nil
	for _, o := range in.files {
		switch {
		case o == t || o.gz || !related(o.at, t.at) || !in.isCopy(t, o, size, head):
		case o.ended && size <= o.off && t.is(o.position()): // packed, and nothing more will come
			t.judged = true
			in.pending = append(in.pending, t.mark())
			return true
		default:
			t.copied, t.seen = o, t.now
			return false
		}
	}
	t.judged = true
	for i, x := range in.finished {
		same := in.same(x.info, t.info)
		if (same || size == x.at.Offset && namesake(x.at.Path, t.at)) && t.is(x.at) {
			in.finished = slices.Delete(in.finished, i, i+1)
			in.pending = append(in.pending, t.mark())
			return true
		}
	}
	for i, x := range in.lost {
		if namesake(x.Pos.Path, t.at) && t.is(x.Pos) {
			in.pending = append(in.pending, t.mark())
			in.foundAgain(i)
			return true
		}
	}
	return true
}

// awaited tells whether a file may be a copy of t, or t packed: as long as that
// is not known, t is needed.
func (in *fileInput) awaited(t *tailed) bool {
	return slices.ContainsFunc(in.files, func(x *tailed) bool {
		return x != t && !x.judged && x.seen != x.now && namesake(t.at, x.at)
	})
}

// judgeAgain lets the files that looked like copies of this one be compared
// anew.
func (in *fileInput) judgeAgain(o *tailed) {
	for _, t := range in.files {
		if t.copied == o {
			t.copied, t.seen = nil, stamp{}
		}
	}
}

// related tells whether a file may be a copy of another, by their names: app.log
// of app.log.1, app-20261122.log or app.log.gz.
func related(of, name string) bool {
	return len(filepath.Base(name)) > len(filepath.Base(of)) && namesake(of, name)
}

// namesake tells whether a name begins like another.
func namesake(of, name string) bool {
	return strings.HasPrefix(filepath.Base(name), stem(filepath.Base(of)))
}

// stem is what a name and those that are made of it by rotation have in common:
// app of app.log, app.log of app.log.1 and app.log.1.gz.
func stem(base string) string {
	base = strings.TrimSuffix(base, ".gz")
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// extent is the file's size, unpacked, and its first bytes. A packed file is
// unpacked to its end only when it begins like one that is known.
func (in *fileInput) extent(t *tailed) (int64, []byte) {
	head := make([]byte, headBytes)
	n, err := t.f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) && n == 0 {
		if t.gz {
			in.failed(t, err)
		}
		return 0, nil
	}
	head = head[:n]
	u, ok := t.f.(*unpacked)
	if !ok {
		return t.now.size, head
	}
	if size, err := u.length(); err == nil {
		return size, head
	}
	return int64(n), head // it is damaged: what there is is read
}

// isCopy tells whether t, of which size bytes are there, is a copy of o.
func (in *fileInput) isCopy(t, o *tailed, size int64, head []byte) bool {
	if k := min(len(head), len(o.head)); !bytes.Equal(head[:k], o.head[:k]) {
		return false
	}
	f := o.f
	if f == nil && o.expect == nil {
		again := *o
		if err := in.reopen(&again); err == nil {
			defer again.close()
			if in.cfg.Share || in.same(again.info, o.info) {
				f = again.f
			}
		}
	}
	if f != nil && o.intact(f) {
		info, err := f.Stat()
		if err != nil || size > info.Size() {
			return false
		}
		last := max(0, size-tailBytes)
		return alike(t.f, f, 0, len(head)) && alike(t.f, f, last, int(size-last))
	}
	// What was read of o is no longer there. If t has it, then it is o that must
	// find out first.
	if o.off == 0 || size < o.off {
		return false
	}
	probe := *t
	return probe.is(o.position())
}

// intact tells whether the file still has what was read of it.
func (t *tailed) intact(f content) bool {
	tail := make([]byte, len(t.tail))
	n, err := f.ReadAt(tail, t.off-int64(len(tail)))
	return (err == nil || errors.Is(err, io.EOF)) && n == len(tail) && bytes.Equal(tail, t.tail)
}

// alike compares n bytes of two files.
func alike(a, b content, at int64, n int) bool {
	x, y := make([]byte, n), make([]byte, n)
	i, _ := a.ReadAt(x, at)
	j, _ := b.ReadAt(y, at)
	return i == n && j == n && bytes.Equal(x, y)
}

// truncated begins a file anew; where its old content was copied beside it, or
// renamed, the lines of it that were not yet read are read there.
func (in *fileInput) truncated(t *tailed) {
	old := t.position()
	in.log.Warn("a file was truncated or written anew; it is read from its beginning", "file", t.at, "position", old.Offset)
	t.rewind()
	if info, err := t.f.Stat(); err == nil {
		t.info = info
	}
	t.judged = true
	in.pending = append(in.pending, t.mark())
	found := false
	for _, c := range in.files {
		if !found && c != t && c.f != nil && c.off == 0 && !c.judged && namesake(t.at, c.at) && c.is(old) {
			c.judged, c.copied, found = true, nil, true
			c.seen = stamp{}
			in.pending = append(in.pending, c.mark())
		}
	}
	in.judgeAgain(t)
	if found {
		return
	}
	if c := in.find(old, t); c != nil {
		in.adopt(c, t.path, !in.globs.wanted(c.at))
		in.pending = append(in.pending, c.mark())
		return
	}
	in.lose(old)
}
