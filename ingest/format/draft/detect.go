package draft

import (
	"slices"
	"strings"
	"unicode"
)

// cutting is how the lines are cut.
type cutting struct {
	kind string   // as `cut:` names it; "columns" and "dissect" have more to say
	text string   // what stands behind `cut:`
	form []string // of text: how lines begin, as `like` has it
	lead string   // of cef and leef: vendor and product, "Acme|FW|"
}

// extends tells whether the draft builds on the format of that name.
func (c *cutting) extends() bool { return c.kind == "cef" || c.kind == "leef" }

// line is what the file says of it.
func (c *cutting) line() string {
	if strings.HasPrefix(c.text, "\n") {
		return "cut:" + c.text
	}
	return "cut: " + c.text
}

// most is the share of samples that a way to cut must fit.
const most = 0.9

func (d *drafter) share(fits func(body string) bool) float64 {
	n := 0
	for i := range d.lines {
		if fits(d.lines[i].body) {
			n++
		}
	}
	return float64(n) / float64(len(d.lines))
}

// detect finds out how the lines are cut; what nothing else fits is text.
func (d *drafter) detect() {
	prefix := func(p string) func(string) bool { return func(s string) bool { return strings.HasPrefix(s, p) } }
	ways := []struct {
		kind string
		fits func(string) bool
	}{
		{"json", prefix("{")},
		{"xml", func(s string) bool { return len(s) > 2 && s[0] == '<' && (unicode.IsLetter(rune(s[1])) || s[1] == '?') }},
		{"cef", prefix("CEF:")},
		{"leef", prefix("LEEF:")},
		{"ltsv", isLTSV},
		{"kv", isPairs},
	}
	if d.header != "" {
		d.cut = cutting{kind: "rows", text: "rows"}
		return
	}
	for _, w := range ways {
		if d.share(w.fits) >= most {
			d.cut = cutting{kind: w.kind, text: w.kind}
			if d.cut.extends() {
				d.cut.lead = productOf(d.lines[0].body)
			}
			return
		}
	}
	if sep, n := d.columns(); n > 0 {
		names := make([]string, n)
		for i := range names {
			names[i] = "column" + number(i+1)
		}
		d.cut = cutting{kind: "columns", text: "{columns: {separator: " + quote(sep) + ", names: [" + strings.Join(names, ", ") + "]}}"}
		d.note("the columns have no names in the samples: name them from the vendor's documentation, in `cut` and wherever else they stand")
		return
	}
	d.dissect()
}

// isLTSV tells whether a line is of label:value pairs between tabs.
func isLTSV(s string) bool {
	parts := strings.Split(s, "\t")
	for _, p := range parts {
		if i := strings.IndexByte(p, ':'); i <= 0 || strings.ContainsAny(p[:i], " =\"") {
			return false
		}
	}
	return len(parts) > 2
}

// isPairs tells whether most of a line is key=value.
func isPairs(s string) bool {
	n, inPairs, quoted := 0, 0, false
	start := 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] == '"' {
			quoted = !quoted
		}
		if i < len(s) && (quoted || strings.IndexByte(" ,;|\t", s[i]) < 0) {
			continue
		}
		if eq := strings.IndexByte(s[start:i], '='); eq > 0 && strings.IndexFunc(s[start:start+eq], notKey) < 0 {
			n++
			inPairs += i - start + 1
		}
		start = i + 1
	}
	return n >= 3 && inPairs*2 >= len(s)
}

func notKey(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.@[]$", r)
}

// productOf reads Vendor|Product| of a CEF or LEEF line.
func productOf(s string) string {
	part := strings.SplitN(s, "|", 4)
	if len(part) < 4 {
		return ""
	}
	return part[1] + "|" + part[2] + "|"
}

// columns finds the separator that stands equally often in every line.
func (d *drafter) columns() (sep string, n int) {
	for _, c := range []string{"\t", ",", ";", "|"} {
		counts := map[int]int{}
		for i := range d.lines {
			counts[countOutside(d.lines[i].body, c[0])]++
		}
		for k, times := range counts {
			if k >= 3 && k < 200 && k+1 > n && float64(times) >= most*float64(len(d.lines)) {
				sep, n = c, k+1
			}
		}
	}
	if sep == "\t" {
		sep = "tab"
	}
	return sep, n
}

// countOutside counts a byte outside of quotes.
func countOutside(s string, c byte) (n int) {
	quoted := false
	for i := range len(s) {
		if s[i] == '"' {
			quoted = !quoted
		} else if s[i] == c && !quoted {
			n++
		}
	}
	return n
}

// findHeader takes the header line off rows of a file: W3C's #Fields, or a first
// line of names where the others have values.
func findHeader(lines []string) (string, []string) {
	for _, l := range lines[:min(len(lines), 10)] {
		if lower := strings.ToLower(l); strings.HasPrefix(lower, "#fields") {
			return l, slices.DeleteFunc(slices.Clone(lines), func(s string) bool { return strings.HasPrefix(s, "#") })
		}
	}
	if len(lines) < 2 {
		return "", lines
	}
	first := strings.TrimPrefix(lines[0], "\ufeff")
	for _, sep := range []byte{'\t', ',', ';', '|'} {
		n := countOutside(first, sep)
		if n < 2 || !areNames(strings.Split(first, string(sep))) {
			continue
		}
		same := 0
		for _, l := range lines[1:] {
			if countOutside(l, sep) == n && !areNames(strings.Split(l, string(sep))) {
				same++
			}
		}
		if float64(same) >= most*float64(len(lines)-1) {
			return lines[0], lines[1:]
		}
	}
	return "", lines
}

// areNames tells whether these can be the names of columns: different ones, none
// empty, none a number, an address or a time.
func areNames(cells []string) bool {
	seen := map[string]bool{}
	for _, c := range cells {
		c = strings.Trim(strings.TrimSpace(c), `"`)
		if c == "" || seen[c] || strings.ContainsAny(c, "=<>{}") || !strings.ContainsFunc(c, unicode.IsLetter) || strings.Count(c, ".") > 2 {
			return false
		}
		digits := len(c) - len(strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return -1
			}
			return r
		}, c))
		if seen[c] = true; digits > 2 {
			return false
		}
	}
	return true
}
