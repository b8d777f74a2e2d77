package lint

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"path"
	"strings"
)

// module is the path of this module, the first part of its own imports.
const module = "mimamori"

// source is one Go file.
type source struct {
	path, dir string // "event/json.go", "event"
	test      bool
	generated bool
	lines     int
	text      []byte
	file      *ast.File
	fset      *token.FileSet
}

// tree is everything that the checks look at.
type tree struct {
	fs       fs.FS
	files    []*source
	unparsed []finding
}

// skipped are folders that hold no source of ours.
var skipped = map[string]bool{"node_modules": true, "testdata": true, "bin": true, "data": true, "vendor": true}

// loadTree reads every Go file below the root of fsys.
func loadTree(fsys fs.FS) (*tree, error) {
	t := &tree{fs: fsys}
	err := walk(fsys, func(name string) error {
		if path.Ext(name) == ".go" {
			return t.load(name)
		}
		return nil
	})
	return t, err
}

// walk calls visit for every file that may be ours, in lexical order. A file
// that goes away meanwhile is passed over.
func walk(fsys fs.FS, visit func(name string) error) error {
	return fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir() && name != "." && (skipped[d.Name()] || strings.ContainsAny(d.Name()[:1], "._")):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		if err := visit(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

func (t *tree) load(name string) error {
	text, err := fs.ReadFile(t.fs, name)
	if err != nil {
		return err
	}
	s := &source{
		path: name, dir: path.Dir(name), text: text, fset: token.NewFileSet(),
		test: strings.HasSuffix(name, "_test.go"), lines: bytes.Count(text, []byte("\n")),
	}
	s.file, err = parser.ParseFile(s.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		line := 1
		var list scanner.ErrorList
		if errors.As(err, &list) && len(list) > 0 {
			line = list[0].Pos.Line
		}
		t.unparsed = append(t.unparsed, finding{name, line, err.Error()})
		return nil
	}
	s.generated = ast.IsGenerated(s.file) || strings.HasSuffix(name, "_templ.go")
	t.files = append(t.files, s)
	return nil
}

func unparsed(t *tree) []finding { return t.unparsed }

// written are the files that a person wrote; with tests or without.
func (t *tree) written(tests bool) []*source {
	var out []*source
	for _, s := range t.files {
		if !s.generated && (tests || !s.test) {
			out = append(out, s)
		}
	}
	return out
}

// packages groups files by folder.
func packages(files []*source) map[string][]*source {
	byDir := map[string][]*source{}
	for _, s := range files {
		byDir[s.dir] = append(byDir[s.dir], s)
	}
	return byDir
}

func (s *source) line(p token.Pos) int { return s.fset.Position(p).Line }

func (s *source) at(n ast.Node, format string, args ...any) finding {
	return finding{s.path, s.line(n.Pos()), fmt.Sprintf(format, args...)}
}
