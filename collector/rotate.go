package collector

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// look compares the folders with what is being followed.
func (in *fileInput) look() {
	here := map[string]*tailed{}
	for _, t := range in.files {
		if !t.gone {
			here[t.at] = t
		}
	}
	seen := map[*tailed]bool{}
	for _, name := range in.globs.names() {
		if t := in.meet(name, here[name]); t != nil {
			seen[t] = true
		}
	}
	for _, t := range slices.Clone(in.files) {
		switch {
		case seen[t]:
			t.absent = time.Time{}
		case t.gone:
		case in.cfg.Share:
			in.missing(t)
		default:
			t.gone = true // deleted, or renamed to what no glob fits
			in.between(t)
			in.wake(t, nil)
		}
	}
	in.lookAgain()
	now := time.Now()
	for _, t := range slices.Clone(in.files) {
		switch {
		case t.gz && !t.done || t.gz && !t.gone:
			in.wakePacked(t, now)
		case t.gone && t.f == nil && in.cfg.Share:
			in.wakeGone(t)
		case t.gone && t.f == nil && t.absent.IsZero():
			t.absent = now // renamed perhaps, since the folder was listed
		case t.gone && t.f == nil && now.Sub(t.absent) > in.linger && !in.awaited(t):
			in.drop(t)
		}
	}
	in.closeIdle()
	in.looked = true
}

// lookAgain looks for the successors of files that are gone, where a folder has
// changed: one may have come and been renamed between two looks.
func (in *fileInput) lookAgain() {
	for _, t := range slices.Clone(in.files) {
		if !t.gone || t.next || in.succeeded(t) {
			continue
		}
		dir, err := os.Stat(filepath.Dir(t.path))
		if err != nil || dir.ModTime().Equal(t.looked) {
			continue
		}
		in.between(t)
		if time.Since(dir.ModTime()) > time.Second { // else it may change again within the clock's tick
			t.looked = dir.ModTime()
		}
	}
}

// succeeded tells whether the file that took this one's place is known.
func (in *fileInput) succeeded(t *tailed) bool {
	return slices.ContainsFunc(in.files, func(x *tailed) bool { return x.prev == t })
}

// meet looks at one name in a folder; before is the file that had it.
func (in *fileInput) meet(name string, before *tailed) *tailed {
	info, err := os.Stat(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		in.tell(name, err)
		return before // it is still there, as far as anybody knows
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	if before != nil && (in.cfg.Share || in.same(before.info, info)) {
		in.wake(before, info)
		return before
	}
	if t, _ := in.known(info, name); t != nil {
		t.at, t.gone = name, false // renamed
		return t
	}
	if len(in.files) >= maxFiles {
		in.tell(name, errTooMany)
		return nil
	}
	t := in.newTailed(name, name)
	if t.gz {
		t.info = info
	} else if err := in.reopen(t); err != nil {
		in.tell(name, err)
		return nil
	}
	if before != nil && !before.gone {
		before.gone = true
		in.wake(before, nil)
		t.prev = in.between(before)
	} else if last := in.lastOf(name); last != nil {
		t.prev = in.between(last)
	}
	t.after = t.prev
	in.adopt(t, name, false)
	if in.fresh && !in.looked && in.cfg.Start == "end" {
		in.skip(t)
	}
	return t
}

// lastOf finds the file that had the name in an earlier run, or before it was
// deleted.
func (in *fileInput) lastOf(name string) (last *tailed) {
	for _, t := range in.files {
		if t.path == name && t.gone && !t.next {
			last = t
		}
	}
	return last
}

// wake opens a file again that was closed because nothing came.
func (in *fileInput) wake(t *tailed, info os.FileInfo) {
	if t.gz || t.f != nil || info != nil && stampOf(info) == t.seen && !t.held && !in.cfg.Share {
		return
	}
	was := t.info
	err := in.reopen(t)
	switch {
	case err != nil:
		in.tell(t.at, err)
	case !in.cfg.Share && !in.same(was, t.info):
		t.close()
		t.info = was
	case t.expect != nil:
		p := *t.expect
		if t.expect, t.off = nil, 0; !t.is(p) {
			t.judged = false // it is another, or was written anew
			in.elsewhere(p, t)
		}
	}
}

// closeIdle closes the quietest files when too many are open.
func (in *fileInput) closeIdle() {
	var idle []*tailed
	for _, t := range in.files {
		if t.f != nil && !t.gz && !t.quiet.IsZero() && !t.gone && time.Since(t.quiet) > in.settle {
			idle = append(idle, t)
		}
	}
	slices.SortFunc(idle, func(a, b *tailed) int { return a.quiet.Compare(b.quiet) })
	for _, t := range idle[:max(0, len(idle)-openFiles)] {
		t.close()
	}
}

// siblings are the files whose name begins like path's, newest first.
func siblings(path string) (names []string) {
	dir, base := filepath.Split(path)
	entries, err := os.ReadDir(filepath.Clean(dir + "."))
	if err != nil {
		return nil
	}
	var infos []os.FileInfo
	for _, e := range entries {
		if !namesake(base, e.Name()) {
			continue
		}
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && info.Mode().IsRegular() {
			infos = append(infos, info)
		}
	}
	slices.SortStableFunc(infos, func(a, b os.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, info := range infos[:min(len(infos), openFiles)] {
		names = append(names, filepath.Join(dir, info.Name()))
	}
	return names
}

// find looks for the file of a position: under its name, beside it, under the
// globs; packed files last, which cost more. It is not one that is followed
// already, nor the one called not.
func (in *fileInput) find(p position, not *tailed) *tailed {
	if p.Offset == 0 {
		return nil
	}
	tried := map[string]bool{}
	for _, names := range []func() []string{
		func() []string { return []string{p.Path} },
		func() []string { return siblings(p.Path) },
		in.globs.names,
	} {
		list := names()
		list = list[:min(len(list), maxFiles)]
		for _, packed := range []bool{false, true} {
			for _, name := range list {
				if tried[name] || isGzip(name) != packed || not != nil && not.at == name {
					continue
				}
				tried[name] = true
				if t := in.try(name, p, not); t != nil {
					return t
				}
			}
		}
	}
	return nil
}

// try tells whether a name is the file of a position, not followed yet.
func (in *fileInput) try(name string, p position, not *tailed) *tailed {
	t, err := in.openTailed(p.Path, name)
	if err != nil {
		return nil
	}
	followed, done := in.known(t.info, name)
	if not != nil && in.same(not.info, t.info) || followed != nil || done || !t.fits(p) {
		t.close()
		return nil
	}
	if t.gz { // it is opened again in its turn
		if t.close(); t.done {
			t.seen = t.now
		}
	}
	t.judged = true
	return t
}

// fits tells whether the file is the one of the position, packed or not. Then it
// goes on there.
func (t *tailed) fits(p position) bool {
	if p.Packed == "" || !t.gz {
		return p.Packed == "" && t.is(p)
	}
	if p.Packed != t.pack {
		return false
	}
	if p.Done {
		t.done, t.off, t.expect = true, p.Offset, &p
		return true
	}
	return t.is(p)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// between follows files that were rotated away after t before anybody saw them:
// those whose name is of the same pattern as t's name now, written later, and
// not known. It returns the last of them, or t.
func (in *fileInput) between(t *tailed) *tailed {
	var all []*tailed
	for _, name := range slices.Backward(siblings(t.path)) { // oldest first
		if s, err := in.openTailed(t.path, name); err == nil {
			all = append(all, s)
		}
	}
	var shape *regexp.Regexp
	for _, s := range all {
		if (in.same(s.info, t.info) || in.cfg.Share && s.at == t.at) && s.at != t.path {
			t.at, t.info, shape = s.at, s.info, pattern(s.at)
		}
	}
	last := t
	for _, s := range all {
		known, done := in.known(s.info, s.at)
		packing := s.gz && time.Since(s.info.ModTime()) < time.Second/2 // it gets the time of what it packs in the end
		if shape == nil || known != nil || done || packing || s.at == t.path || !shape.MatchString(s.at) || in.globs.wanted(s.at) || s.info.ModTime().Before(t.info.ModTime()) {
			s.close()
			continue
		}
		if s.gz {
			s.close()
		}
		s.after, s.prev = last, last
		in.adopt(s, t.path, true)
		last = s
	}
	return last
}

var digitsRE = regexp.MustCompile(`[0-9]+`)

// pattern matches names that differ in their numbers only, packed or not.
func pattern(name string) *regexp.Regexp {
	name = strings.TrimSuffix(name, ".gz")
	var b strings.Builder
	last := 0
	for _, at := range digitsRE.FindAllStringIndex(name, -1) {
		b.WriteString(regexp.QuoteMeta(name[last:at[0]]) + "[0-9]+")
		last = at[1]
	}
	return regexp.MustCompile("^" + b.String() + regexp.QuoteMeta(name[last:]) + `(\.gz)?$`)
}
