// Package lang is the one expression language in which a person writes a
// condition: rules, formats, allow lists and the search box. Its syntax is that
// of expr (https://expr-lang.org), whose parser it uses; its meaning is defined
// by the small tree below, which evaluates over an event's slots, and which the
// stores translate to SQL and to query DSLs with the same answers.
//
// The meaning is two-valued. A test of a field that the event lacks is false,
// whatever the test; `a != b` is `not (a == b)` and so true for a missing field.
// A test of a list field is true when any element passes. Evaluation never
// blocks, never fails and does not allocate.
package lang

import (
	"regexp"

	"mimamori/event"
)

// Op says how a Test compares.
type Op uint8

// The comparisons.
const (
	Has        Op = iota // the field is there
	Eq                   // equal to one of Values
	Lt                   // less than Values[0]; numbers and dates
	Le                   // less or equal
	Gt                   // greater
	Ge                   // greater or equal
	Contains             // holds one of Values as a substring
	StartsWith           // begins with one of Values
	EndsWith             // ends with one of Values
	Like                 // matches one of Values as a whole; * and ? are wildcards, \ escapes
	Matches              // Regexp finds a match
	InCIDR               // inside one of the networks in Values (text)
	InList               // member of the named list Values[0]
)

// Node is one node of a checked condition: And, Or, Not, Const, *Test,
// FieldTest, Words or Holiday.
type Node interface{ node() }

// And is true when every node is. An empty And is true.
type And []Node

// Or is true when any node is. An empty Or is false.
type Or []Node

// Not inverts.
type Not struct{ Node Node }

// Const is true or false.
type Const bool

// View says what of a field a Test compares: the field itself, or a number in it.
type View uint8

// The views. A text is a number when it is decimal digits, with a sign before
// them and a fraction after them or not. Parts of a time are those of Japan for
// a date; a text that begins with YYYY-MM-DD, a T or blank, and HH:MM is taken
// as it is written, whatever its zone.
const (
	Whole View = iota
	Number
	Minute
	Hour
	Day  // of the month
	Week // of the year, ISO 8601
	Month
	Year
)

// Test compares a field with constants. Values have the field's type, except
// for the text operations, where they are strings (lower case when Fold), and
// for views, where they are numbers and Op is Eq, Lt, Le, Gt or Ge.
type Test struct {
	Field  event.Field
	View   View
	Op     Op
	Values []event.Value
	Fold   bool           // ignore letter case
	Regexp *regexp.Regexp // for Matches, case folding included
}

// FieldTest compares two fields: Op is Eq, Lt, Le, Gt or Ge. It is false when
// either is missing.
type FieldTest struct {
	Left, Right event.Field
	Op          Op
	Fold        bool
}

// Words is full text: true when the event's original line or message holds
// the text, letter case aside.
type Words struct{ Text string } // lower case

// Holiday is true when a date is no working day of a Japanese office: Saturday,
// Sunday, a national holiday, 29 December to 3 January.
type Holiday struct{ Field event.Field }

func (And) node()       {}
func (Or) node()        {}
func (Not) node()       {}
func (Const) node()     {}
func (*Test) node()     {}
func (FieldTest) node() {}
func (Words) node()     {}
func (Holiday) node()   {}
func (Call) node()      {}

// Call is a macro where its author wrote it. It is in an Expr's Shown only.
type Call struct {
	Name string
	Node Node // what it stands for, as its author wrote it

	root Node
}

// Expr is a checked condition and its source.
type Expr struct {
	Source string
	Root   Node
	Shown  Node     // Root with the calls of macros, for people
	Calls  []string // the macros that Source itself calls, each once
}

// Lists answers inList: named lists of addresses, networks, hosts, hashes.
type Lists interface {
	// Contains tells whether the named list holds the value; false for an
	// unknown list.
	Contains(list, value string) bool
}

// Reader gives a program its field values: *event.Event and *event.Builder do.
type Reader interface {
	Get(event.Field) (event.Value, bool)
}

// Program is a compiled condition. Any number of goroutines may run it.
type Program func(Reader) bool
