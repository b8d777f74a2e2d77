package format

import (
	"strconv"
	"strings"
	"time"

	"mimamori/event"
)

// shortName is a host's name without its domain; an address stays.
func shortName(v string) string {
	i := strings.IndexByte(v, '.')
	if i <= 0 || strings.IndexByte(v, ':') >= 0 {
		return v
	}
	if '0' <= v[0] && v[0] <= '9' {
		if _, isIP := event.ParseIP(v); isIP {
			return v
		}
	}
	return v[:i]
}

// program is the program that a command line runs: what is quoted, else up to
// the extension of a program, else the first word.
func program(v string) string {
	v = strings.TrimLeft(v, " ")
	if rest, ok := strings.CutPrefix(v, `"`); ok {
		if before, _, ok := strings.Cut(rest, "\""); ok {
			return before
		}
		return rest
	}
	for i := range len(v) {
		if v[i] == '.' && i+4 <= len(v) && (i+4 == len(v) || v[i+4] == ' ' || v[i+4] == ',') {
			switch ext := v[i+1 : i+4]; {
			case strings.EqualFold(ext, "exe"), strings.EqualFold(ext, "dll"), strings.EqualFold(ext, "msi"), strings.EqualFold(ext, "ps1"), strings.EqualFold(ext, "bat"), strings.EqualFold(ext, "com"), strings.EqualFold(ext, "cmd"), strings.EqualFold(ext, "vbs"):
				return v[:i+4]
			}
		}
	}
	if i := strings.IndexByte(v, ' '); i > 0 {
		return v[:i]
	}
	return v
}

// duration turns 0:01:30, 1h:22m:33s, 2d 03:04:05 or 1d2h3m4s into nanoseconds; a
// part without a unit has the one that its place gives it. What is no duration
// stays as it is.
func (p *Parser) duration(v string) string {
	if len(v) > 64 {
		return v
	}
	total, last, colons := int64(0), int64(0), strings.Count(v, ":")
	for i := 0; i < len(v); {
		n, w := digits(v[i:])
		if w == 0 || w > 8 {
			return v
		}
		if i += w; i < len(v) && strings.IndexByte("wdhms", v[i]) >= 0 {
			total += int64(n) * map[byte]int64{'w': 604800, 'd': 86400, 'h': 3600, 'm': 60, 's': 1}[v[i]]
			i++
			if i < len(v) && v[i] == ':' {
				colons--
			}
		} else {
			last = int64(n)
			for range colons {
				last *= 60
			}
			total += last
			colons--
		}
		for i < len(v) && (v[i] == ':' || v[i] == ' ' || v[i] == ',') {
			i++
		}
	}
	return p.arena.keep(strconv.AppendInt(p.arena.room(20), total*int64(time.Second), 10))
}
