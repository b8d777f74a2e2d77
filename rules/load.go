package rules

import (
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
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

// Load reads every *.yaml and *.yml below the folders, one rule a file, and
// applies what folders called overrides hold, whichever folder a rule is from.
// Files called macros.yaml name conditions for the rules of all the folders. All
// mistakes of all files come back joined, each an *Error; the set then is nil.
func Load(folders ...fs.FS) (*Set, error) { return Reload(nil, folders...) }

// text is a file's name and a hash of what it says.
type text struct {
	name string
	hash [sha256.Size]byte
}

// Reload is Load, but takes the rules whose files and macros are as they were
// from another set, which may be nil.
func Reload(old *Set, folders ...fs.FS) (*Set, error) {
	var f found
	for _, fsys := range folders {
		if err := f.add(fsys); err != nil {
			return nil, err
		}
	}
	return f.load(old)
}

// LoadFile reads the rule in one file, with the macros of the file's folder.
func LoadFile(name string) (*Set, error) {
	dir := Dir(filepath.Dir(name))
	f := found{rules: []file{{dir, filepath.Base(name)}}}
	for _, beside := range [...]string{"macros.yaml", "macros.yml"} {
		if _, err := fs.Stat(dir, beside); err == nil {
			f.macros = append(f.macros, file{dir, beside})
		}
	}
	return f.load(nil)
}

// load reads the files.
func (f *found) load(old *Set) (*Set, error) {
	m, err := readMacros(f.macros)
	if err != nil {
		return nil, err // what a rule says is not known without them
	}
	loaded, texts, errs := make([]*Rule, len(f.rules)), make([]text, len(f.rules)), make([]error, len(f.rules))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				loaded[i], texts[i], errs[i] = read(f.rules[i], m, old)
			}
		})
	}
	for i := range f.rules {
		next <- i
	}
	close(next)
	wg.Wait()
	if err := errors.Join(append(errs, m.mistakes(loaded))...); err != nil {
		return nil, err
	}
	s, err := NewSet(loaded...)
	if err != nil {
		return nil, err
	}
	s.macros, s.parsed = m, make(map[text]*Rule, len(f.rules))
	for i, r := range loaded {
		s.parsed[texts[i]] = r
	}
	if err := s.override(f.overrides); err != nil {
		return nil, err
	}
	return s, nil
}

func read(f file, m *macros, old *Set) (*Rule, text, error) {
	data, err := f.read()
	if err != nil {
		return nil, text{}, err
	}
	t := text{f.String(), sha256.Sum256(data)}
	if old != nil {
		if r := old.parsed[t]; r != nil && r.macros == m.text(r.calls) {
			return r, t, nil
		}
	}
	r, err := parse(&decoder{file: f.String(), src: normal(data), macros: m})
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
