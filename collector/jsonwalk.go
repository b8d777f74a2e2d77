package collector

import "bytes"

// The functions below walk JSON that encoding/json has found valid, without
// copying anything of it.

// jsonSpace are the bytes that JSON allows between its tokens.
const jsonSpace = " \t\r\n"

func trimJSON(b []byte) []byte { return bytes.Trim(b, jsonSpace) }

// jsonEnd is how many bytes the value has that b begins with.
func jsonEnd(b []byte) int {
	depth, inside := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inside && c == '\\':
			i++
		case c == '"':
			if inside = !inside; !inside && depth == 0 {
				return i + 1
			}
		case inside:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth == 0 {
				return i // of what is around a number or a word
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case depth == 0 && (c == ',' || c == ':'):
			return i
		}
	}
	return len(b)
}

// jsonItems calls f with each element of an array, or with each member of an
// object as it is written ("key": value). It says false for other values.
func jsonItems(b []byte, open byte, f func(item []byte) error) (bool, error) {
	b = trimJSON(b)
	if len(b) < 2 || b[0] != open {
		return false, nil
	}
	b = trimJSON(b[1 : len(b)-1])
	for len(b) > 0 {
		n := jsonEnd(b)
		if open == '{' {
			colon := n + bytes.IndexByte(b[n:], ':') + 1
			blanks := len(b[colon:]) - len(bytes.TrimLeft(b[colon:], jsonSpace))
			n = colon + blanks + jsonEnd(b[colon+blanks:])
		}
		if err := f(trimJSON(b[:n])); err != nil {
			return true, err
		}
		b = bytes.TrimLeft(b[n:], jsonSpace)
		b = bytes.TrimLeft(bytes.TrimPrefix(b, []byte{','}), jsonSpace)
	}
	return true, nil
}

// jsonMember is the value of a member with this key (in quotes); false when it
// is another's. A key that is written with escapes is another.
func jsonMember(item []byte, key string) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(item, []byte(key))
	if !ok {
		return nil, false
	}
	rest, ok = bytes.CutPrefix(bytes.TrimLeft(rest, jsonSpace), []byte{':'})
	return trimJSON(rest), ok
}
