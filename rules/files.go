package rules

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// folder is a folder whose mistakes are told with its name.
type folder struct {
	fs.FS
	name string
}

// Dir is a folder of the disk to load rules from. Unlike those of os.DirFS, the
// places of its mistakes begin with its name.
func Dir(name string) fs.FS { return folder{os.DirFS(name), name} }

// file is a file in one of the folders.
type file struct {
	fsys fs.FS
	name string
}

// String is the file's name for people.
func (f file) String() string {
	if d, ok := f.fsys.(folder); ok {
		return path.Join(d.name, f.name)
	}
	return f.name
}

func (f file) read() ([]byte, error) {
	data, err := fs.ReadFile(f.fsys, f.name)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return data, nil
}

// found are the files of some folders.
type found struct{ rules, overrides, macros []file }

func (f *found) add(fsys fs.FS) error {
	err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		at := file{fsys, name}
		switch yaml := strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml"); {
		case e.IsDir() || !yaml:
		case isOverride(name):
			f.overrides = append(f.overrides, at)
		case isMacros(name):
			f.macros = append(f.macros, at)
		default:
			f.rules = append(f.rules, at)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	return nil
}

// normal is a file's text without what programs of Windows put into it.
func normal(data []byte) string {
	return strings.ReplaceAll(strings.TrimPrefix(string(data), "\uFEFF"), "\r\n", "\n")
}
