package store

import (
	_ "embed"
	"encoding/json"
	"strconv"
	"strings"

	"mimamori/internal/lang"
)

// sqlWords lists what a statement of an analyst may be made of, as DuckDB's own
// parser names it: a kind of word at the beginning of a line, the words after it.
//
//go:embed sqlwords.txt
var sqlWords string

// sqlTree is a parsed statement under examination. Whatever is not on the list
// is refused, so that a later DuckDB that knows more is no wider.
type sqlTree struct {
	text    string
	words   map[string]bool   // "kind word"
	fields  map[string]string // lower-case name → the field as it is spelled
	tables  map[string]bool   // names of WITH and aliases, in lower case
	asked   map[string]bool   // fields that the statement names
	all     bool              // it asks for whole rows
	at      int               // where in the text the part under examination is
	refused *lang.Error
}

func newSQLTree(text string, fields map[string]string) *sqlTree {
	t := &sqlTree{text: text, words: map[string]bool{}, fields: fields, tables: map[string]bool{}, asked: map[string]bool{}}
	for line := range strings.Lines(sqlWords) {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			for _, w := range words[1:] {
				t.words[words[0]+" "+w] = true
			}
		}
	}
	return t
}

// withPrefix marks the names that WITH gives. No table, view or file is called
// so: a name out of its scope finds nothing.
const withPrefix = "with "

// refuse notes the first refusal.
func (t *sqlTree) refuse(code, format string, args ...string) {
	if t.refused == nil {
		t.refused = sqlError(t.text, t.at, code, format, args...)
	}
}

// gather finds the names that WITH and aliases give.
func (t *sqlTree) gather(n any) {
	switch n := n.(type) {
	case []any:
		for _, x := range n {
			t.gather(x)
		}
	case map[string]any:
		for key, x := range n {
			if name, ok := x.(string); ok && (key == "alias" || key == "key") && name != "" {
				t.tables[strings.ToLower(name)] = true
			}
			t.gather(x)
		}
	}
}

// check walks the tree, and writes into it what it means to us.
func (t *sqlTree) check(n any) {
	switch n := n.(type) {
	case []any:
		for _, x := range n {
			t.check(x)
		}
	case map[string]any:
		if number, ok := n["query_location"].(json.Number); ok {
			if at, err := strconv.Atoi(number.String()); err == nil && at <= len(t.text) {
				t.at = at
			}
		}
		for key, x := range n {
			if !t.words["key "+key] && !empty(x) {
				t.refuse("sql-statement", "this kind of statement (%s) is not allowed", key)
				return
			}
		}
		if t.node(n) {
			for _, x := range n {
				t.check(x)
			}
		}
	}
}

// node examines one object and tells whether to go on with what is in it.
func (t *sqlTree) node(n map[string]any) bool {
	class, kind := str(n["class"]), str(n["type"])
	switch {
	case class != "":
		return t.expression(n, class)
	case kind == "BASE_TABLE":
		t.table(n)
	case kind == "TABLE_FUNCTION":
		f, _ := n["function"].(map[string]any)
		if t.called(f, "table") {
			t.check(f["children"])
		}
		return false
	case kind != "" && !t.words["node "+kind]:
		t.refuse("sql-part", "%s is not allowed", kind)
	}
	if id := str(n["id"]); id != "" && !t.words["type "+id] {
		t.refuse("sql-type", "the type %s is not allowed", id)
	}
	if m, ok := n["cte_map"].(map[string]any); ok {
		t.with(m)
	}
	return t.refused == nil
}

// with renames what WITH defines.
func (t *sqlTree) with(m map[string]any) {
	list, _ := m["map"].([]any)
	for _, x := range list {
		entry, _ := x.(map[string]any)
		name := strings.ToLower(str(entry["key"]))
		if name == "" || name == "events" {
			t.refuse("sql-with", "WITH can't give the name %s", "events")
			return
		}
		entry["key"] = withPrefix + name
	}
}

// table lets events and the names of WITH through.
func (t *sqlTree) table(n map[string]any) {
	name := str(n["table_name"])
	low := strings.ToLower(name)
	switch {
	case str(n["schema_name"]) != "" || str(n["catalog_name"]) != "":
		t.refuse("sql-dot", "a table has no name with a dot; the table is %s", "events")
	case low == "events":
		n["table_name"] = "events"
	case t.tables[low]:
		if str(n["alias"]) == "" {
			n["alias"] = name
		}
		n["table_name"] = withPrefix + low
	default:
		t.refuse("sql-table", "there is no table %s; the table is events", name)
	}
}

func (t *sqlTree) expression(n map[string]any, class string) bool {
	switch class {
	case "CONSTANT":
		value, _ := n["value"].(map[string]any)
		of, _ := value["type"].(map[string]any)
		if id := str(of["id"]); !t.words["type "+id] {
			t.refuse("sql-constant", "a constant of type %s is not allowed", id)
		}
		return false
	case "COLUMN_REF":
		t.column(n)
		return false
	case "STAR":
		t.all = t.all || str(n["type"]) == "STAR"
	case "FUNCTION", "WINDOW":
		return t.called(n, "function")
	default:
		if !t.words["class "+class] {
			t.refuse("sql-part", "%s is not allowed", class)
		}
	}
	return t.refused == nil
}

// called tells whether a function may be called.
func (t *sqlTree) called(f map[string]any, list string) bool {
	name := strings.ToLower(str(f["function_name"]))
	if s := str(f["schema"]); s != "" && s != "main" || str(f["catalog"]) != "" || !t.words[list+" "+name] {
		t.refuse("sql-function", "the function %s is not allowed", name)
	}
	return t.refused == nil
}

// column finds the field that a name means: source.ip is "source.ip", and
// e.source.ip is e."source.ip".
func (t *sqlTree) column(n map[string]any) {
	list, _ := n["column_names"].([]any)
	names := make([]string, len(list))
	for i, x := range list {
		names[i] = str(x)
	}
	for skip := range min(2, len(names)) {
		if field, ok := t.fields[strings.ToLower(strings.Join(names[skip:], "."))]; ok {
			t.asked[field] = true
			n["column_names"] = append(append([]any{}, list[:skip]...), field)
			return
		}
	}
	if len(names) > 0 && (strings.EqualFold(names[0], "events") || t.tables[strings.ToLower(names[0])]) {
		t.all = true // a whole row, or what is in one
	}
}

// empty tells whether a part of the tree says nothing.
func empty(x any) bool {
	switch x := x.(type) {
	case nil:
		return true
	case string:
		return x == ""
	case bool:
		return !x
	case []any:
		return len(x) == 0
	}
	return false
}

func str(x any) string {
	s, _ := x.(string)
	return s
}
