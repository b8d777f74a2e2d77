package format

import (
	"strings"
	"time"
)

// cutStamp reads a time at the beginning of s and answers where it ends.
func cutStamp(s string) (stamp, int, bool) {
	if len(s) < 8 || s[0] > '9' && s[0] < 0x80 && !isLetter(s[0]) {
		return stamp{}, 0, false
	}
	if s[0] >= 0x80 || s[1] <= '9' && isLetter(s[0]) || len(s) > 4 && s[4] >= 0x80 {
		var t stamp
		n, ok := japaneseStamp(s, &t)
		return t, n, ok
	}
	i := 0
	if isLetter(s[0]) { // a weekday, when a month or day follows
		w := letters(s)
		if w >= 3 && monthOf(s) == 0 {
			if i = w; i < len(s) && s[i] == ',' {
				i++
			}
			i += blanks(s[i:])
			if weekday(s) == 0 {
				return stamp{}, 0, false
			}
		}
	}
	var t stamp
	n, ok := 0, false
	switch rest := s[i:]; {
	case rest != "" && isLetter(rest[0]):
		n, ok = monthFirst(rest, &t)
	default:
		n, ok = digitFirst(rest, &t)
	}
	return t, i + n, ok
}

// digitFirst reads 2026-11-22T09:00:00.123+09:00, 2026/11/22 09:00:00, 2026:11:22-09:00:00,
// 22/Nov/2026:09:00:00 +0900 and 22 Nov 2026 09:00:00 +0900.
func digitFirst(s string, t *stamp) (int, bool) {
	a, n := digits(s)
	if n == 4 && n < len(s) && (s[4] == '-' || s[4] == '/' || s[4] == ':') {
		mo, n1 := digits(s[5:])
		if n1 == 0 || 5+n1 >= len(s) || s[5+n1] != s[4] {
			return 0, false
		}
		i := 6 + n1
		d, n2 := digits(s[i:])
		if n2 == 0 || n2 > 2 {
			return 0, false
		}
		t.y, t.mo, t.d = a, mo, d
		i += n2
		if s[4] == ':' && (i >= len(s) || s[i] != '-' || n1 != 2 || n2 != 2) { // Sophos UTM: 2026:11:22-09:00:00
			return 0, false
		}
		if i >= len(s) || s[i] != 'T' && s[i] != ' ' && s[i] != '-' && s[i] != ':' && s[i] != '_' {
			return i, i == len(s)
		}
		return timeOfDay(s, i+1, t)
	}
	if n == 4 && n < len(s) && s[4] == ' ' && monthOf(s[5:]) > 0 { // NX-OS: 2026 Nov 22 09:00:00
		t.y = a
		end, ok := monthFirst(s[5:], t)
		return 5 + end, ok
	}
	if n < 1 || n > 2 || n >= len(s) || s[n] != '/' && s[n] != ' ' && s[n] != '-' {
		return 0, false
	}
	sep, i := s[n], n+1
	mo := monthOf(s[i:])
	if mo == 0 {
		return 0, false
	}
	t.d, t.mo = a, mo
	i += letters(s[i:])
	if i >= len(s) || s[i] != sep {
		return 0, false
	}
	y, n2 := digits(s[i+1:])
	if n2 != 4 && n2 != 2 {
		return 0, false
	}
	if n2 == 2 {
		y += 2000
	}
	t.y = y
	i += 1 + n2
	if i >= len(s) || s[i] != ':' && s[i] != ' ' {
		return 0, false
	}
	return timeOfDay(s, i+1, t)
}

// monthFirst reads Nov 22 09:00:00, Nov 22 2026 09:00:00, Nov 22 09:00:00 2026,
// Nov 22, 2026 09:00:00.
func monthFirst(s string, t *stamp) (int, bool) {
	if t.mo = monthOf(s); t.mo == 0 {
		return 0, false
	}
	i := letters(s)
	n := blanks(s[i:])
	if n == 0 {
		return 0, false
	}
	i += n
	d, n := digits(s[i:])
	if n == 0 || n > 2 {
		return 0, false
	}
	t.d = d
	if i += n; i < len(s) && s[i] == ',' {
		i++
	}
	n = blanks(s[i:])
	if n == 0 {
		return 0, false
	}
	i += n
	if y, n := digits(s[i:]); n == 4 && i+n < len(s) && s[i+n] == ' ' {
		t.y = y
		i += n + blanks(s[i+n:])
	}
	end, ok := timeOfDay(s, i, t)
	if !ok || t.y != 0 {
		return end, ok
	}
	j := end + blanks(s[end:])
	if y, n := digits(s[j:]); n == 4 && y >= 1990 && y < 2100 && (j+n == len(s) || s[j+n] == ' ' || s[j+n] == '\n' || strings.HasPrefix(s[j+n:], ": ")) {
		t.y = y
		return j + n, true
	}
	return end, true
}

// timeOfDay reads 09:00[:00[.123]] and the zone behind it.
func timeOfDay(s string, i int, t *stamp) (int, bool) {
	i += blanks(s[min(i, len(s)):])
	h, n := digits(s[min(i, len(s)):])
	if n == 0 || n > 2 || i+n >= len(s) || s[i+n] != ':' {
		return 0, false
	}
	i += n + 1
	mi, n := digits(s[i:])
	if n != 2 {
		return 0, false
	}
	t.h, t.mi = h, mi
	i += n
	if i < len(s) && s[i] == ':' {
		sec, n := digits(s[i+1:])
		if n != 2 {
			return 0, false
		}
		t.s = sec
		i += 1 + n
		if i+1 < len(s) && (s[i] == '.' || s[i] == ',') && '0' <= s[i+1] && s[i+1] <= '9' {
			unit := int64(time.Second)
			for i++; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
				unit /= 10
				t.ns += int64(s[i]-'0') * unit
			}
		}
	}
	return i + cutZone(s[i:], t), true
}

// cutZone reads Z, +09:00, +0900, +09, UTC, GMT or JST, with a blank before or
// not, and answers how many bytes that took, 0 for none.
func cutZone(s string, t *stamp) int {
	i := 0
	if s != "" && s[0] == ' ' {
		i = 1
	}
	if i >= len(s) {
		return 0
	}
	if s[i] == 'Z' && (i+1 == len(s) || !isLetter(s[i+1])) {
		t.zoned = true
		return i + 1
	}
	if w := letters(s[i:]); w == 3 || w == 4 {
		hours, ok := zoneNames[s[i:i+w]]
		if !ok {
			return 0
		}
		t.zoned, t.offset = true, hours*3600
		if n := cutOffset(s[i+w:], t); n > 0 {
			return i + w + n
		}
		return i + w
	}
	if n := cutOffset(s[i:], t); n > 0 {
		return i + n
	}
	return 0
}

// zoneNames are hours east of UTC, for the names of RFC 2822, of Japan and its
// neighbours, and those others that mean one thing only.
var zoneNames = map[string]int{
	"UTC": 0, "GMT": 0, "JST": 9, "KST": 9, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	"WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "BRT": -3, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}

func cutOffset(s string, t *stamp) int {
	if len(s) < 3 || s[0] != '+' && s[0] != '-' {
		return 0
	}
	a, n := digits(s[1:])
	i := 1 + n
	switch {
	case n == 4:
		a = a/100*60 + a%100
	case n == 2 && i+2 < len(s) && s[i] == ':':
		m, n2 := digits(s[i+1:])
		if n2 != 2 {
			return 0
		}
		a, i = a*60+m, i+3
	case n == 2:
		a *= 60
	default:
		return 0
	}
	if t.zoned, t.offset = true, a*60; s[0] == '-' {
		t.offset = -t.offset
	}
	return i
}
