package format

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"slices"
	"strings"

	"mimamori/event"
)

//go:embed formats/*.yaml formats/parts/*.yaml
var builtin embed.FS

// Set is a loaded set of formats. It does not change; any number of parsers
// share it.
type Set struct {
	formats []*compiled // by name
	byName  map[string]*compiled
	index   *index
	sum     hash.Hash
}

// Files returns the formats that ship with the program, for Load.
func Files() fs.FS {
	sub, err := fs.Sub(builtin, "formats")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Builtin loads the formats that ship with the program.
func Builtin() (*Set, error) { return Load(Files()) }

// Load reads every *.yaml at the root of each file system. A format in a later
// one replaces the format of the same name in an earlier one, so that operators
// override what ships. The error joins one *Error per broken file; it names the
// place as file:line:column and shows the line.
func Load(systems ...fs.FS) (*Set, error) {
	s := &Set{byName: map[string]*compiled{}, sum: sha256.New()}
	bases, own, errs := readFiles(systems, s.sum)
	for layer, files := range own {
		here := map[string]string{}
		for _, root := range files {
			f, err := compileFile(root, bases)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			if other := here[f.name]; other != "" {
				errs = append(errs, fmt.Errorf("%s: the name %q is taken by %s; choose another name", root.src.name, f.name, other))
				continue
			}
			here[f.name], f.layer = root.src.name, layer
			s.byName[f.name] = f
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, f := range s.byName {
		s.formats = append(s.formats, f)
	}
	slices.SortFunc(s.formats, func(a, b *compiled) int { return strings.Compare(a.name, b.name) })
	for i, f := range s.formats {
		f.id = i
	}
	s.index = newIndex(s.formats)
	return s, nil
}

// Sum stands for the texts of all formats: another one means that the same line
// may be read in another way.
func (s *Set) Sum() string { return hex.EncodeToString(s.sum.Sum(nil)) }

// Names lists the formats, sorted.
func (s *Set) Names() []string {
	out := make([]string, len(s.formats))
	for i, f := range s.formats {
		out[i] = f.name
	}
	return out
}

// Has tells whether there is a format of that name.
func (s *Set) Has(name string) bool { return s.byName[name] != nil }

// ReadsRows tells whether a format of the dataset reads rows, which say nothing
// without the header of their file.
func (s *Set) ReadsRows(dataset string) bool {
	return dataset == rowsDataset || slices.ContainsFunc(s.formats, func(f *compiled) bool { return f.dataset == dataset && slices.Contains(f.shapes, shapeRows) })
}

// Title returns what people call a format; empty when there is none of that name.
func (s *Set) Title(name string) event.Localized {
	if f := s.byName[name]; f != nil {
		return f.title
	}
	return event.Localized{}
}
