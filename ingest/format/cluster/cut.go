package cluster

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// kind is how a line is built.
type kind string

const (
	words kind = "text"
	pairs kind = "pairs"
	jsons kind = "json"
	xmls  kind = "xml"
)

// least is how alike two lines of one shape are.
func (k kind) least() float64 {
	if k == words {
		return 0.5
	}
	return 0.6
}

// leaf says which shapes a line is compared with at all: those of as many words
// that begin alike, those of sets that have the same first key.
func (k kind) leaf(tokens []string) string {
	first := ""
	if len(tokens) > 0 {
		first = tokens[0]
	}
	if k != words {
		return ""
	}
	if strings.ContainsAny(first, "<*#") {
		first = ""
	}
	return strconv.Itoa(len(tokens)) + first
}

// cut finds out how a line is built, and its words or the set of its keys.
func cut(s string) (kind, []string) {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "{") {
		if keys := jsonKeys(s); len(keys) > 0 {
			return jsons, set(keys)
		}
	}
	if strings.HasPrefix(s, "<") {
		if keys := xmlKeys(s); len(keys) > 0 {
			return xmls, set(keys)
		}
	}
	list := split(s)
	var keys []string
	for _, w := range list {
		if i := strings.IndexByte(w, '='); i > 0 && isKey(w[:i]) {
			keys = append(keys, w[:i])
		}
	}
	if len(keys) >= 3 && 2*len(keys) >= len(list) {
		return pairs, set(keys)
	}
	for i, w := range list {
		list[i] = mask(w)
	}
	return words, list[:min(len(list), maxTokens)]
}

func set(keys []string) []string {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	return keys[:min(len(keys), maxTokens)]
}

// split takes a line apart at blanks; what stands in quotes is one word.
func split(s string) (out []string) {
	start, quote := 0, false
	for i := 0; i <= len(s); i++ {
		switch {
		case i < len(s) && s[i] == '\\':
			i++
		case i < len(s) && s[i] == '"':
			quote = !quote
		case i >= len(s) || s[i] == '\t' || s[i] == ' ' && !quote:
			if end := min(i, len(s)); end > start {
				out = append(out, s[start:end])
			}
			start = i + 1
		}
	}
	return out
}

func isKey(s string) bool {
	return len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return r < '0' && r != '-' && r != '.' || r > '9' && r < '@' || r == '\\' || r == '^' || r == '`' || r > 'z' && r < 0x80
	}) < 0
}

// mask takes out of a word what differs from line to line.
func mask(w string) string {
	bare := strings.Trim(w, `()[]{}<>"',;:`)
	if !strings.ContainsAny(bare, "0123456789") {
		if strings.HasPrefix(w, `"`) && strings.Contains(w, " ") {
			return `"*"`
		}
		return w
	}
	around := func(what string) string { return strings.Replace(w, bare, what, 1) }
	if _, err := netip.ParseAddr(bare); err == nil {
		return around("<ip>")
	}
	if _, err := netip.ParseAddrPort(bare); err == nil {
		return around("<ip:port>")
	}
	if strings.HasPrefix(w, `"`) {
		return `"*"`
	}
	return numbers(w)
}

// numbers puts # in the place of each number, and of each long hexadecimal one.
func numbers(w string) string {
	var b strings.Builder
	for i := 0; i < len(w); {
		j, hex := i, false
		for j < len(w) && isHex(w[j]) {
			hex = hex || w[j] > '9'
			j++
		}
		if hex && (j-i < 8 || !strings.ContainsAny(w[i:j], "0123456789")) { // a word
			for j = i; j < len(w) && '0' <= w[j] && w[j] <= '9'; {
				j++
			}
		}
		if j > i {
			b.WriteByte('#')
			i = j
			continue
		}
		b.WriteByte(w[i])
		i++
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// jsonKeys lists the keys of an object, two levels deep, as far as it is one.
func jsonKeys(s string) (keys []string) {
	d := json.NewDecoder(strings.NewReader(s))
	type level struct {
		object, key bool // key: a key comes next
		path        string
	}
	var open []level
	last := ""
	for {
		tok, err := d.Token()
		if err != nil {
			return keys
		}
		top := len(open) - 1
		if name, ok := tok.(string); ok && top >= 0 && open[top].key {
			last = open[top].path + name
			open[top].key = false
			if len(open) <= 2 && len(keys) < 4*maxTokens {
				keys = append(keys, last)
			}
			continue
		}
		if top >= 0 && open[top].object {
			open[top].key = true
		}
		switch tok {
		case json.Delim('{'):
			path := ""
			if top >= 0 {
				path = last + "."
			}
			open = append(open, level{true, true, path})
		case json.Delim('['):
			open = append(open, level{path: "[]"})
		case json.Delim('}'), json.Delim(']'):
			open = open[:top]
			if len(open) == 0 {
				return keys
			}
		}
	}
}

// xmlKeys lists the names of elements.
func xmlKeys(s string) (keys []string) {
	for part := range strings.SplitSeq(s, "<") {
		end := strings.IndexAny(part, " \t/>")
		if end > 0 && isKey(part[:end]) {
			keys = append(keys, part[:end])
		}
	}
	return keys
}
