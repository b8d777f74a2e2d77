package draft

import (
	"slices"
	"strconv"
	"strings"

	"mimamori/ingest/format/cluster"
)

// maxPatterns bounds the patterns that a draft of text has.
const maxPatterns = 20

// dissect makes patterns of the shapes of text lines.
func (d *drafter) dissect() {
	shapes := cluster.New(500)
	for i := range d.lines {
		s := &d.lines[i]
		shapes.Add(cluster.Line{Group: s.app, Body: s.body, Whole: s.body})
	}
	list := shapes.List()
	if len(list) > maxPatterns {
		d.note("the lines are of %d shapes, the %d most frequent have patterns; see `formats coverage --from` for the others", len(list), maxPatterns)
		list = list[:maxPatterns]
	}
	var patterns []string
	for _, sh := range list {
		text, like := patternOf(sh.Pattern, sh.Example)
		if text == "" || slices.Contains(patterns, quote(text)) {
			continue
		}
		patterns = append(patterns, quote(text))
		if like != "" {
			d.cut.form = append(d.cut.form, like)
		} else {
			d.cut.form = append(d.cut.form, "")
		}
	}
	d.cut.kind, d.cut.text = "dissect", "\n  dissect: # one a kind of line, the special ones before the general ones\n    - "+strings.Join(patterns, "\n    - ")
	if len(patterns) == 0 {
		d.cut = cutting{kind: "none", text: "none"}
	}
}

// patternOf makes a dissect pattern of a shape, with the blanks of an example,
// and how lines of it begin; "" for a shape without a word of its own.
func patternOf(shape, example string) (pattern, like string) {
	words := strings.Split(shape, " ")
	if shape == "" || strings.Contains(example, "%{") {
		return "", ""
	}
	var out, begin strings.Builder
	names := map[string]int{}
	rest, before := example, ""
	fixed, open := 0, true
	for i, w := range words {
		lead, key, trail, variable := keyIn(w, before)
		gap := len(rest) - len(strings.TrimLeft(rest, " \t"))
		if i > 0 {
			if gap == 0 {
				return "", ""
			}
			blank := rest[:gap]
			if gap > 1 && strings.HasSuffix(out.String(), "}") {
				s := strings.TrimSuffix(out.String(), "}")
				out.Reset()
				out.WriteString(s + "->}")
				blank = blank[:1]
			}
			out.WriteString(blank)
		}
		rest = rest[gap:]
		if open && i > 0 {
			begin.WriteByte(' ')
		}
		if !variable {
			out.WriteString(w)
			fixed += len(w)
			if open = open && !strings.ContainsAny(w, "#&*"); open {
				begin.WriteString(w)
			}
		} else {
			if names[key]++; names[key] > 1 {
				key += strconv.Itoa(names[key])
			}
			out.WriteString(lead + "%{" + key + "}" + trail)
			if open = open && !strings.ContainsAny(lead+trail, "#&*") && (w[0] != '"' || len(w) < 2); open {
				begin.WriteString(lead + "*" + trail)
			}
		}
		end := endOfWord(rest)
		before, rest = strings.Trim(w, `=:,;()[]"'`), rest[end:]
	}
	if fixed < 3 {
		return "", ""
	}
	return out.String(), strings.TrimRight(begin.String(), " ")
}

// endOfWord finds the blank that ends a word; quotes hold blanks.
func endOfWord(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case (s[i] == ' ' || s[i] == '\t') && !quoted:
			return i
		}
	}
	return len(s)
}

// keyIn takes a masked word apart: what stands before and behind what differs,
// and a name for that, of the words around it.
func keyIn(w, before string) (lead, key, trail string, variable bool) {
	if !strings.ContainsAny(w, "*#<") {
		return "", "", "", false
	}
	bare := strings.Trim(w, `()[]{}"',;:`)
	if bare == "" {
		return "", "", "", false
	}
	i := strings.Index(w, bare)
	lead, trail = w[:i], w[i+len(bare):]
	if eq := strings.IndexAny(bare, "=:"); eq > 0 && bare != "<ip:port>" && !strings.ContainsAny(bare[:eq], "*#<") {
		return lead + bare[:eq+1], plainKey(bare[:eq]), trail, true
	}
	key = plainKey(before)
	switch {
	case strings.Count(bare, "#") >= 3 && strings.ContainsAny(bare, ":-/"):
		key = "time"
	case key != "":
	case strings.Contains(bare, "<ip"):
		key = "address"
	case strings.Trim(bare, "#") == "":
		key = "number"
	default:
		key = "text"
	}
	return lead, key, trail, true
}

// plainKey makes a key's name of a word; "" of one that has no letters.
func plainKey(s string) string {
	s = strings.ToLower(strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || 'a' <= r|0x20 && r|0x20 <= 'z' {
			return r
		}
		return -1
	}, s))
	return strings.Trim(s, "-_")
}

func number(i int) string { return strconv.Itoa(i) }
