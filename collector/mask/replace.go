package mask

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"

	"mimamori/internal/charset"
)

// letters write four bits each. There is no digit among them, so that a
// pseudonym is never taken for a number again.
const letters = "bcdfghjkmnpqrstv"

// pseudonym makes the token that stands for a value.
func (m *Masker) pseudonym(kind, value string) string {
	mac := hmac.New(sha256.New, m.key)
	mac.Write([]byte(kind + "\x00" + value))
	sum := mac.Sum(nil)
	var b strings.Builder
	b.WriteString("*" + kind + "-")
	for _, c := range sum[:6] {
		b.WriteByte(letters[c>>4])
		b.WriteByte(letters[c&15])
	}
	b.WriteByte('*')
	return b.String()
}

// replace writes the line with its findings replaced, in the line's encoding.
func (m *Masker) replace(line, name string, found []Finding) string {
	out, end := make([]byte, 0, len(line)+32*len(found)), 0
	for _, f := range found {
		out = append(out, line[end:f.Start]...)
		token := m.pseudonym(f.Kind, f.value)
		switch name {
		case charset.UTF16, charset.UTF16LE, charset.UTF16BE:
			big := charset.Big(name, line)
			q := quotes(narrow(line[max(0, f.Start-64):f.Start], big), narrow(line[f.End:min(len(line), f.End+64)], big))
			out = widen(out, q+token+q, big)
		case charset.ISO2022JP:
			before, after := charset.Shift(line, f.Start), charset.Shift(line, f.End)
			if before != "" {
				out = append(out, "\x1B(B"...)
			}
			out = append(append(out, token...), after...)
		default:
			q := quotes(line[:f.Start], line[f.End:])
			out = append(append(append(out, q...), token...), q...)
		}
		end = f.End
	}
	return string(append(out, line[end:]...))
}

// quotes returns what must stand around a token in the place of a bare number
// of JSON, as the key before it is quoted.
func quotes(left, right string) string {
	left, right = strings.TrimRight(left, " \t"), strings.TrimLeft(right, " \t")
	key, ok := strings.CutSuffix(left, ":")
	key = strings.TrimRight(key, " \t")
	if !ok || !strings.HasSuffix(key, `"`) || right == "" || !strings.ContainsRune(",}]", rune(right[0])) && right[0] != '\\' {
		return ""
	}
	key = key[:len(key)-1]
	return key[len(strings.TrimRight(key, `\`)):] + `"`
}

// narrow makes ASCII of UTF-16, ? of other characters.
func narrow(s string, big bool) string {
	b := make([]byte, 0, len(s)/2)
	for i := 0; i+1 < len(s); i += 2 {
		high, low := s[i+1], s[i]
		if big {
			high, low = low, high
		}
		if high != 0 || low >= 0x80 {
			low = '?'
		}
		b = append(b, low)
	}
	return string(b)
}

func widen(dst []byte, s string, big bool) []byte {
	for i := range len(s) {
		if big {
			dst = append(dst, 0, s[i])
		} else {
			dst = append(dst, s[i], 0)
		}
	}
	return dst
}
