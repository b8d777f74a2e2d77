package format

import "strings"

// eras are the Japanese eras that a log may name: their first year less one.
var eras = []struct {
	name, letter string
	before       int
}{
	{"令和", "R", 2018}, {"平成", "H", 1988}, {"昭和", "S", 1925},
}

// japaneseStamp reads 令和8年11月22日 10時15分02秒, R8.11.22 10:15:02,
// 2026年11月22日 10:15:02 and what lies between them; 元年 is the year 1. It
// answers where the time ends.
func japaneseStamp(s string, t *stamp) (int, bool) {
	i, base := 0, 0
	for _, e := range eras {
		if strings.HasPrefix(s, e.name) {
			i, base = len(e.name), e.before
			break
		}
		if len(s) > 2 && s[:1] == e.letter && '0' <= s[1] && s[1] <= '9' {
			i, base = 1, e.before
			break
		}
	}
	y, n := digits(s[i:])
	if strings.HasPrefix(s[i:], "元") {
		y, n = 1, len("元")
	}
	if n == 0 || base == 0 && n != 4 {
		return 0, false
	}
	i += n
	t.y = base + y
	for _, part := range []struct {
		to    *int
		after string // what stands before the number
	}{{&t.mo, "年"}, {&t.d, "月"}} {
		switch {
		case strings.HasPrefix(s[i:], part.after):
			i += len(part.after)
		case base > 0 && i < len(s) && (s[i] == '.' || s[i] == '/' || s[i] == '-'):
			i++
		default:
			return 0, false
		}
		i += blanks(s[i:])
		v, n := digits(s[i:])
		if n == 0 || n > 2 {
			return 0, false
		}
		*part.to = v
		i += n
	}
	if strings.HasPrefix(s[i:], "日") {
		i += len("日")
	}
	if strings.HasPrefix(s[i:], "(") || strings.HasPrefix(s[i:], "（") { // the day of the week
		for _, end := range []string{")", "）"} {
			if j := strings.Index(s[i:], end); j > 0 && j < 12 {
				i += j + len(end)
				break
			}
		}
	}
	j := i + blanks(s[i:])
	if j >= len(s) || s[j] < '0' || s[j] > '9' {
		return i, true
	}
	return japaneseTime(s, j, t)
}

// japaneseTime reads 10時15分02秒 and 10:15:02.
func japaneseTime(s string, i int, t *stamp) (int, bool) {
	h, n := digits(s[i:])
	if n == 0 || n > 2 || !strings.HasPrefix(s[i+n:], "時") {
		return timeOfDay(s, i, t)
	}
	t.h = h
	i += n + len("時")
	for _, part := range []struct {
		to   *int
		unit string
	}{{&t.mi, "分"}, {&t.s, "秒"}} {
		v, n := digits(s[i:])
		if n == 0 || n > 2 || !strings.HasPrefix(s[i+n:], part.unit) {
			break
		}
		*part.to = v
		i += n + len(part.unit)
	}
	return i, true
}
