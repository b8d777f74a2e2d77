package draft

import (
	"fmt"
	"slices"
	"strings"

	"mimamori/event"
	"mimamori/ingest/format"
)

// recognition finds conditions that all samples fulfil and no other format's
// lines do, by trying them beside the known formats.
func (d *drafter) recognition() error {
	before := map[string]bool{}
	for _, f := range format.Test(d.set) {
		before[f.Format+f.Test] = true
	}
	for _, try := range d.conditions() {
		good, err := d.tells(try, before)
		if err != nil {
			return err
		}
		if good {
			d.recog = try
			return nil
		}
	}
	d.recog, d.byName = []string{"by-name: true"}, true
	d.note("nothing in the samples tells them from the lines of other formats: the source has to name the format (by-name), until you find what does")
	return nil
}

// conditions lists what may stand in `recognise:`, the shortest first.
func (d *drafter) conditions() (out [][]string) {
	switch d.cut.kind {
	case "cef":
		return [][]string{{"starts: [" + quote("CEF:0|"+d.cut.lead) + "]"}, {"starts: [" + quote("CEF:1|"+d.cut.lead) + "]"}}
	case "leef":
		return [][]string{{"{starts: ['LEEF:'], contains: [" + quote("|"+d.cut.lead) + "]}"}}
	case "kv", "json", "xml", "ltsv", "rows":
		return d.keyConditions()
	}
	app := d.commonApp()
	if app != "" {
		out = append(out, []string{"app: " + list([]string{app})})
	}
	var forms []string
	for _, f := range d.cut.form {
		if letters(f) >= 4 && !slices.Contains(forms, f) {
			forms = append(forms, f)
		}
	}
	if len(forms) > 0 {
		out = append(out, []string{"like: " + list(forms)})
	}
	if app != "" && len(forms) > 0 {
		out = append(out, []string{"{app: " + list([]string{app}) + ", like: " + list(forms) + "}"})
	}
	if f := d.commonForm(); letters(f) >= 3 {
		out = append(out, []string{"like: " + list([]string{f})})
	}
	return out
}

// commonApp is the program that the header of every sample names, or "".
func (d *drafter) commonApp() string {
	app := d.lines[0].app
	for i := range d.lines {
		if d.lines[i].app != app {
			return ""
		}
	}
	return app
}

// longestForm is how far a common beginning is looked for.
const longestForm = 48

// commonForm is how every sample begins, as `like` has it: digits may differ.
func (d *drafter) commonForm() string {
	first := d.lines[0].body
	n := min(len(first), longestForm)
	for i := range d.lines {
		s := d.lines[i].body
		n = min(n, len(s))
		for j := range n {
			if c := first[j]; c != s[j] && !(isDigit(c) && isDigit(s[j])) || strings.IndexByte("#&*\t", c) >= 0 || c >= 0x80 {
				n = j
				break
			}
		}
	}
	form := strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return '#'
		}
		return r
	}, first[:n])
	return strings.TrimRight(form, "# ")
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func letters(s string) (n int) {
	for _, r := range s {
		if r > '@' {
			n++
		}
	}
	return n
}

// keyConditions are keys that are in every sample: first those that no known
// format names, then more of them.
func (d *drafter) keyConditions() (out [][]string) {
	var common []string
	uses := map[string]int{}
	for _, k := range d.keys {
		if k.lines == d.probed() && !strings.ContainsAny(k.name, "*?") {
			common = append(common, k.name)
			uses[k.name] = d.set.Uses(k.name)
		}
	}
	slices.SortStableFunc(common, func(a, b string) int { return uses[a] - uses[b] })
	for _, n := range []int{3, 5, 8, 12, 20} {
		if n = min(n, len(common)); n > 0 {
			out = append(out, []string{"keys: " + list(common[:n])})
		}
	}
	return slices.CompactFunc(out, slices.Equal[[]string])
}

// tells tries conditions: every sample goes to this format, and no test of
// another one fails that did not before.
func (d *drafter) tells(conditions []string, before map[string]bool) (bool, error) {
	set, err := d.load(d.head()+"recognise:\n  - "+strings.Join(conditions, "\n  - ")+"\n", true)
	if err != nil {
		return false, fmt.Errorf("draft: %w", err)
	}
	p := set.Parser(format.Options{Location: d.Zone})
	x := &event.Builder{}
	for i := range d.lines {
		if len(d.lines[i].keys) == 0 {
			continue
		}
		x.Reset()
		if res := p.Parse(d.input(d.lines[i].whole), x); res.Format != d.Name {
			return false, nil
		}
	}
	for _, f := range format.Test(set) {
		if f.Format != d.Name && !before[f.Format+f.Test] {
			return false, nil
		}
	}
	return true, nil
}
