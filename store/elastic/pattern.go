package elastic

import (
	"regexp"
	"strings"
	"unicode"

	"mimamori/internal/lang"
)

// A pattern is a regular expression of Lucene that matches a term as a whole.

// maxPattern bounds a pattern, in letters of what is searched; what is longer
// is cut, and so finds more than it should.
const maxPattern = 1000

// anyRun is any run of characters.
const anyRun = ".*"

// letters writes text as a pattern; with fold, of every spelling that lang
// takes for the same.
func letters(text string, spellings func(rune) []rune) string {
	var b strings.Builder
	for _, r := range text {
		same := []rune{r}
		if spellings != nil {
			same = spellings(r)
		}
		if len(same) == 1 {
			b.WriteString(letter(same[0]))
			continue
		}
		b.WriteString("[" + string(same) + "]") // only letters have several
	}
	return b.String()
}

func letter(r rune) string {
	if r < 0x80 && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
		return `\` + string(r)
	}
	return string(r)
}

// lowered are the runes that have r as their lower case.
func lowered(r rune) []rune {
	out := []rune{r}
	for _, x := range orbit(r) {
		if x != r && unicode.ToLower(x) == r {
			out = append(out, x)
		}
	}
	return out
}

// orbit are the runes that are r when letter case does not matter, in lower
// case or in a regular expression.
func orbit(r rune) []rune {
	out := []rune{r}
	for x := unicode.SimpleFold(r); x != r; x = unicode.SimpleFold(x) {
		out = append(out, x)
	}
	if r == 'i' || r == 'I' {
		out = append(out, 'İ') // folds to itself only, but i is its lower case
	}
	return out
}

// shape writes how an operation matches a word; complete is false where the
// pattern had to be cut.
func shape(op lang.Op, word string, fold bool) (pattern string, complete bool) {
	spellings := map[bool]func(rune) []rune{true: lowered}[fold]
	if op == lang.Like {
		return wildcards(word, spellings)
	}
	runes, before, after := []rune(word), "", ""
	if op == lang.Contains || op == lang.EndsWith {
		before = anyRun
	}
	if op == lang.Contains || op == lang.StartsWith {
		after = anyRun
	}
	if complete = len(runes) <= maxPattern; !complete {
		if runes = runes[:maxPattern]; op == lang.EndsWith {
			runes = []rune(word)[len([]rune(word))-maxPattern:]
		} else {
			after = anyRun
		}
	}
	return before + letters(string(runes), spellings) + after, complete
}

// wildcards writes the pattern of like. Many ? behind a * make an automaton that
// Elasticsearch refuses: such ones match any run.
func wildcards(word string, spellings func(rune) []rune) (string, bool) {
	var b strings.Builder
	complete, loose := true, strings.Count(word, "?") > 6 && strings.Contains(word, "*") || strings.Count(word, "*") > 50
	escaped, n := false, 0
	for i, r := range word {
		if n++; n > maxPattern {
			return b.String() + anyRun, false
		}
		switch {
		case escaped:
			escaped = false
			b.WriteString(letters(string(r), spellings))
		case r == '*':
			b.WriteString(anyRun)
		case r == '?' && loose:
			b.WriteString(anyRun)
			complete = false
		case r == '?':
			b.WriteString(".")
		case r == '\\' && i+1 < len(word) && strings.IndexByte(`*?\`, word[i+1]) >= 0:
			escaped = true
		default:
			b.WriteString(letters(string(r), spellings))
		}
	}
	return b.String(), complete
}

// needed are patterns that a term must match for a regular expression to match.
func needed(re *regexp.Regexp) []string {
	var out []string
	for _, words := range lang.Required(re.String()) {
		var any []string
		for _, w := range words {
			if len([]rune(w)) > 50 {
				w = string([]rune(w)[:50])
			}
			any = append(any, anyRun+letters(w, orbit)+anyRun)
		}
		if len(any) > 0 {
			out = append(out, strings.Join(any, "|"))
		}
	}
	return out
}
