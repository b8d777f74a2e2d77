package format

import (
	"fmt"
	"slices"
	"time"

	"mimamori/event"
)

// testCase is one test inside a format's file.
type testCase struct {
	at       mark
	name     string
	line     string
	header   string // of the file that the line is a row of
	format   string // "" is auto
	received time.Time
	zone     *time.Location
	expect   []expectation
	absent   []event.Field
	reason   string
}

// expectation is a field and its value as text.
type expectation struct {
	at    mark
	field event.Field
	value []string
}

// Failure is a test inside a format's file that did not hold.
type Failure struct {
	Format string
	Test   string
	Err    *Error // where in the file, what was expected and what came out
}

const testKeys = "name, line, header, format, received, zone, expect, absent, reason"

func (c *compiler) tests(n node) *Error {
	for _, it := range n.items() {
		t := testCase{at: it.mark()}
		if err := it.each(func(key string, at, val node) *Error { return c.testKey(&t, key, at, val) }); err != nil {
			return err
		}
		if t.line == "" || len(t.expect) == 0 && t.reason == "" {
			return it.fail("a test needs `line` and `expect`")
		}
		c.f.tests = append(c.f.tests, t)
	}
	return nil
}

func (c *compiler) testKey(t *testCase, key string, at, val node) (err *Error) {
	switch key {
	case "name":
		t.name, err = val.text()
	case "line":
		t.line, err = val.text()
	case "header":
		t.header, err = val.text()
	case "format":
		t.format, err = val.text()
	case "reason":
		t.reason, err = val.text()
	case "received":
		var s string
		if s, err = val.text(); err == nil {
			var bad error
			if t.received, bad = time.Parse(time.RFC3339, s); bad != nil {
				err = val.fail("%v", bad)
			}
		}
	case "zone":
		var s string
		if s, err = val.text(); err == nil {
			var bad error
			if t.zone, bad = time.LoadLocation(s); bad != nil {
				err = val.fail("%v", bad)
			}
		}
	case "expect":
		err = c.expectations(t, "", val)
	case "absent":
		for _, it := range val.items() {
			var name string
			if name, err = it.text(); err != nil {
				return err
			}
			f, err := c.field(name, it)
			if err != nil {
				return err
			}
			t.absent = append(t.absent, f)
		}
	default:
		return at.unknown(key, testKeys)
	}
	return err
}

func (c *compiler) expectations(t *testCase, prefix string, n node) *Error {
	return n.each(func(key string, at, val node) *Error {
		if val.isMap() {
			return c.expectations(t, prefix+key+".", val)
		}
		f, err := c.field(prefix+key, at)
		if err != nil {
			return err
		}
		list, err := val.texts()
		t.expect = append(t.expect, expectation{val.mark(), f, list})
		return err
	})
}

// Test runs the tests inside the formats, each line through recognition, as it
// would arrive. The result is empty when all hold.
func Test(s *Set) []Failure {
	var out []Failure
	for _, f := range s.formats {
		if len(f.tests) == 0 {
			out = append(out, Failure{f.name, "", f.src.errAt(1, 1, "the format has no tests")})
		}
		for i := range f.tests {
			t := &f.tests[i]
			for _, err := range s.run(f, t) {
				out = append(out, Failure{f.name, t.name, err})
			}
		}
	}
	return out
}

// run runs one test.
func (s *Set) run(f *compiled, t *testCase) []*Error {
	received := t.received
	if received.IsZero() {
		received = TestTime()
	}
	x := &event.Builder{}
	res := s.Parser(Options{Location: t.zone}).Parse(Input{Line: t.line, Header: t.header, Received: received, Format: t.format}, x)
	var out []*Error
	if res.Format != f.name && (f.unwrap.key == "" || res.Format == "") { // an envelope bears the name of what is in it
		return append(out, t.at.fail("%s: the line went to %q (%s), not to %s", t.name, res.Format, res.Reason, f.name))
	}
	if res.Reason != t.reason {
		out = append(out, t.at.fail("%s: quarantine reason is %q, expected %q", t.name, res.Reason, t.reason))
	}
	for _, e := range t.expect {
		v, ok := x.Get(e.field)
		if !ok {
			out = append(out, e.at.fail("%s: %s is absent, expected %q", t.name, e.field.Name(), e.value))
		} else if !sameValue(v, e) {
			out = append(out, e.at.fail("%s: %s is %q, expected %q", t.name, e.field.Name(), v.Text(), e.value))
		}
	}
	for _, field := range t.absent {
		if v, ok := x.Get(field); ok {
			out = append(out, t.at.fail("%s: %s is %q, expected to be absent", t.name, field.Name(), v.Text()))
		}
	}
	return out
}

// sameValue compares a value with how a test writes it.
func sameValue(v event.Value, e expectation) bool {
	if v.Kind() == event.List {
		return slices.Equal(v.List(), e.value)
	}
	if len(e.value) != 1 {
		return false
	}
	if v.Kind() == event.Date {
		at, err := time.Parse(time.RFC3339Nano, e.value[0])
		return err == nil && at.UnixNano() == v.Int()
	}
	return v.Text() == e.value[0]
}

// Error tells which test failed and where.
func (f Failure) Error() string { return fmt.Sprintf("%s: %s", f.Format, f.Err) }

// TestTime is when the lines of tests are received that do not say it.
func TestTime() time.Time { return time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) }
