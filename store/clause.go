package store

import (
	"cmp"
	"slices"

	"mimamori/event"
	"mimamori/internal/lang"
)

// clause is a condition made ready for whole columns: a leaf is asked once for
// each distinct value of its field, by the language's own program, and then for
// the rows. What And and Or decide from one column, the next is not read for.
type clause struct {
	kind   clauseKind
	kids   []*clause
	prog   lang.Program
	fields []event.Field
	absent bool // a leaf's answer where the row has no value
}

type clauseKind uint8

const (
	leafClause clauseKind = iota
	wordsClause
	andClause
	orClause
	notClause
)

func newClause(n lang.Node, lists lang.Lists) *clause {
	join := func(kind clauseKind, nodes []lang.Node) *clause {
		c := &clause{kind: kind}
		for _, k := range nodes {
			c.kids = append(c.kids, newClause(k, lists))
		}
		return c
	}
	switch n := n.(type) {
	case lang.And:
		return join(andClause, n)
	case lang.Or:
		return join(orClause, n)
	case lang.Not:
		return join(notClause, []lang.Node{n.Node})
	}
	c := &clause{prog: (&lang.Expr{Root: n}).Compile(lists)}
	switch n := n.(type) {
	case *lang.Test:
		c.fields = []event.Field{n.Field}
	case lang.Holiday:
		c.fields = []event.Field{n.Field}
	case lang.FieldTest:
		c.fields = []event.Field{n.Left, n.Right}
	case lang.Words:
		c.kind = wordsClause
		c.fields = []event.Field{event.MustLookup("event.original"), event.MustLookup("message")}
	}
	c.absent = c.prog(&single{none: true})
	return c
}

// whole is the condition as one program.
func (c *clause) whole() lang.Program {
	var kids []lang.Program
	for _, k := range c.kids {
		kids = append(kids, k.whole())
	}
	any := func(r lang.Reader, is bool) bool {
		return slices.ContainsFunc(kids, func(p lang.Program) bool { return p(r) == is })
	}
	switch c.kind {
	case andClause:
		return func(r lang.Reader) bool { return !any(r, false) }
	case orClause:
		return func(r lang.Reader) bool { return any(r, true) }
	case notClause:
		return func(r lang.Reader) bool { return !kids[0](r) }
	}
	return c.prog
}

// asked adds the fields that the condition reads.
func (c *clause) asked(to map[event.Field]bool) {
	for _, f := range c.fields {
		to[f] = true
	}
	for _, k := range c.kids {
		k.asked(to)
	}
}

// eval returns which rows of in satisfy the condition. in stays as it is.
func (g *rowGroup) eval(c *clause, in rowSet) rowSet {
	switch c.kind {
	case andClause:
		slices.SortStableFunc(c.kids, func(a, b *clause) int { return cmp.Compare(g.cost(a), g.cost(b)) })
		out := in
		for _, k := range c.kids {
			if out.empty() {
				break
			}
			out = g.eval(k, out)
		}
		return out
	case orClause:
		out, rest := newRowSet(g.n), in.clone()
		for _, k := range c.kids {
			if rest.empty() {
				break
			}
			found := g.eval(k, rest)
			out.join(found)
			rest.without(found)
		}
		return out
	case notClause:
		out := in.clone()
		out.without(g.eval(c.kids[0], in))
		return out
	case wordsClause:
		line := g.ask(c, g.vector(c.fields[0]), in)
		rest := in.clone()
		rest.without(line)
		if v := g.vector(c.fields[1]); v != nil && v.line > 0 && !rest.empty() {
			own := &vector{field: v.field, values: v.values[:v.line], rows: slices.Clone(v.rows)}
			for i, at := range own.rows {
				if at >= v.line {
					own.rows[i] = none // the line was asked
				}
			}
			line.join(g.ask(c, own, rest))
		}
		return line
	}
	if len(c.fields) == 1 {
		return g.ask(c, g.vector(c.fields[0]), in)
	}
	out := newRowSet(g.n)
	for row := range in.all {
		if c.prog(&groupRow{g, row}) {
			out.add(row)
		}
	}
	return out
}
