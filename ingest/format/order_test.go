package format

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"mimamori/event"
)

// formatFiles are the built-in files by the format's name, parts beside them.
func formatFiles(t *testing.T) (formats map[string][]byte, parts fstest.MapFS) {
	t.Helper()
	formats, parts = map[string][]byte{}, fstest.MapFS{}
	for _, pattern := range []string{"*.yaml", "parts/*.yaml"} {
		files, err := fs.Glob(Files(), pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, err := fs.ReadFile(Files(), name)
			if err != nil {
				t.Fatal(err)
			}
			root, err := parseYAML(name, text)
			if err != nil {
				t.Fatal(err)
			}
			if path.Dir(name) == "parts" {
				parts[name] = &fstest.MapFile{Data: text}
			} else {
				formats[root.child("name")] = text
			}
		}
	}
	return formats, parts
}

// known is a test's line and what becomes of it with all formats, alone.
type known struct {
	in      Input
	needs   []string // the format, and that of the line inside
	res     Result
	event   string
	through string
}

func allKnown(s *Set) (out []known) {
	tests, owner := allTests(s)
	for i, c := range tests {
		k := known{in: Input{Line: c.line, Header: c.header, Received: TestTime()}}
		x := &event.Builder{}
		k.res = s.Parser(Options{}).Parse(k.in, x)
		k.event = jsonOf(x)
		k.through = owner[i].name + ": " + c.name
		k.needs = []string{owner[i].name}
		if k.res.Format != "" {
			k.needs = append(k.needs, k.res.Format)
		}
		out = append(out, k)
	}
	return out
}

// The order of the formats, how many there are beside the right one, and what
// other sources sent before never change how a line is read.
func TestOtherFormatsAndSourcesNeverChangeALine(t *testing.T) {
	full := builtinSet(t)
	files, parts := formatFiles(t)
	lines := allKnown(full)
	rapid.Check(t, func(r *rapid.T) {
		chosen := map[string]bool{}
		want := rapid.SliceOfN(rapid.SampledFrom(lines), 1, 6).Draw(r, "lines")
		for i := range want {
			for _, name := range want[i].needs {
				chosen[name] = true
			}
		}
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(full.Names()), 0, 12).Draw(r, "others") {
			chosen[name] = true
		}
		systems := [2]fstest.MapFS{{}, {}}
		for name := range parts {
			systems[0][name] = parts[name]
		}
		for name := range withBases(full, files, chosen) {
			// Where it stands among the others, and in which folder, is drawn.
			place := rapid.IntRange(0, 999).Draw(r, "place")
			systems[place%2][fmt.Sprintf("%03d-%s.yaml", place, name)] = &fstest.MapFile{Data: files[name]}
		}
		s, err := Load(systems[0], systems[1])
		if err != nil {
			r.Fatal(err)
		}
		p := s.Parser(Options{})
		x := &event.Builder{}
		for step := range 12 {
			// Any line of any source in between, whether its format is there or not.
			other := rapid.SampledFrom(lines).Draw(r, "between")
			x.Reset()
			p.Parse(Input{Line: other.in.Line, Header: other.in.Header, Received: other.in.Received, Hint: "other"}, x)
			k := want[step%len(want)]
			k.in.Hint = rapid.SampledFrom([]string{"", "one", "other"}).Draw(r, "source")
			x.Reset()
			res := p.Parse(k.in, x)
			if got := jsonOf(x); res != k.res || got != k.event {
				r.Fatalf("%s\namong %v:\n%+v %s\nalone, with all formats:\n%+v %s", k.through, s.Names(), res, got, k.res, k.event)
			}
		}
	})
}

// withBases adds the formats that the chosen ones extend.
func withBases(full *Set, files map[string][]byte, chosen map[string]bool) map[string]bool {
	for name := range chosen {
		for line := range strings.SplitSeq(string(files[name]), "\n") {
			if list, ok := strings.CutPrefix(line, "extends:"); ok {
				for _, base := range strings.FieldsFunc(list, func(c rune) bool { return strings.ContainsRune(" [],", c) }) {
					if slices.Contains(full.Names(), base) {
						chosen[base] = true
					}
				}
			}
		}
	}
	return chosen
}
