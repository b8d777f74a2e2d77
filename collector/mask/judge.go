package mask

import "unicode"

// Reason says why a candidate was masked or left alone.
type Reason uint8

// The reasons. Masked and Hinted are masked, Partial too.
const (
	Masked   Reason = iota // the check digit fits and nothing else explains the number
	Hinted                 // and the words before it say what it is
	Partial                // the beginning of a number at the cut end of a line
	Matched                // by a pattern of the town's own
	NotFound               // no candidate: digits that have no such shape
	BadCheck               // the check digit does not fit
	Longer                 // part of a longer number or list of numbers
	InWord                 // part of a word, a hexadecimal number or code
	InGUID                 // part of a GUID
	Decimal                // part of a decimal or dotted number
	Stamp                  // a time
	Made                   // round, or padded with zeros
	OtherKey               // its key names something else
	Phone                  // an international phone number
	Account                // an account of a cloud, in a resource name
	Device                 // a device's serial at its known place
)

// number is a candidate as it was read.
type number struct {
	digits  [13]byte
	n       int
	grouped bool
	chars   int // characters that it takes in window.right
}

// read reads a number of want digits at the beginning of the window: bare, or
// in groups of four. Where the words before it speak of a number of that kind,
// any groups do.
func (w *window) read(want int, hinted bool) (x number, ok bool) {
	var seps [13]string // what stands before a digit
	i, run := 0, 0
	for x.n < want && i < len(w.right) {
		c := w.right[i]
		if c.r < '0' || c.r > '9' {
			skip := w.separators(i)
			if skip == 0 || x.n == 0 || !hinted && (want != 12 || run != 4) {
				break
			}
			seps[x.n] = w.line[w.right[i].at:w.right[i+skip-1].end]
			i, run = i+skip, 0
			continue
		}
		x.digits[x.n] = byte(c.r)
		x.n, i, run = x.n+1, i+1, run+1
	}
	x.chars = i
	if x.n < want || i < len(w.right) && w.right[i].r >= '0' && w.right[i].r <= '9' {
		return x, false
	}
	for _, s := range seps {
		x.grouped = x.grouped || s != ""
	}
	if x.grouped && !hinted && (run != 4 || seps[4] == "" || seps[4] != seps[8]) {
		return x, false
	}
	return x, true
}

// separators counts one to three hyphens and spaces between groups.
func (w *window) separators(i int) (n int) {
	for n < 3 && (nth(w.right[i:], n) == '-' || nth(w.right[i:], n) == ' ' || nth(w.right[i:], n) == '+') {
		n++
	}
	return n
}

// judge decides about a number whose check digit fits.
func (m *Masker) judge(w *window, x *number, hinted bool) Reason {
	left, right := w.left, w.right[x.chars:]
	switch {
	case guid(left, right, x.grouped):
		return InGUID
	case decimal(left, right):
		return Decimal
	case x.grouped && w.listed(x):
		return Longer
	case hinted:
		return Hinted
	case inWord(left, right), argument(left, right):
		return InWord
	case stamp(x.digits[:12], m.from, m.to) && x.n == 12, x.n == 13 && millis(x.digits[:]):
		return Stamp
	case made(x.digits[:x.n]):
		return Made
	case phone(left, x.digits[:x.n]):
		return Phone
	case account(left, right):
		return Account
	case device(left, right):
		return Device
	}
	switch k := key(left); {
	case m.otherKey(k):
		return OtherKey
	case timeKey(k) && x.n == 12 && anyStamp(x.digits[:12]):
		return Stamp
	}
	return Masked
}

// millis tells whether 13 digits are Unix milliseconds of 2001 to 2033.
func millis(d []byte) bool { return d[0] == '1' }

// last returns the n-th character before the candidate, counted from 1.
func last(left []char, n int) rune {
	if n > len(left) {
		return 0
	}
	return left[len(left)-n].r
}

// nth returns a character behind the candidate, counted from 0.
func nth(right []char, n int) rune {
	if n >= len(right) {
		return 0
	}
	return right[n].r
}

func isDigit(r rune) bool  { return r >= '0' && r <= '9' }
func isLetter(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' && r < 0x80 }
func isHex(r rune) bool    { return isDigit(r) || r|0x20 >= 'a' && r|0x20 <= 'f' && r < 0x80 }

// hexGroup tells whether n hexadecimal digits stand before the candidate, skip
// characters away, and nothing of the kind before them.
func hexGroup(left []char, skip, n int) bool {
	for i := 1; i <= n; i++ {
		if !isHex(last(left, skip+i)) {
			return false
		}
	}
	r := last(left, skip+n+1)
	return !isDigit(r) && !isLetter(r)
}

// guid tells whether the number is a part of 8-4-4-4-12 hexadecimal digits.
func guid(left, right []char, grouped bool) bool {
	if !grouped {
		return last(left, 1) == '-' && hexGroup(left, 1, 4) && last(left, 6) == '-' && hexGroup(left, 6, 4) &&
			last(left, 11) == '-' && hexGroup(left, 11, 4) && last(left, 16) == '-' && hexGroup(left, 16, 8)
	}
	if last(left, 1) != '-' || !hexGroup(left, 1, 8) || nth(right, 0) != '-' {
		return false
	}
	for i := 1; i <= 12; i++ {
		if !isHex(nth(right, i)) {
			return false
		}
	}
	return true
}

// decimal tells whether a dot joins the number to other digits, unless those
// are a date, as in the name of a file.
func decimal(left, right []char) bool {
	if nth(right, 0) == '.' && isDigit(nth(right, 1)) {
		return true
	}
	if last(left, 1) != '.' || !isDigit(last(left, 2)) {
		return false
	}
	var d [9]byte
	n := 0
	for ; n < len(d) && isDigit(last(left, 2+n)); n++ {
		d[8-n] = byte(last(left, 2+n))
	}
	return n != 8 || !calendar(two(d[1:])*100+two(d[3:]), two(d[5:]), two(d[7:]))
}

// listed tells whether the number's own separator joins its three groups to a
// fourth, which is no year, no time zone and no end of something else.
func (w *window) listed(x *number) bool {
	sep := w.right[4]
	same := func(c char) bool { return w.line[c.at:c.end] == w.line[sep.at:sep.end] }
	right := w.right[x.chars:]
	if len(right) > 0 && same(right[0]) && isDigit(nth(right, 1)) && isDigit(nth(right, 2)) && isDigit(nth(right, 3)) && isDigit(nth(right, 4)) && !isDigit(nth(right, 5)) {
		return true
	}
	if len(w.left) == 0 || !same(w.left[len(w.left)-1]) || !hexGroup(w.left, 1, 4) {
		return false
	}
	digits := 0
	for i := 2; i <= 5; i++ {
		if isDigit(last(w.left, i)) {
			digits++
		}
	}
	year, before := last(w.left, 5) == '2' && last(w.left, 4) == '0', last(w.left, 6)
	return digits > 0 && !year && before != '+' && (before != '-' || sep.r == '-')
}

// inWord tells whether letters touch the number as in a code or a hexadecimal
// number, and not as in scan123 or No123: a word in front may announce it.
func inWord(left, right []char) bool {
	if isLetter(nth(right, 0)) {
		return true
	}
	n, word := 0, false
	for isLetter(last(left, n+1)) {
		n++
		word = word || !isHex(last(left, n)) && last(left, n) >= 'a' // capitals are codes and serials
	}
	if n == 0 {
		return false
	}
	return isDigit(last(left, n+1)) || n < 3 && !suffix(left, "no") && !suffix(left, "id") || !word
}

// argument tells whether the number is an argument of a system call in auditd's
// records, a0=3 a1=7f8a4c001b20 a2=50: hexadecimal, though it may have no letter.
func argument(left, right []char) bool {
	n := last(left, 2)
	switch {
	case last(left, 1) != '=' || last(left, 3) != 'a' || last(left, 4) != ' ':
		return false
	case n == '3':
		return starts(right, " items=")
	}
	return n >= '0' && n < '3' && starts(right, " a") && nth(right, 2) == n+1 && nth(right, 3) == '='
}

// suffix tells whether a word of lower-case letters stands right before.
func suffix(left []char, word string) bool {
	for i := range len(word) {
		if unicode.ToLower(last(left, i+1)) != rune(word[len(word)-1-i]) {
			return false
		}
	}
	return true
}

// phone tells whether the number is a phone number of Japan with its country
// code and a plus.
func phone(left []char, d []byte) bool {
	r := last(left, 2)
	return last(left, 1) == '+' && d[0] == '8' && d[1] == '1' && !isDigit(r) && !isLetter(r)
}

// account tells whether the number is an account in a resource name of AWS.
func account(left, right []char) bool {
	word := make([]byte, 0, 64)
	for i := len(left) - 1; i >= 0 && left[i].r > ' ' && left[i].r < 0x7F && left[i].r != '"' && len(word) < cap(word); i-- {
		word = append(word, byte(left[i].r|0x20))
	}
	return contains(word, reversed("arn:aws")) || contains(word, reversed("awslogs/")) || contains(word, reversed("amazonaws.com/")) ||
		starts(right, ".dkr.ecr.")
}

// device tells whether the number is the serial in a PAN-OS line: behind the
// time of reception, before the type of log.
func device(left, right []char) bool {
	if last(left, 1) != ',' || last(left, 4) != ':' || last(left, 7) != ':' || last(left, 10) != ' ' || last(left, 13) != '/' || last(left, 16) != '/' || last(left, 21) != ',' {
		return false
	}
	for _, kind := range []string{"TRAFFIC", "THREAT", "SYSTEM", "CONFIG", "HIP", "GLOBALPROTECT", "USERID", "DECRYPTION", "AUTH", "CORRELATION", "GTP", "SCTP", "IPTAG", "URL", "WILDFIRE", "DATA"} {
		if starts(right, ","+kind) {
			return true
		}
	}
	return false
}

func starts(right []char, s string) bool {
	for i := range len(s) {
		if nth(right, i) != rune(s[i]) {
			return false
		}
	}
	return true
}
