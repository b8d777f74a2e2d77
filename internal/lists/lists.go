// Package lists keeps the named lists that conditions ask by inList: terminals
// for maintenance, backup servers, towns by their model, known bad addresses. A
// list is the file NAME.txt in one folder: a value on each line; # begins a
// comment. A value may be a network (10.1.0.0/16) and may have wildcards
// (*.example.jp, HQ-PC-???, \* for a star). Letter case does not matter. Stars
// around the name that a condition asks stand for any text around a value:
// inList(x, "*NAME*") is true when x holds one. Such a question walks the list.
//
// Nothing blocks: what is asked while a list is read anew is answered by the
// old one. A file that can't be read leaves its list as it was, and is told.
package lists

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"mimamori/internal/lang"
	"mimamori/internal/place"
)

// maxBytes bounds one list's file: some millions of values.
const maxBytes = 256 << 20

// Lists are the lists of one folder. Any number of goroutines may ask.
type Lists struct {
	dir  string
	read map[string]reading // by name, as of the last Reload
	now  atomic.Pointer[map[string]*list]
}

// reading tells whether a file has changed since it was read, and what was
// wrong with it then.
type reading struct {
	size, nanos int64
	err         error
}

// list is one list, ready to be asked.
type list struct {
	values   map[string]struct{} // lower case
	networks []netip.Prefix
	patterns []string
}

// Open reads the lists of a folder. One that is not there has none, until it is
// and Reload is called.
func Open(dir string) (*Lists, error) {
	l := &Lists{dir: dir, read: map[string]reading{}}
	l.now.Store(&map[string]*list{})
	_, err := l.Reload()
	return l, err
}

// Contains tells whether a list has a value; false where there is no such list.
func (l *Lists) Contains(name, value string) bool {
	bare := strings.Trim(name, "*")
	x := (*l.now.Load())[bare]
	if x == nil || bare == name {
		return x != nil && x.contains(value)
	}
	return x.around(name, bare, strings.ToLower(value))
}

// Reload reads what has changed in the folder, and says which lists did. The
// error joins the mistakes that stand, each with its file and line: those of
// files that have not changed too.
func (l *Lists) Reload() (changed []string, err error) {
	paths, err := filepath.Glob(filepath.Join(l.dir, "*.txt"))
	if err != nil {
		return nil, fmt.Errorf("lists: %w", err)
	}
	old, next, read := *l.now.Load(), map[string]*list{}, map[string]reading{}
	var errs []error
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		before := old[name]
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		r, x := reading{err: err}, before
		if err == nil {
			r.size, r.nanos = info.Size(), info.ModTime().UnixNano()
			if was := l.read[name]; was.size == r.size && was.nanos == r.nanos {
				r.err = was.err
			} else if x, r.err = readFile(path, r.size); r.err == nil {
				changed = append(changed, name)
			} else {
				x = before
			}
		}
		if read[name] = r; r.err != nil {
			errs = append(errs, r.err)
		}
		if x != nil {
			next[name] = x
		}
	}
	for name := range old {
		if next[name] == nil {
			changed = append(changed, name)
		}
	}
	l.read = read
	l.now.Store(&next)
	slices.Sort(changed)
	return changed, errors.Join(errs...)
}

func readFile(path string, size int64) (*list, error) {
	if size > maxBytes {
		return nil, fmt.Errorf("lists: %s has %d bytes, and a list at most %d", path, size, maxBytes)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("lists: %w", err)
	}
	return parse(path, b)
}

// parse reads a list's lines.
func parse(path string, b []byte) (*list, error) {
	x := &list{values: map[string]struct{}{}}
	n := 0
	for raw := range bytes.Lines(bytes.TrimPrefix(b, []byte("\uFEFF"))) {
		n++
		if !utf8.Valid(raw) {
			return nil, &place.Error{File: path, Line: n, Col: 1, Msg: "the line is no UTF-8", Hint: "save the file as UTF-8"}
		}
		text, _, _ := strings.Cut(string(raw), "#")
		text = strings.ToLower(strings.TrimSpace(text))
		switch {
		case text == "":
		case strings.ContainsAny(text, "*?"):
			x.patterns = append(x.patterns, text)
		default:
			x.add(text)
		}
	}
	return x, nil
}

func (x *list) add(text string) {
	if p, err := netip.ParsePrefix(text); err == nil {
		x.networks = append(x.networks, p.Masked())
		return
	}
	if a, err := netip.ParseAddr(text); err == nil {
		text = a.Unmap().String()
	}
	x.values[text] = struct{}{}
}

// around tells whether a text holds a value where the name's stars let it stand.
func (x *list) around(name, bare, low string) bool {
	before, after, _ := strings.Cut(name, bare)
	for v := range x.values {
		at := strings.Index(low, v)
		switch {
		case before != "" && after != "" && at >= 0, before == "" && at == 0, after == "" && strings.HasSuffix(low, v):
			return true
		}
	}
	return slices.ContainsFunc(x.patterns, func(p string) bool { return lang.MatchLike(low, before+p+after) })
}

func (x *list) contains(value string) bool {
	if _, ok := x.values[value]; ok {
		return true
	}
	low := strings.ToLower(value)
	if _, ok := x.values[low]; ok && low != value {
		return true
	}
	if slices.ContainsFunc(x.patterns, func(p string) bool { return lang.MatchLike(low, p) }) {
		return true
	}
	a, err := netip.ParseAddr(value)
	if err != nil {
		return false
	}
	a = a.Unmap()
	if _, ok := x.values[a.String()]; ok {
		return true
	}
	return slices.ContainsFunc(x.networks, func(n netip.Prefix) bool { return n.Contains(a) })
}
