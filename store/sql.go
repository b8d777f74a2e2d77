package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/internal/lang"
)

// bounds are the part of a query that also says which segments to open.
type bounds struct {
	from, to int64    // @timestamp in ns, from inclusive, to exclusive
	tenants  []string // nil: all
}

func boundsOf(q event.Query) bounds {
	b := bounds{math.MinInt64, math.MaxInt64, q.Tenants}
	if len(b.tenants) > 1 { // named twice is not two
		b.tenants = slices.Compact(slices.Sorted(slices.Values(b.tenants)))
	}
	if !q.From.IsZero() {
		b.from = nanos(q.From)
	}
	if !q.To.IsZero() {
		b.to = nanos(q.To)
	}
	return b
}

// nanos is a time in ns, at the end of what they can count when it is beyond.
func nanos(t time.Time) int64 {
	switch y := t.UTC().Year(); {
	case y < 1678:
		return math.MinInt64
	case y > 2261:
		return math.MaxInt64
	}
	return t.UnixNano()
}

func (b bounds) timed() bool { return b.from != math.MinInt64 || b.to != math.MaxInt64 }

// translator writes conditions as SQL over a set of segments. No user's text
// gets into it but through quote.
type translator struct {
	ctx  context.Context
	duck *duck
	segs []*segment
	ids  fieldIDs
}

// has tells whether any segment has the column.
func (t *translator) has(name string) bool {
	for _, g := range t.segs {
		if _, ok := g.columns[name]; ok {
			return true
		}
	}
	return false
}

func (t *translator) inRest(name string) bool {
	for _, g := range t.segs {
		if g.inRest(name) {
			return true
		}
	}
	return false
}

// from names the segments as a table.
func (t *translator) from() string {
	files := make([]string, len(t.segs))
	for i, g := range t.segs {
		files[i] = quote(g.path)
	}
	return "read_parquet([" + strings.Join(files, ", ") + "], union_by_name = true, filename = true, file_row_number = true, hive_partitioning = false)"
}

// where writes the whole condition: text, times and tenants.
func (t *translator) where(root lang.Node, b bounds) string {
	parts := []string{}
	if b.tenants != nil {
		codes := make([]string, len(b.tenants))
		for i, c := range b.tenants {
			codes[i] = quote(c)
		}
		if len(codes) == 0 || !t.has("municipality") {
			return "false"
		}
		parts = append(parts, `"municipality" IN (`+strings.Join(codes, ", ")+")")
	}
	if b.timed() && !t.has("@timestamp") {
		return "false"
	}
	if b.from != math.MinInt64 {
		parts = append(parts, `"@timestamp" >= `+long(b.from))
	}
	if b.to != math.MaxInt64 {
		parts = append(parts, `"@timestamp" < `+long(b.to))
	}
	if c := t.node(root); c != "true" {
		parts = append(parts, "("+c+")")
	}
	if len(parts) == 0 {
		return "true"
	}
	return strings.Join(parts, " AND ")
}

func long(n int64) string {
	if n == math.MinInt64 {
		return "(-9223372036854775807 - 1)::BIGINT"
	}
	return strconv.FormatInt(n, 10) + "::BIGINT"
}

// node writes a condition that is true or not; what is not true may be null,
// since only Not tells the difference, and Not takes care of it.
func (t *translator) node(n lang.Node) string {
	switch n := n.(type) {
	case lang.Const:
		return strconv.FormatBool(bool(n))
	case lang.Not:
		return "NOT coalesce(" + t.node(n.Node) + ", false)"
	case lang.And:
		return t.join(n, " AND ", "true")
	case lang.Or:
		return t.join(n, " OR ", "false")
	case lang.Words:
		return t.words(n.Text)
	case lang.FieldTest:
		return t.fieldTest(n)
	case *lang.Test:
		return t.test(n)
	case lang.Holiday:
		return t.holiday(n)
	}
	return "false" // a node that this version of the store does not know
}

func (t *translator) join(nodes []lang.Node, op, empty string) string {
	if len(nodes) == 0 {
		return empty
	}
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		parts[i] = "(" + t.node(n) + ")"
	}
	return strings.Join(parts, op)
}

// words searches the text of the line. A message that equals the line is not
// stored again, so that the columns say it all.
func (t *translator) words(text string) string {
	parts := []string{}
	for _, f := range []event.Field{t.ids.original, t.ids.message} {
		pred := func(x string) string { return wordsPredicate(x, text) }
		if t.has(f.Name()) {
			parts = append(parts, pred(ident(f.Name())))
		}
		if t.inRest(f.Name()) {
			parts = append(parts, t.anyInRest(f.Name(), pred))
		}
	}
	return either(parts)
}

func either(parts []string) string {
	if len(parts) == 0 {
		return "false"
	}
	return "(" + strings.Join(parts, ") OR (") + ")"
}

// restPath is the JSON path of a field in rest.
func restPath(name string) string { return quote(`$."` + name + `"`) }

// restList is the field's texts in rest as a list, null when it is not there.
func restValues(name string) string {
	p := restPath(name)
	return "CASE json_type(rest, " + p + ") WHEN 'ARRAY' THEN json_extract_string(rest, " + quote(`$."`+name+`"[*]`) +
		") ELSE CASE WHEN json_extract_string(rest, " + p + ") IS NULL THEN NULL ELSE [json_extract_string(rest, " + p + ")] END END"
}

func (t *translator) anyInRest(name string, pred func(string) string) string {
	return "len(list_filter(" + restValues(name) + ", lambda x: " + pred("x") + ")) > 0"
}

// scalar is the field's column as an expression, "" when no segment has one.
// The message that equals the line is found there, even where each one does and
// there is no column of them.
func (t *translator) scalar(f event.Field) string {
	name := f.Name()
	there := t.has(name)
	if f == t.ids.message && t.has(t.ids.original.Name()) {
		line := `CASE WHEN "_same" THEN "event.original" END`
		if !there {
			return line
		}
		return `coalesce("message", ` + line + `)`
	}
	if !there {
		return ""
	}
	return ident(name)
}

func (t *translator) test(n *lang.Test) string {
	name := n.Field.Name()
	if n.Op == lang.Has {
		parts := []string{}
		if x := t.scalar(n.Field); x != "" {
			parts = append(parts, x+" IS NOT NULL")
		}
		if t.inRest(name) {
			parts = append(parts, "json_type(rest, "+restPath(name)+") IS NOT NULL")
		}
		return either(parts)
	}
	switch n.Field.Type() {
	case event.Long, event.Double, event.Boolean:
		return t.numberTest(n)
	case event.Date:
		if n.View != lang.Whole {
			return t.datePart(n)
		}
		return t.numberTest(n)
	}
	pred := t.textPredicate(n)
	parts := []string{}
	if x := t.scalar(n.Field); x != "" && n.Field.Type() == event.List {
		parts = append(parts, "len(list_filter("+x+", lambda x: "+pred("x")+")) > 0")
	} else if x != "" {
		parts = append(parts, pred(x))
	}
	if t.inRest(name) {
		if n.Op == lang.InCIDR { // what stands there is not sure to be an address
			pred = t.cidr(t.ids.message, texts(n))
		}
		parts = append(parts, t.anyInRest(name, pred))
	}
	return either(parts)
}

// texts are a test's values as text.
func texts(n *lang.Test) []string {
	words := make([]string, len(n.Values))
	for i, v := range n.Values {
		words[i] = v.Str()
	}
	return words
}

var operators = map[lang.Op]string{lang.Eq: " = ", lang.Lt: " < ", lang.Le: " <= ", lang.Gt: " > ", lang.Ge: " >= "}

// number is a numeric field as an expression, "" when no segment has it.
func (t *translator) number(f event.Field) string {
	x, name := t.scalar(f), f.Name()
	if !t.inRest(name) {
		return x
	}
	kind := map[event.Type]string{event.Long: "BIGINT", event.Date: "BIGINT", event.Double: "DOUBLE", event.Boolean: "BOOLEAN"}[f.Type()]
	rest := "TRY_CAST(json_extract_string(rest, " + restPath(name) + ") AS " + kind + ")"
	if x == "" {
		return rest
	}
	return "coalesce(" + x + ", " + rest + ")"
}

func (t *translator) numberTest(n *lang.Test) string {
	x := t.number(n.Field)
	if x == "" {
		return "false"
	}
	return either(compared(x, n))
}

// compared compares an expression with each of a test's numbers.
func compared(x string, n *lang.Test) []string {
	parts := make([]string, len(n.Values))
	for i, v := range n.Values {
		parts[i] = x + operators[n.Op] + numberLiteral(v)
	}
	return parts
}

func numberLiteral(v event.Value) string {
	switch v.Kind() {
	case event.Double:
		return fmt.Sprintf("'%s'::DOUBLE", strconv.FormatFloat(v.Float(), 'g', -1, 64))
	case event.Boolean:
		return strconv.FormatBool(v.Bool())
	}
	return long(v.Int())
}

func (t *translator) fieldTest(n lang.FieldTest) string {
	switch n.Left.Type() {
	case event.Long, event.Double, event.Date, event.Boolean:
		a, b := t.number(n.Left), t.number(n.Right)
		if a == "" || b == "" {
			return "false"
		}
		return "CAST(" + a + " AS DOUBLE)" + operators[n.Op] + "CAST(" + b + " AS DOUBLE)"
	}
	a, b := t.texts(n.Left, n.Fold), t.texts(n.Right, n.Fold)
	if a == "" || b == "" {
		return "false"
	}
	return "list_has_any(" + a + ", " + b + ")"
}

// texts is a text field as a list of its elements.
func (t *translator) texts(f event.Field, fold bool) string {
	parts := []string{}
	if x := t.scalar(f); x != "" && f.Type() == event.List {
		parts = append(parts, x)
	} else if x != "" {
		parts = append(parts, "CASE WHEN "+x+" IS NULL THEN NULL ELSE ["+x+"] END")
	}
	if t.inRest(f.Name()) {
		parts = append(parts, restValues(f.Name()))
	}
	if len(parts) == 0 {
		return ""
	}
	all := "coalesce(" + strings.Join(parts, ", ") + ")"
	if fold {
		all = "list_transform(" + all + ", lambda x: lower(x))"
	}
	return all
}
