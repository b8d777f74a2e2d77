package console

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed messages.tsv
var messagesTSV string

// message is one text in Japanese and English. {0} is the first argument;
// {0:alert|alerts} is the first word when that argument is 1, else the second.
type message struct{ ja, en string }

type texts map[string]message

// loadTexts reads the table: key, Japanese, English, a line each.
func loadTexts() (texts, error) {
	t := texts{}
	n := 0
	for line := range strings.Lines(messagesTSV) {
		n++
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		cells := strings.Split(line, "\t")
		if len(cells) != 3 || cells[1] == "" || cells[2] == "" {
			return nil, fmt.Errorf("console: messages.tsv:%d: want key, Japanese, English: %s", n, line)
		}
		if _, twice := t[cells[0]]; twice {
			return nil, fmt.Errorf("console: messages.tsv:%d: %s is there twice", n, cells[0])
		}
		t[cells[0]] = message{cells[1], cells[2]}
	}
	return t, nil
}

// get renders a text. An unknown key renders as itself; a test forbids that.
func (t texts) get(lang, key string, args ...any) string {
	m, ok := t[key]
	if !ok {
		return key
	}
	s := m.ja
	if lang == english {
		s = m.en
	}
	if !strings.Contains(s, "{") {
		return s
	}
	return fill(s, args)
}

func fill(s string, args []any) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '{')
		j := strings.IndexByte(s, '}')
		if i < 0 || j < i {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		index, words, plural := strings.Cut(s[i+1:j], ":")
		if n, err := strconv.Atoi(index); err == nil && n < len(args) {
			if arg := fmt.Sprint(args[n]); plural {
				one, many, _ := strings.Cut(words, "|")
				if arg == "1" {
					many = one
				}
				b.WriteString(many)
			} else {
				b.WriteString(arg)
			}
		}
		s = s[j+1:]
	}
}

// The languages.
const (
	japanese = "ja"
	english  = "en"
)
