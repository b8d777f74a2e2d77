package format

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Of what a file extends it never takes ownKeys; to addedKeys it adds its own;
// the rest it takes where it has none of its own.
const (
	ownKeys   = "name, title, documentation, recognise, tests"
	addedKeys = "tables, alias, ignore, absent, blocks, set, time, fields, then"
)

// readFiles reads the formats of each file system, and what they may extend:
// formats by their names, and parts/*.yaml by theirs.
func readFiles(systems []fs.FS, sum io.Writer) (bases map[string]node, own [][]node, errs []error) {
	bases = map[string]node{}
	read := func(fsys fs.FS, pattern string) (out []node) {
		names, err := fs.Glob(fsys, pattern)
		if err != nil {
			errs = append(errs, fmt.Errorf("list formats: %w", err))
		}
		for _, name := range names {
			text, err := fs.ReadFile(fsys, name)
			if err != nil {
				errs = append(errs, fmt.Errorf("read format %s: %w", name, err))
				continue
			}
			fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
			root, err := parseYAML(name, text)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			out = append(out, root)
		}
		return out
	}
	for _, fsys := range systems {
		for _, part := range read(fsys, "parts/*.yaml") {
			bases[strings.TrimSuffix(path.Base(part.src.name), ".yaml")] = part
		}
		files := read(fsys, "*.yaml")
		for _, f := range files {
			bases[f.child("name")] = f
		}
		own = append(own, files)
	}
	return bases, own, errs
}

// extend gathers the top-level keys of the files that a format extends.
func (c *compiler) extend(own, bases map[string]node) *Error {
	list, ok := own["extends"]
	if !ok {
		return nil
	}
	never, added, known := strings.Split(ownKeys, ", "), strings.Split(addedKeys, ", "), strings.Split(topKeys, ", ")
	c.parts = map[string][]node{}
	for _, it := range list.items() {
		name, err := it.text()
		if err != nil {
			return err
		}
		root, ok := bases[name]
		if !ok {
			return it.fail("no format named %q, and no file parts/%s.yaml", name, name)
		}
		if err := root.each(func(key string, at, val node) *Error {
			switch {
			case !slices.Contains(known, key):
				return at.unknown(key, topKeys)
			case key == "extends":
				return it.fail("%q extends another format itself", name)
			case slices.Contains(never, key):
				return nil
			case key == "module":
				space, err := val.text()
				c.spaces = append(c.spaces, space+".")
				if err != nil {
					return err
				}
			}
			_, here := own[key]
			switch {
			case !slices.Contains(added, key) && !here:
				own[key] = val
			case slices.Contains(added, key):
				c.parts[key] = append(c.parts[key], val)
				if !here {
					own[key] = node{}
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// partOf compiles one top-level key, of what the file extends and of the file
// itself, so that the file's own word is the one that counts: the last of what
// replaces, the first of what is tried in order.
func (c *compiler) partOf(key string, own node) *Error {
	run := func(list ...node) *Error {
		for _, n := range list {
			if n.ast == nil {
				continue
			}
			if err := c.part(key, n); err != nil {
				return err
			}
		}
		return nil
	}
	if key != "alias" && key != "time" {
		return run(append(slices.Clone(c.parts[key]), own)...)
	}
	if err := run(own); err != nil {
		return err
	}
	c.extending = true
	err := run(c.parts[key]...)
	c.extending = false
	return err
}

// more adds a list of texts to what is there.
func (c *compiler) more(list []string, n node) ([]string, *Error) {
	texts, err := n.texts()
	return append(list, texts...), err
}
