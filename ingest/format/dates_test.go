package format

import (
	"regexp"
	"testing"
	"time"
	"unicode/utf8"

	"mimamori/event"
)

// japaneseDate finds a year or a date as Japan writes it: 令和8年, R8.11.22, ㋿,
// 2026年11月22日, 午後3時.
var japaneseDate = regexp.MustCompile(`(令和|平成|昭和)\s*([0-9０-９]+|元)|[㋿㍻㍼]|(^|[^0-9A-Za-z])[RHS][0-9]{1,2}[./年][0-9]{1,2}[./月][0-9]{1,2}|[0-9０-９]+年[0-9０-９]+月|(午前|午後)[0-9０-９]+時`)

// TestNoFieldHoldsADateAsJapanWritesIt parses the lines of all formats' own tests:
// a date field holds a time of a sane year, and no field, a vendor's own included,
// holds a Japanese date or text that is not UTF-8. The line itself stays as it
// was, and what people wrote (messages, file and window names) may speak of dates.
func TestNoFieldHoldsADateAsJapanWritesIt(t *testing.T) {
	set, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	prose := map[string]bool{"event.original": true, "message": true, "error.message": true, "event.reason": true, "email.subject": true}
	seen, written := 0, 0
	for _, f := range set.formats {
		for i := range f.tests {
			c := &f.tests[i]
			received := c.received
			if received.IsZero() {
				received = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
			}
			if japaneseDate.MatchString(c.line) {
				written++
			}
			x := new(event.Builder)
			set.Parser(Options{Location: c.zone}).Parse(Input{Line: c.line, Header: c.header, Received: received, Format: c.format}, x)
			for field, v := range new(event.Batch).Append(x, event.Ref{}).All {
				if prose[field.Name()] || field.Type() == event.Text {
					continue
				}
				seen++
				if field.Type() == event.Date {
					if v.Kind() != event.Date {
						t.Errorf("%s: %s: %s holds %q, no time", f.name, c.name, field.Name(), v.Text())
					} else if y := time.Unix(0, v.Int()).UTC().Year(); y < 1970 || y > 2262 {
						t.Errorf("%s: %s: %s is of the year %d", f.name, c.name, field.Name(), y)
					}
					continue
				}
				if text := v.Text(); japaneseDate.MatchString(text) || !utf8.ValidString(text) {
					t.Errorf("%s: %s: %s holds %q", f.name, c.name, field.Name(), text)
				}
			}
		}
	}
	if seen < 5000 || written == 0 {
		t.Fatalf("%d values of %d lines with a Japanese date: the test does not see the formats", seen, written)
	}
	t.Logf("%d values, %d lines with a Japanese date", seen, written)
}

func TestJapaneseDatesAreKnown(t *testing.T) {
	for _, s := range []string{"令和8年11月22日", "令和元年", "R8.11.22", "R08/11/22", "㋿8.11.22", "2026年11月22日", "２０２６年１１月", "午後3時"} {
		if !japaneseDate.MatchString(s) {
			t.Errorf("%q is not seen", s)
		}
	}
	for _, s := range []string{"2026-11-22", "SHA1.2.3", "v8.11.22", "FGR8.11.22", "年次報告", "S3"} {
		if japaneseDate.MatchString(s) {
			t.Errorf("%q is taken for a date", s)
		}
	}
}
