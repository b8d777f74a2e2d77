package mask

// The numbers that are known by their check digit.
const (
	MyNumber  = "mynumber"
	Corporate = "corporate"
)

// personal tells whether 12 digits are a My Number by its check digit. The
// formula is that of 総務省令第85号 (2014), article 5: 11 − Σ Pn×Qn mod 11, where
// Pn is the n-th of the first 11 digits from the right, Qn is n+1 for n ≤ 6 and
// n−5 beyond; a remainder of 0 or 1 makes the digit 0.
func personal(d []byte) bool {
	sum := 0
	for n := 1; n <= 11; n++ {
		q := n + 1
		if n > 6 {
			q = n - 5
		}
		sum += int(d[11-n]-'0') * q
	}
	check := 11 - sum%11
	if sum%11 <= 1 {
		check = 0
	}
	return int(d[11]-'0') == check
}

// corporate tells whether 13 digits are a 法人番号 by its check digit, the first
// one. The formula is that of 財務省令第70号 (2014), article 2: 9 − Σ Pn×Qn mod 9,
// where Pn is the n-th of the other 12 digits from the right and Qn is 1 for odd
// n and 2 for even n.
func corporate(d []byte) bool {
	sum := 0
	for n := 1; n <= 12; n++ {
		sum += int(d[13-n]-'0') * (2 - n%2)
	}
	return int(d[0]-'0') == 9-sum%9
}

// stamp tells whether 12 digits read as yyyymmddHHMM between two years.
func stamp(d []byte, from, to int) bool {
	year := two(d[0:])*100 + two(d[2:])
	return year >= from && year <= to && calendar(year, two(d[4:]), two(d[6:])) && two(d[8:]) < 24 && two(d[10:]) < 60
}

// anyStamp tells whether 12 digits read as yyyymmddHHMM or yymmddHHMMSS.
func anyStamp(d []byte) bool {
	return stamp(d, 1970, 2099) ||
		calendar(2000+two(d), two(d[2:]), two(d[4:])) && two(d[6:]) < 24 && two(d[8:]) < 60 && two(d[10:]) < 60
}

func two(d []byte) int { return int(d[0]-'0')*10 + int(d[1]-'0') }

func calendar(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	days := 31
	switch month {
	case 4, 6, 9, 11:
		days = 30
	case 2:
		days = 28
		if year%4 == 0 {
			days = 29
		}
	}
	return day <= days
}

// made tells whether a number looks made by a program: padded with six zeros in
// front, round to six zeros behind, a multiple of 2^20, or one digit repeated.
// Of My Numbers at most four in a million do.
func made(d []byte) bool {
	v, front, same := uint64(0), 0, true
	for i, c := range d {
		if v == 0 && c == '0' {
			front = i + 1
		}
		v = v*10 + uint64(c-'0')
		same = same && c == d[0]
	}
	return front >= 6 || same || v%1_000_000 == 0 || v%(1<<20) == 0
}
