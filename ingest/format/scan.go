package format

// digits reads a number at the beginning of s and answers how long it is.
func digits(s string) (n, length int) {
	for length < len(s) && length < 9 && '0' <= s[length] && s[length] <= '9' {
		n = n*10 + int(s[length]-'0')
		length++
	}
	return n, length
}

func blanks(s string) int {
	n := 0
	for n < len(s) && s[n] == ' ' {
		n++
	}
	return n
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func letters(s string) int {
	n := 0
	for n < len(s) && isLetter(s[n]) {
		n++
	}
	return n
}

// monthOf reads an English month, short or long; 0 when there is none.
func monthOf(s string) int { return nameOf(s, "janfebmaraprmayjunjulaugsepoctnovdec") }

// weekday reads an English day of the week, from 1; 0 when there is none.
func weekday(s string) int { return nameOf(s, "montuewedthufrisatsun") }

func nameOf(s, names string) int {
	if len(s) < 3 {
		return 0
	}
	a, b, c := s[0]|0x20, s[1]|0x20, s[2]|0x20
	for i := 0; i < len(names); i += 3 {
		if names[i]|0x20 == a && names[i+1]|0x20 == b && names[i+2]|0x20 == c {
			return i/3 + 1
		}
	}
	return 0
}
