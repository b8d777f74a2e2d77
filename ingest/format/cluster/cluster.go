// Package cluster groups log lines by their shape, so that ten thousand lines
// that no format takes become the few kinds that an author can write formats
// for. Text is compared word by word at the same place, as Drain does; pairs,
// JSON and XML by the set of their keys.
//
// Under pressure it neither blocks nor grows: a line costs time in its length
// and no more, of what is longer than 8 KiB only the beginning counts, and when
// there are as many shapes as allowed, a line of a further one is counted as
// Other.
package cluster

import (
	"slices"
	"strings"
)

const (
	maxText    = 8 << 10 // of a line, that counts
	maxTokens  = 96      // of a shape
	maxLeaf    = 48      // shapes that a line is compared with
	maxSources = 64      // that a shape counts one by one
)

// Line is one line to group.
type Line struct {
	Group  string // lines of different groups are never of one shape: the reason of quarantine
	App    string // the program that the header names
	Body   string // without the header
	Whole  string // for the example
	Source string // where it came from, "" when nobody knows
}

// Shape is a kind of line.
type Shape struct {
	Group   string   `json:"reason"`
	Pattern string   `json:"shape"`
	Count   int      `json:"count"`
	Example string   `json:"example"`
	Sources []Source `json:"sources,omitempty"` // the most frequent first
}

// Source is where lines of a shape came from.
type Source struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// Shapes gathers shapes. The zero value is of no use: see New.
type Shapes struct {
	limit  int
	leaves map[string][]*shape
	all    []*shape
	// Other is how many lines were of further shapes than the limit allows.
	Other int
}

// shape is a kind of line while it is gathered.
type shape struct {
	group   string
	kind    kind
	app     string
	tokens  []string // words, "*" for any; of sets the keys of all lines, sorted
	common  []string // keys of every line
	count   int
	example string
	sources map[string]int
}

// New makes a table of at most limit shapes.
func New(limit int) *Shapes { return &Shapes{limit: limit, leaves: map[string][]*shape{}} }

// Add counts a line.
func (s *Shapes) Add(l Line) {
	body := l.Body[:min(len(l.Body), maxText)]
	k, tokens := cut(body)
	leaf := strings.Join([]string{l.Group, l.App, string(k), k.leaf(tokens)}, "\x00")
	list := s.leaves[leaf]
	best, score := -1, 0.0
	for i, sh := range list {
		if is := sh.like(tokens); is >= k.least() && is > score {
			best, score = i, is
		}
	}
	if best < 0 {
		if len(s.all) >= s.limit || len(list) >= maxLeaf {
			s.Other++
			return
		}
		sh := &shape{group: l.Group, kind: k, app: l.App, tokens: clone(tokens), example: strings.Clone(l.Whole[:min(len(l.Whole), maxText)]), sources: map[string]int{}}
		sh.common = sh.tokens
		s.all = append(s.all, sh)
		best = len(list)
		s.leaves[leaf] = append(list, sh)
	}
	s.leaves[leaf][best].take(l.Source, tokens)
}

func clone(tokens []string) []string {
	out := make([]string, len(tokens))
	for i, t := range tokens {
		out[i] = strings.Clone(t)
	}
	return out
}

// take adds a line to a shape.
func (sh *shape) take(source string, tokens []string) {
	sh.count++
	if source != "" && (sh.sources[source] > 0 || len(sh.sources) < maxSources) {
		sh.sources[source]++
	}
	if sh.kind == words {
		for i, t := range sh.tokens {
			if t != tokens[i] {
				sh.tokens[i] = "*"
			}
		}
		return
	}
	sh.common = slices.DeleteFunc(slices.Clone(sh.common), func(k string) bool { _, ok := slices.BinarySearch(tokens, k); return !ok })
	for _, t := range tokens {
		if i, ok := slices.BinarySearch(sh.tokens, t); !ok && len(sh.tokens) < maxTokens {
			sh.tokens = slices.Insert(slices.Clone(sh.tokens), i, strings.Clone(t))
		}
	}
}

// like tells how much of a line is as the shape has it, from 0 to 1.
func (sh *shape) like(tokens []string) float64 {
	same := 0
	if sh.kind == words {
		for i, t := range sh.tokens {
			if t == tokens[i] {
				same++
			}
		}
		return (float64(same) + 0.001) / (float64(len(tokens)) + 0.001)
	}
	for _, t := range tokens {
		if _, ok := slices.BinarySearch(sh.tokens, t); ok {
			same++
		}
	}
	return (float64(same) + 0.001) / (float64(min(len(tokens), len(sh.tokens))) + 0.001)
}

// List gives the shapes, the most frequent first.
func (s *Shapes) List() []Shape {
	out := make([]Shape, 0, len(s.all))
	for _, sh := range s.all {
		o := Shape{Group: sh.group, Pattern: sh.pattern(), Count: sh.count, Example: sh.example}
		for name, n := range sh.sources {
			o.Sources = append(o.Sources, Source{name, n})
		}
		slices.SortFunc(o.Sources, func(a, b Source) int {
			if a.Count != b.Count {
				return b.Count - a.Count
			}
			return strings.Compare(a.Name, b.Name)
		})
		out = append(out, o)
	}
	slices.SortStableFunc(out, func(a, b Shape) int { return b.Count - a.Count })
	return out
}

// pattern writes a shape for people.
func (sh *shape) pattern() string {
	lead := ""
	if sh.app != "" {
		lead = sh.app + ": "
	}
	if sh.kind == words {
		return lead + strings.Join(sh.tokens, " ")
	}
	keys := slices.Clone(sh.tokens)
	for i, k := range keys {
		if !slices.Contains(sh.common, k) {
			keys[i] += "?"
		}
	}
	return lead + string(sh.kind) + " " + strings.Join(keys, " ")
}
