package format

import "strings"

// branch is a run of columns; behind it, the value of one of them may choose
// how the line goes on.
type branch struct {
	cols  []column
	by    int // the column, -1 for none
	cases map[string]*branch
}

// branchKey compiles names, by and cases; `by` stands behind `names`.
func (c *compiler) branchKey(out *columns, b *branch, at, val node) *Error {
	key, err := at.text()
	if err != nil {
		return err
	}
	switch key {
	case "names":
		return c.columnNames(out, b, val)
	case "by":
		name, err := val.text()
		if err != nil {
			return err
		}
		for i, col := range b.cols {
			if col.own >= 0 && out.keys[col.own] == name {
				b.by = i
			}
		}
		if b.by < 0 {
			return val.fail("no column %q in `names` above", name)
		}
	case "cases":
		b.cases = map[string]*branch{}
		return val.each(func(values string, _, val node) *Error {
			next := &branch{by: -1}
			if val.isMap() {
				if err := val.each(func(_ string, at, val node) *Error {
					return c.branchKey(out, next, at, val)
				}); err != nil {
					return err
				}
			} else if err := c.columnNames(out, next, val); err != nil {
				return err
			}
			for v := range strings.SplitSeq(values, ",") {
				b.cases[strings.TrimSpace(v)] = next
			}
			return next.check(val)
		})
	default:
		return at.unknown(key, "separator, least, labels, names, by, cases")
	}
	return nil
}

func (c *compiler) columnNames(out *columns, b *branch, n node) *Error {
	for _, it := range n.items() {
		if err := c.column(out, b, it); err != nil {
			return err
		}
	}
	return nil
}

func (b *branch) check(n node) *Error {
	if len(b.cols) == 0 {
		return n.fail("`names` is missing")
	}
	if (b.by >= 0) != (b.cases != nil) {
		return n.fail("`by` and `cases` go together")
	}
	return nil
}

func (c *compiler) column(out *columns, b *branch, n node) *Error {
	name, err := n.text()
	if err != nil {
		return err
	}
	col := column{own: -1}
	switch {
	case strings.Contains(name, "%{"):
		q, err := c.pattern(n, name, &out.keys)
		if err != nil {
			return err
		}
		col.pattern = &q
	case name != "" && name != "-":
		col.own = ownIndex(&out.keys, name)
	}
	b.cols = append(b.cols, col)
	return nil
}
