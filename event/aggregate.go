package event

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Aggregate asks for figures over the events that match a query: one row for
// each combination of values of the fields in By, or one for all events.
//
// An event that lacks one of the fields is in no row. An element of a list is a
// value of its own, and an event counts once for each different one.
type Aggregate struct {
	By       []string  // at most two fields, none of type text
	Measures []Measure // beside the number of events
	Limit    int       // most rows; 0 means 100, at most 10,000
}

// Most is how many rows the answer has at most.
func (a *Aggregate) Most() int { return most(a.Limit) }

// Measure is one figure of a row.
type Measure struct {
	Kind    Reckoning
	Field   string
	Percent float64 // of Percentile: above 0, at most 100
}

// Reckoning says what is made of a field's values.
type Reckoning uint8

// The reckonings. Where no event of a row has the field, Distinct and Sum are 0
// and the others have no value.
const (
	Distinct   Reckoning = iota // how many different values (elements of a list each)
	Sum                         // of numbers, as double
	Average                     // of numbers, as double
	Least                       // of numbers and dates
	Greatest                    // of numbers and dates
	Percentile                  // of numbers and dates: the least value that Percent of them do not exceed
)

var reckonings = [...]string{"distinct", "sum", "avg", "min", "max"}

// Table is an answer in rows.
type Table struct {
	Columns []string   // of Aggregate: By, "count", then each Measure's String
	Rows    [][]*Value // nil is no value
	Cut     bool       // there were more rows than the limit
	// Estimated tells that there were too many values for this engine: distinct
	// counts and percentiles are its estimates.
	Estimated bool
}

// maxMeasures bounds how many figures a row has.
const maxMeasures = 16

// ErrTooLarge is wrapped by a store's error for a question whose answer does
// not fit into the memory that questions have.
var ErrTooLarge = errors.New("the question needs more memory than questions may have; narrow the time range or the condition")

// String writes a measure as ParseMeasure reads it: distinct(user.name), p95(event.duration).
func (m Measure) String() string {
	name := "p" + strconv.FormatFloat(m.Percent, 'g', -1, 64)
	if int(m.Kind) < len(reckonings) {
		name = reckonings[m.Kind]
	}
	return name + "(" + m.Field + ")"
}

// ParseMeasure reads distinct(F), sum(F), avg(F), min(F), max(F) or, for the
// 95th percentile, p95(F).
func ParseMeasure(s string) (Measure, error) {
	name, rest, ok := strings.Cut(strings.TrimSpace(s), "(")
	field, after, closed := strings.Cut(rest, ")")
	if ok && closed && after == "" {
		for k, n := range reckonings {
			if n == name {
				return Measure{Kind: Reckoning(k), Field: field}, nil
			}
		}
		if p, isPercent := strings.CutPrefix(name, "p"); isPercent {
			if n, err := strconv.ParseFloat(p, 64); err == nil && n > 0 && n <= 100 {
				return Measure{Percentile, field, n}, nil
			}
		}
	}
	return Measure{}, fmt.Errorf("%q is no measure; write distinct(FIELD), sum(FIELD), avg(FIELD), min(FIELD), max(FIELD) or p95(FIELD)", s)
}

// Check says what is wrong with an Aggregate. Every store refuses the same.
func (a Aggregate) Check() error {
	if len(a.By) > 2 || len(a.Measures) > maxMeasures {
		return fmt.Errorf("%d fields to group by and %d measures; at most 2 and %d are possible", len(a.By), len(a.Measures), maxMeasures)
	}
	if len(a.By) == 2 && a.By[0] == a.By[1] {
		return fmt.Errorf("group by %s twice; name another field", a.By[0])
	}
	for _, name := range a.By {
		f, err := FieldOf(name)
		if err != nil {
			return err
		}
		if f.Type() == Text {
			return fmt.Errorf("%s is prose and has no groups; group by a field of another type", name)
		}
	}
	for _, m := range a.Measures {
		f, err := FieldOf(m.Field)
		if err != nil {
			return err
		}
		if err := m.check(f.Type()); err != nil {
			return err
		}
	}
	return nil
}

func (m Measure) check(t Type) error {
	number := t == Long || t == Double
	switch m.Kind {
	case Distinct:
		if t == Text {
			return fmt.Errorf("%s: %s is prose; count different values of a field of another type", m, m.Field)
		}
		return nil
	case Sum, Average:
	case Percentile:
		if !(m.Percent > 0 && m.Percent <= 100) {
			return fmt.Errorf("%s: a percentile is above 0 and at most 100", m)
		}
		number = number || t == Date
	case Least, Greatest:
		number = number || t == Date
	default:
		return fmt.Errorf("%s: no such measure", m)
	}
	if !number {
		return fmt.Errorf("%s: %s is of type %s; %s needs numbers", m, m.Field, t, m)
	}
	return nil
}

// FieldOf finds a field by the name that a person wrote: one of the registry or a
// vendor's (with a dot), which no event need have. Its error says what is near.
func FieldOf(name string) (Field, error) {
	f, ok := Lookup(name)
	if ok {
		return f, nil
	}
	if near := Nearest(name); near != "" {
		return 0, fmt.Errorf("no field %q; did you mean %s?", name, near)
	}
	if strings.Contains(name, ".") {
		if f, ok = Intern(name); ok {
			return f, nil
		}
	}
	return 0, fmt.Errorf("no field %q", name)
}
