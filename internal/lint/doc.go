// Package lint holds the project's shape as failing tests: the import table of
// DESIGN.md and the house rules that a compiler does not know. It reads source
// files and go list, never the network, and runs in a few seconds.
//
// Under pressure it does nothing: it is no part of any program. A file that
// does not parse is reported like any other mistake, and the rest is checked.
package lint

import "fmt"

// finding is one broken rule at one place, and what to do about it.
type finding struct {
	file string // slash-separated, from the module's root
	line int
	msg  string
}

func (f finding) String() string { return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.msg) }

// check is one house rule. It answers everything in the tree that breaks it.
type check struct {
	name string
	run  func(t *tree) []finding
}

// checks are the house rules, in the order of DESIGN.md.
var checks = []check{
	{"the files parse", unparsed},
	{"imports follow the table in DESIGN.md", imports},
	{"imports stand in three groups", importGroups},
	{"every package has a comment", packageComments},
	{"every exported identifier has a comment", exportedComments},
	{"files are short", fileLengths},
	{"functions are short", functionLengths},
	{"interfaces have at most 3 methods", interfaces},
	{"functions take at most 5 parameters", parameters},
	{"tests never sleep", sleeps},
	{"nothing runs before main", inits},
	{"package variables are tables", packageVariables},
	{"package variables stay as they are", assignments},
	{"errors are passed on with %w", wraps},
	{"every goroutine is waited for", goroutines},
	{"nothing is left for later", leftovers},
	{"fuzz targets fuzz", fuzzTargets},
	{"formats and rules carry tests", dataTests},
	{"documents name what exists", documents},
	{"every dependency has its reason", dependencies},
}
