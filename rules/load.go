package rules

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
)

//go:embed library/*.yaml
var library embed.FS

// Builtin returns the rules that come with the program.
func Builtin() (*Set, error) { return Load(library, "library") }

// Load reads every *.yaml and *.yml below dir, one rule a file, and applies
// what folders called overrides hold. All mistakes of all files come back
// joined, each an *Error; the set then is nil.
func Load(fsys fs.FS, dir string) (*Set, error) {
	var names, overrides []string
	err := fs.WalkDir(fsys, dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch yaml := strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml"); {
		case e.IsDir() || !yaml:
		case isOverride(path):
			overrides = append(overrides, path)
		default:
			names = append(names, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	loaded, errs := make([]*Rule, len(names)), make([]error, len(names))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				loaded[i], errs[i] = read(fsys, names[i])
			}
		})
	}
	for i := range names {
		next <- i
	}
	close(next)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s, err := NewSet(loaded...)
	if err != nil {
		return nil, err
	}
	if err := s.override(fsys, overrides); err != nil {
		return nil, err
	}
	return s, nil
}

func read(fsys fs.FS, name string) (*Rule, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return Parse(name, data)
}

// NewSet makes a set of rules. Two rules with one id are an error.
func NewSet(list ...*Rule) (*Set, error) {
	s := &Set{slices.Clone(list)}
	slices.SortFunc(s.rules, func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) })
	var errs []error
	for i := 1; i < len(s.rules); i++ {
		if a, b := s.rules[i-1], s.rules[i]; a.ID == b.ID {
			errs = append(errs, &Error{File: b.File, Line: 1, Col: 1, Msg: fmt.Sprintf("the rule %s is in %s already", b.ID, a.File)})
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}
