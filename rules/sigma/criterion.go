package sigma

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// bound is one comparison of a correlation's condition.
type bound struct{ op, number string }

// criterion is a correlation's condition.
type criterion struct {
	bounds     []bound
	fields     []string
	percentile string
}

func readCondition(items yaml.MapSlice) (criterion, error) {
	var c criterion
	for _, it := range items {
		key := fmt.Sprint(it.Key)
		switch key {
		case "field":
			c.fields = texts(it.Value)
		case "percentile":
			c.percentile = fmt.Sprint(it.Value)
		case "gt", "gte", "lt", "lte", "eq", "neq":
			s, ok := scalar(it.Value)
			if _, err := strconv.ParseFloat(s, 64); !ok || err != nil {
				return c, refuse("correlation", "condition: %s: %v is no number", key, it.Value)
			}
			c.bounds = append(c.bounds, bound{key, s})
		default:
			return c, refuse("correlation", "condition: %q is not known", key)
		}
	}
	return c, nil
}

// least is n where the condition is at least n, else 0.
func (c criterion) least() int {
	if len(c.bounds) != 1 {
		return 0
	}
	n, err := strconv.Atoi(c.bounds[0].number)
	switch {
	case err == nil && c.bounds[0].op == "gte" && n > 0:
		return n
	case err == nil && c.bounds[0].op == "gt" && n >= 0:
		return n + 1
	}
	return 0
}

// count writes the condition for our key count.
func (c criterion) count() string {
	if n := c.least(); n > 0 {
		return strconv.Itoa(n)
	}
	return c.pairs()
}

// over writes the condition for our key over.
func (c criterion) over() string {
	if len(c.bounds) == 1 && c.bounds[0].op == "gte" {
		return c.bounds[0].number
	}
	return c.pairs()
}

func (c criterion) pairs() string {
	parts := make([]string, len(c.bounds))
	for i, b := range c.bounds {
		parts[i] = b.op + ": " + b.number
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
