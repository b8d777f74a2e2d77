package rules

import (
	"crypto/sha256"
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

// Library is the folder of the rules that come with the program.
func Library() fs.FS {
	dir, err := fs.Sub(library, "library")
	if err != nil { // the name is a constant that is valid
		return library
	}
	return dir
}

// Builtin returns the rules that come with the program.
func Builtin() (*Set, error) { return Load(Library()) }

// file is a file in one of the folders.
type file struct {
	fsys fs.FS
	name string
}

// Load reads every *.yaml and *.yml below the folders, one rule a file, and
// applies what folders called overrides hold, whichever folder a rule is from.
// All mistakes of all files come back joined, each an *Error; the set then is nil.
func Load(folders ...fs.FS) (*Set, error) { return Reload(nil, folders...) }

// text is a file's name and a hash of what it says.
type text struct {
	name string
	hash [sha256.Size]byte
}

// Reload is Load, but takes the rules whose files are as they were from another
// set, which may be nil.
func Reload(old *Set, folders ...fs.FS) (*Set, error) {
	var files, overrides []file
	for _, fsys := range folders {
		err := fs.WalkDir(fsys, ".", func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			switch yaml := strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml"); {
			case e.IsDir() || !yaml:
			case isOverride(path):
				overrides = append(overrides, file{fsys, path})
			default:
				files = append(files, file{fsys, path})
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("rules: %w", err)
		}
	}
	loaded, texts, errs := make([]*Rule, len(files)), make([]text, len(files)), make([]error, len(files))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				loaded[i], texts[i], errs[i] = read(files[i], old)
			}
		})
	}
	for i := range files {
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
	s.parsed = make(map[text]*Rule, len(files))
	for i, r := range loaded {
		s.parsed[texts[i]] = r
	}
	if err := s.override(overrides); err != nil {
		return nil, err
	}
	return s, nil
}

func read(f file, old *Set) (*Rule, text, error) {
	data, err := fs.ReadFile(f.fsys, f.name)
	if err != nil {
		return nil, text{}, fmt.Errorf("rules: %w", err)
	}
	t := text{f.name, sha256.Sum256(data)}
	if old != nil {
		if r := old.parsed[t]; r != nil {
			return r, t, nil
		}
	}
	r, err := Parse(f.name, data)
	return r, t, err
}

// NewSet makes a set of rules. Two rules with one id are an error.
func NewSet(list ...*Rule) (*Set, error) {
	s := &Set{rules: slices.Clone(list)}
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
