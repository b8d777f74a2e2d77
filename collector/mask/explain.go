package mask

import (
	"cmp"
	"slices"

	"mimamori/internal/charset"
)

// Explain returns every place that Line would mask, and the numbers that might
// have been meant and were left alone, each with its reason. Long numbers are
// named where they hold a number that passes the check.
func (m *Masker) Explain(line, name string, cut bool) []Finding {
	text := line
	if name != "" && name != charset.UTF8 {
		text = decoded(line, name)
	}
	found := m.find(text, cut)
	masked := func(f Finding) bool {
		return slices.ContainsFunc(found, func(g Finding) bool { return f.Start < g.End && g.Start < f.End })
	}
	var left []Finding
	add := func(f Finding) {
		if !masked(f) && !slices.ContainsFunc(left, func(g Finding) bool { return f.Start < g.End && g.Start < f.End }) {
			left = append(left, f)
		}
	}
	s := scanner{line: text, long: 12, all: true, look: func(at int) int {
		f := m.look(text, at)
		if f.Reason > NotFound {
			add(f)
		}
		return f.End
	}}
	s.run()
	for _, f := range longer(text) {
		add(f)
	}
	found = append(found, left...)
	slices.SortFunc(found, func(a, b Finding) int { return cmp.Compare(a.Start, b.Start) })
	if name != "" && name != charset.UTF8 {
		found = home(line, name, found)
	}
	return found
}

// longer finds runs of more than 12 digits in which 12 pass the check.
func longer(text string) (out []Finding) {
	for i := 0; i < len(text); i++ {
		from := i
		for i < len(text) && digit(text[i]) {
			i++
		}
		for at := from; i-from > 12 && at+12 <= i; at++ {
			if personal([]byte(text[at : at+12])) {
				out = append(out, Finding{MyNumber, Longer, from, i, ""})
				break
			}
		}
	}
	return out
}

// Text says the reason for a person, in Japanese and English.
func (r Reason) Text() (japanese, english string) {
	t, ok := reasons[r]
	if !ok {
		return "番号ではない", "no number"
	}
	return t[0], t[1]
}

// IsMasked tells whether a finding of this reason is replaced.
func (r Reason) IsMasked() bool { return r < NotFound }

var reasons = map[Reason][2]string{
	Masked:   {"検査用数字が一致し、ほかの番号と見る理由がない", "the check digit fits, and nothing else explains the number"},
	Hinted:   {"検査用数字が一致し、直前の語が番号の種類を示す", "the check digit fits, and the words before it say what it is"},
	Partial:  {"切り詰めた行の末尾にある番号の一部", "the beginning of a number at the cut end of a line"},
	Matched:  {"設定したパターンに一致", "a configured pattern matches"},
	BadCheck: {"検査用数字が一致しない", "the check digit does not fit"},
	Longer:   {"より長い番号の一部", "part of a longer number"},
	InWord:   {"英数字の語の一部", "part of a word or code"},
	InGUID:   {"GUID の一部", "part of a GUID"},
	Decimal:  {"小数またはドット区切りの一部", "part of a decimal or dotted number"},
	Stamp:    {"日時", "a time"},
	Made:     {"切りのよい数、またはゼロ埋めの連番", "a round number, or one padded with zeros"},
	OtherKey: {"項目名が別の番号であることを示す", "its key names something else"},
	Phone:    {"国番号付きの電話番号", "a phone number with its country code"},
	Account:  {"クラウドのアカウント番号", "an account number of a cloud"},
	Device:   {"機器のシリアル番号", "a device's serial number"},
}
