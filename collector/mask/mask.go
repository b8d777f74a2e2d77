package mask

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mimamori/internal/charset"
)

// Options say what is masked.
type Options struct {
	Key       []byte    // the town's key, KeySize bytes
	MyNumber  bool      // マイナンバー
	Corporate bool      // 法人番号
	Patterns  []Pattern // of the town's own
	IDs       []string  // keys whose values are known to be other numbers
	Now       time.Time // numbers that read as a time near it are times
}

// Pattern is a regular expression (RE2) over the line's text, decoded from its
// encoding. What its first group matches is masked, or the whole match where it
// has none. Names are [a-z0-9-].
type Pattern struct {
	Name  string `yaml:"name"`
	Match string `yaml:"match"`
}

// Bounds of a town's own patterns.
const (
	maxPatterns = 32
	maxPattern  = 1000 // bytes
)

// Finding is a place in a line that was masked, or a candidate that was not.
type Finding struct {
	Kind       string // MyNumber, Corporate or a pattern's name
	Reason     Reason
	Start, End int // bytes of the line
	value      string
}

// Masker finds and replaces. It is never changed, and may be used by many
// goroutines.
type Masker struct {
	key       []byte
	mynumber  bool
	corporate bool
	patterns  []pattern
	ids       []string
	from, to  int // years of plausible times
}

type pattern struct {
	name  string
	re    *regexp.Regexp
	group int
}

var nameRE = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// New checks the options and makes a Masker.
func New(o Options) (*Masker, error) {
	if len(o.Key) != KeySize {
		return nil, fmt.Errorf("mask: the key has %d bytes; it must have %d", len(o.Key), KeySize)
	}
	patterns, err := compile(o.Patterns)
	if err != nil {
		return nil, err
	}
	m := &Masker{key: o.Key, mynumber: o.MyNumber, corporate: o.Corporate, patterns: patterns, from: o.Now.Year() - 10, to: o.Now.Year() + 1}
	for _, id := range o.IDs {
		var name []char
		for _, r := range id {
			name = append(name, char{r: r})
		}
		m.ids = append(m.ids, strings.Join(split(name), ""))
	}
	return m, nil
}

// Check tells what is wrong with patterns.
func Check(patterns []Pattern) error {
	_, err := compile(patterns)
	return err
}

func compile(patterns []Pattern) ([]pattern, error) {
	if len(patterns) > maxPatterns {
		return nil, fmt.Errorf("mask: %d patterns are more than %d", len(patterns), maxPatterns)
	}
	var out []pattern
	for _, p := range patterns {
		switch {
		case !nameRE.MatchString(p.Name) || p.Name == MyNumber || p.Name == Corporate:
			return nil, fmt.Errorf("mask: %q does not do as a pattern's name; use 1 to 32 of the characters a-z, 0-9 and -, but not %s or %s", p.Name, MyNumber, Corporate)
		case len(p.Match) > maxPattern:
			return nil, fmt.Errorf("mask: the pattern %s has %d characters, more than %d", p.Name, len(p.Match), maxPattern)
		}
		re, err := regexp.Compile(p.Match)
		if err != nil {
			return nil, fmt.Errorf("mask: the pattern %s: %w", p.Name, err)
		}
		if re.MatchString("") {
			return nil, fmt.Errorf("mask: the pattern %s matches where nothing is; let it name at least one character", p.Name)
		}
		out = append(out, pattern{p.Name, re, min(1, re.NumSubexp())})
	}
	return out, nil
}

// Line masks a line. charset is as in a record, "" for UTF-8; cut says that the
// line is the beginning of a longer one. Where nothing was found it returns the
// line itself and nil. The findings are in order and do not overlap.
func (m *Masker) Line(line, name string, cut bool) (string, []Finding) {
	if name == "" || name == charset.UTF8 {
		found := m.find(line, cut)
		if len(found) == 0 {
			return line, nil
		}
		return m.replace(line, "", found), found
	}
	if !m.worth(line, name) {
		return line, nil
	}
	text := decoded(line, name)
	found := m.find(text, cut)
	if len(found) == 0 {
		return line, nil
	}
	found = home(line, name, found)
	return m.replace(line, name, found), found
}

// worth tells whether a line in a Japanese encoding must be decoded to be
// searched. CP932 and EUC-JP show their digits without that.
func (m *Masker) worth(line, name string) bool {
	if name != charset.CP932 && name != charset.EUCJP || len(m.patterns) > 0 {
		return true
	}
	digits := 0
	for i := range len(line) {
		c := line[i]
		if digit(c) || (c == 0x82 || c == 0xA3) && i+1 < len(line) && legacy(c, line[i+1]) != 0 {
			digits++
		}
	}
	return digits >= 4
}

// decoded is the text of a line in which numbers are sought; a byte that fits
// nothing is one character.
func decoded(line, name string) string {
	text := make([]byte, 0, len(line)+len(line)/2)
	for _, r := range charset.Runes(name, line) {
		text = utf8.AppendRune(text, shown(r))
	}
	return string(text)
}

func shown(r rune) rune {
	if r >= charset.Invalid {
		return utf8.RuneError
	}
	return r
}

// home moves findings from the decoded text to the bytes of the line.
func home(line, name string, found []Finding) []Finding {
	at, i, inside := 0, 0, false
	for pos, r := range charset.Runes(name, line) {
		for i < len(found) {
			if !inside && found[i].Start <= at {
				found[i].Start, inside = pos, true
			}
			if !inside || found[i].End > at {
				break
			}
			found[i].End, inside = pos, false
			i++
		}
		at += utf8.RuneLen(shown(r))
	}
	if inside {
		found[i].End = len(line)
	}
	return found
}

// find searches text that is UTF-8 but for odd bytes.
func (m *Masker) find(text string, cut bool) []Finding {
	var found []Finding
	if m.mynumber || m.corporate {
		s := scanner{line: text, long: 12, look: func(at int) int {
			f := m.look(text, at)
			if f.Reason < NotFound {
				found = append(found, f)
			}
			return f.End
		}}
		if m.corporate {
			s.long = 13
		}
		s.run()
		if cut {
			found = append(found, tail(text)...)
		}
	}
	for i := range m.patterns {
		p := &m.patterns[i]
		for _, at := range p.re.FindAllStringSubmatchIndex(text, -1) {
			if start, end := at[2*p.group], at[2*p.group+1]; start >= 0 && start < end {
				found = append(found, Finding{p.name, Matched, start, end, text[start:end]})
			}
		}
	}
	if len(found) < 2 {
		return found
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Compare(a.Start, b.Start) })
	end := 0
	return slices.DeleteFunc(found, func(f Finding) bool {
		if f.Start < end {
			return true
		}
		end = f.End
		return false
	})
}

// look reads the candidate at a place and judges it. Where it is not masked, End
// is behind its first digits, so that the search goes on there.
func (m *Masker) look(text string, at int) Finding {
	var left [behind]char
	var right [ahead]char
	w := window{line: text, left: unfold(text[:at], start(text, at), left[:0]), right: unfold(text, at, right[:0])}
	f := Finding{MyNumber, NotFound, at, at, ""}
	for _, k := range []struct {
		kind  string
		on    bool
		size  int
		check func([]byte) bool
	}{{MyNumber, m.mynumber, 12, personal}, {Corporate, m.corporate, 13, corporate}} {
		if !k.on || isDigit(last(w.left, 1)) {
			continue
		}
		hint := hinted(w.left, k.kind)
		x, ok := w.read(k.size, hint)
		if !ok {
			continue
		}
		f.Kind, f.Reason = k.kind, BadCheck
		if k.check(x.digits[:x.n]) {
			f.Reason = m.judge(&w, &x, hint)
		}
		if f.Reason < NotFound {
			f.End, f.value = int(w.right[x.chars-1].end), string(x.digits[:x.n])
			return f
		}
	}
	for i := 0; isDigit(nth(w.right, i)); i++ {
		f.End = int(w.right[i].end)
	}
	return f
}

// tail finds the beginning of a number at the cut end of a line.
func tail(text string) []Finding {
	var mem [behind]char
	end := unfold(text, start(text, len(text)), mem[:0])
	n, i := 0, len(end)
	for ; i > 0; i-- {
		if r := end[i-1].r; isDigit(r) {
			n++
		} else if r != '-' && r != ' ' {
			break
		}
	}
	for i < len(end) && !isDigit(end[i].r) {
		i++
	}
	if n < 4 || n > 11 {
		return nil
	}
	at := int(end[i].at)
	return []Finding{{MyNumber, Partial, at, len(text), text[at:]}}
}
