package collector

import (
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
	for _, glob := range in.cfg.Paths {
		names, err := filepath.Glob(glob)
		if err != nil {
			in.tell(glob, err)
		}
		for _, name := range names {
			if t := in.meet(name, here[name]); t != nil {
				seen[t] = true
			}
		}
	}
	for _, t := range in.files {
		if !t.gone && !seen[t] {
			t.gone = true // deleted, or renamed to what no glob fits
			in.between(t)
			in.wake(t, nil)
		}
	}
	in.lookAgain()
	for _, t := range slices.Clone(in.files) {
		if t.gone && t.f == nil {
			in.drop(t)
		}
	}
	in.closeIdle()
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
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	if before != nil && os.SameFile(before.info, info) {
		in.wake(before, info)
		return before
	}
	if t, _ := in.known(info); t != nil {
		t.at, t.gone = name, false // renamed
		return t
	}
	if len(in.files) >= maxFiles {
		in.tell(name, errTooMany)
		return nil
	}
	t, err := openTailed(0, name, name)
	if err != nil {
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
	if t.f != nil || info != nil && info.Size() == t.seen {
		return
	}
	f, err := openShared(t.at)
	if err != nil {
		in.tell(t.at, err)
		return
	}
	if now, err := f.Stat(); err != nil || !os.SameFile(now, t.info) {
		f.Close()
		return
	}
	t.f = f
}

// closeIdle closes the quietest files when too many are open.
func (in *fileInput) closeIdle() {
	var idle []*tailed
	for _, t := range in.files {
		if t.f != nil && !t.quiet.IsZero() && !t.gone && time.Since(t.quiet) > in.settle {
			idle = append(idle, t)
		}
	}
	slices.SortFunc(idle, func(a, b *tailed) int { return a.quiet.Compare(b.quiet) })
	for _, t := range idle[:max(0, len(idle)-openFiles)] {
		t.f.Close()
		t.f = nil
	}
}

// siblings opens the files whose name begins like path's, newest first.
func siblings(path string) []*tailed {
	dir, base := filepath.Split(path)
	entries, err := os.ReadDir(filepath.Clean(dir + "."))
	if err != nil {
		return nil
	}
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	var infos []os.FileInfo
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), stem) {
			continue
		}
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && info.Mode().IsRegular() {
			infos = append(infos, info)
		}
	}
	slices.SortStableFunc(infos, func(a, b os.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	var out []*tailed
	for _, info := range infos[:min(len(infos), openFiles)] {
		if t, err := openTailed(0, path, filepath.Join(dir, info.Name())); err == nil {
			out = append(out, t)
		}
	}
	return out
}

func closeAll(ts []*tailed, but *tailed) {
	for _, t := range ts {
		if t != but {
			t.f.Close()
		}
	}
}

// find looks for the file of a position: under its name, beside it, under the
// globs. It is not one that is followed already, nor the one called not.
func (in *fileInput) find(p position, not *tailed) *tailed {
	if p.Offset == 0 {
		return nil
	}
	candidates := siblings(p.Path)
	for _, glob := range in.cfg.Paths {
		if filepath.Dir(glob) == filepath.Dir(p.Path) && len(candidates) > 0 {
			continue
		}
		names, _ := filepath.Glob(glob)
		for _, name := range names[:min(len(names), maxFiles)] {
			if t, err := openTailed(0, p.Path, name); err == nil {
				candidates = append(candidates, t)
			}
		}
	}
	slices.SortStableFunc(candidates, func(a, b *tailed) int { // the name itself first
		return boolInt(b.at == p.Path) - boolInt(a.at == p.Path)
	})
	var found *tailed
	for _, t := range candidates {
		if not != nil && os.SameFile(not.info, t.info) {
			continue
		}
		if followed, done := in.known(t.info); followed == nil && !done && t.is(p) {
			found = t
			break
		}
	}
	closeAll(candidates, found)
	return found
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
	all := siblings(t.path)
	slices.Reverse(all) // oldest first
	var shape *regexp.Regexp
	for _, s := range all {
		if os.SameFile(s.info, t.info) && s.at != t.path {
			t.at, t.info, shape = s.at, s.info, pattern(s.at)
		}
	}
	last := t
	for _, s := range all {
		known, done := in.known(s.info)
		if shape == nil || known != nil || done || s.at == t.path || !shape.MatchString(s.at) || in.wanted(s.at) || s.info.ModTime().Before(t.info.ModTime()) {
			s.f.Close()
			continue
		}
		s.after, s.prev = last, last
		in.adopt(s, t.path, true)
		last = s
	}
	return last
}

var digitsRE = regexp.MustCompile(`[0-9]+`)

// pattern matches names that differ in their numbers only.
func pattern(name string) *regexp.Regexp {
	var b strings.Builder
	last := 0
	for _, at := range digitsRE.FindAllStringIndex(name, -1) {
		b.WriteString(regexp.QuoteMeta(name[last:at[0]]) + "[0-9]+")
		last = at[1]
	}
	return regexp.MustCompile("^" + b.String() + regexp.QuoteMeta(name[last:]) + "$")
}
