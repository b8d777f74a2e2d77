package collector

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Bounds of a walk for a ** in a glob.
const (
	maxDepth   = 32
	maxEntries = 100_000
)

var (
	errManyEntries = fmt.Errorf("more than %d files and folders lie there, the rest is left; name the folders more exactly", maxEntries)
	errDeep        = fmt.Errorf("folders lie deeper than %d, those are left", maxDepth)
)

// globs finds the files that an input is to read.
type globs struct {
	paths, exclude []string
	pause          time.Duration // between walks, at least; they cost more than looking at one folder
	tell           func(path string, err error)

	walked map[string]walk // by glob
}

// walk is what a glob with ** found.
type walk struct {
	names []string
	next  time.Time // when to walk again
}

// names are the files that fit the globs, sorted by glob and name. Each is
// there once.
func (g *globs) names() []string {
	var out []string
	for _, glob := range g.paths {
		found, err := []string(nil), error(nil)
		if strings.Contains(glob, "**") {
			found = g.walk(glob)
		} else if found, err = filepath.Glob(glob); err != nil {
			g.tell(glob, err)
		}
		for _, name := range found {
			if !g.excluded(name) {
				out = append(out, name)
			}
		}
	}
	if len(g.paths) < 2 {
		return out
	}
	seen := make(map[string]bool, len(out))
	return slices.DeleteFunc(out, func(name string) bool {
		again := seen[name]
		seen[name] = true
		return again
	})
}

// wanted tells whether a name fits.
func (g *globs) wanted(path string) bool {
	return !g.excluded(path) && slices.ContainsFunc(g.paths, func(glob string) bool { return fits(glob, path) })
}

// excluded tells whether a name is one to leave.
func (g *globs) excluded(path string) bool {
	return slices.ContainsFunc(g.exclude, func(glob string) bool {
		if filepath.Base(glob) == glob {
			return fits(glob, filepath.Base(path))
		}
		return fits(glob, path)
	})
}

// fits matches a path with a glob, part by part; ** is any number of folders.
func fits(glob, path string) bool {
	if !strings.Contains(glob, "**") {
		ok, err := filepath.Match(glob, path)
		return err == nil && ok
	}
	return fitParts(parts(glob), parts(path))
}

func parts(path string) []string {
	return strings.Split(filepath.ToSlash(filepath.Clean(path)), "/")
}

// fitParts keeps for each part of the glob which beginnings of the path fit, so
// that many ** cost no more than one.
func fitParts(glob, path []string) bool {
	fit := make([]bool, len(path)+1)
	fit[0] = true
	for _, g := range glob {
		next := make([]bool, len(path)+1)
		for i, ok := range fit {
			if g == "**" {
				next[i] = ok || i > 0 && next[i-1]
			} else if ok && i < len(path) {
				match, err := filepath.Match(g, path[i])
				next[i+1] = err == nil && match
			}
		}
		fit = next
	}
	return fit[len(path)]
}

// walk lists what fits a glob with **. It does not follow links to folders,
// which may lead in circles, and walks again only after a while.
func (g *globs) walk(glob string) []string {
	now := time.Now()
	if w, ok := g.walked[glob]; ok && now.Before(w.next) {
		return w.names
	}
	all := parts(glob)
	fixed := slices.IndexFunc(all, func(p string) bool { return strings.ContainsAny(p, `*?[\`) })
	root := "."
	if fixed > 0 {
		root = filepath.FromSlash(strings.Join(all[:fixed], "/") + "/") // the separator makes the walk enter a link
	}
	var w walk
	entries := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if entries++; entries > maxEntries {
			return errManyEntries
		}
		switch {
		case err != nil:
			if !errors.Is(err, fs.ErrNotExist) {
				g.tell(path, err)
			}
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir() && len(parts(path))-fixed > maxDepth:
			g.tell(path, errDeep)
			return fs.SkipDir
		case d.IsDir():
			if path != root && g.excluded(path) {
				return fs.SkipDir
			}
		case fitParts(all, parts(path)):
			w.names = append(w.names, path)
		}
		return nil
	})
	if err != nil {
		g.tell(root, err)
	}
	w.next = time.Now().Add(max(g.pause, 20*time.Since(now)))
	if g.walked == nil {
		g.walked = map[string]walk{}
	}
	g.walked[glob] = w
	return w.names
}
