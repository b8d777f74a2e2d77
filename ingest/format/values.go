package format

import "strings"

// values reads what stands between separators, one value after the other. A
// value in double quotes may hold the separator; one whose quote is never closed
// is the rest of the text.
type values struct {
	s    string
	sep  byte // ' ' stands for any run of blanks
	i    int  // where the next value begins
	rows bool // as RFC 4180 has it: "" is a quote, a backslash is none
}

// next is the next value; false at the end.
func (v *values) next() (string, kind, bool) {
	if v.sep == ' ' {
		for v.i < len(v.s) && v.s[v.i] == ' ' {
			v.i++
		}
		if v.i == len(v.s) {
			return "", plain, false
		}
	}
	if v.i > len(v.s) {
		return "", plain, false
	}
	if v.i < len(v.s) && v.s[v.i] == '"' {
		text, k := v.quoted(v.i + 1)
		return text, k, true
	}
	start, end := v.i, strings.IndexByte(v.s[v.i:], v.sep)
	if end < 0 {
		end = len(v.s) - start
	}
	v.i = start + end + 1
	return v.s[start : start+end], plain, true
}

// quoted reads from behind a quote to behind the separator that follows its pair.
func (v *values) quoted(start int) (string, kind) {
	s, k := v.s, plain
	for i := start; i <= len(s); {
		j := strings.IndexByte(s[i:], '"')
		if j < 0 {
			break
		}
		j += i
		switch {
		case !v.rows && j > start && s[j-1] == '\\':
			k, i = quoted, j+1
		case j+1 < len(s) && s[j+1] == '"' && (v.rows || v.sep == ','):
			k, i = doubled, j+2
		case j+1 >= len(s) || s[j+1] == v.sep:
			v.i = j + 2
			return s[start:j], k
		default:
			i = j + 1
		}
	}
	v.i = len(s) + 1
	return s[start:], k
}
