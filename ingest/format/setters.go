package format

import (
	"strconv"
	"strings"
	"time"

	"mimamori/event"
)

// units are the durations that become nanoseconds.
var units = map[string]time.Duration{
	"seconds": time.Second, "milliseconds": time.Millisecond, "microseconds": time.Microsecond, "nanoseconds": 1,
}

// plainSetter sets a field from text by the field's type.
func plainSetter(f event.Field) (action, opcode) {
	switch f.Type() {
	case event.Long:
		return func(p *Parser, v string) bool {
			n, ok := parseLong(v)
			if ok {
				p.x.Set(f, event.Int(n))
			}
			return ok
		}, opLong
	case event.IP:
		return func(p *Parser, v string) bool {
			a, ok := event.ParseIP(v)
			if ok {
				p.x.Set(f, a)
			}
			return ok
		}, opIP
	case event.Date:
		return func(p *Parser, v string) bool {
			at, ok := p.clock.auto(v)
			if ok {
				p.x.Set(f, event.Time(at))
			}
			return ok
		}, opActs
	case event.List:
		if strings.HasSuffix(f.Name(), ".args") { // arguments may repeat
			return func(p *Parser, v string) bool {
				var list []string
				if old, ok := p.x.Get(f); ok {
					list = old.List()
				}
				if len(list) < maxList {
					p.x.Set(f, event.Strings(p.arena.longer(list, v)))
				} else {
					p.dropped++
				}
				return true
			}, opActs
		}
		return func(p *Parser, v string) bool { p.addTo(f, v); return true }, opActs
	case event.Keyword:
		return func(p *Parser, v string) bool { p.x.Set(f, event.String(v)); return true }, opKeyword
	}
	t := f.Type()
	return func(p *Parser, v string) bool {
		if t == event.Boolean {
			v = boolWord(v)
		}
		w, ok := event.ParseAs(t, v)
		if ok {
			p.x.Set(f, w)
		}
		return ok
	}, opActs
}

func boolWord(v string) string {
	switch strings.ToLower(v) {
	case "1", "yes", "true", "on":
		return "true"
	case "0", "no", "false", "off":
		return "false"
	}
	return v
}

// parseLong reads decimal or 0x numbers; a fraction of zeros is allowed.
func parseLong(s string) (int64, bool) {
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		return parseHex(s[2:])
	}
	i, neg := 0, false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		i, neg = 1, s[0] == '-'
	}
	if i >= len(s) || len(s)-i > 19 {
		return 0, false
	}
	n := int64(0)
	for ; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			if s[i] == '.' && strings.Trim(s[i:], ".0") == "" {
				break
			}
			return 0, false
		}
		if n = n*10 + int64(c); n < 0 {
			return 0, false
		}
	}
	if neg {
		n = -n
	}
	return n, true
}

func parseHex(s string) (int64, bool) {
	if s == "" || len(s) > 16 {
		return 0, false
	}
	n := uint64(0)
	for i := range len(s) {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		n = n<<4 | uint64(c)
	}
	return int64(n), int64(n) >= 0
}

// durationSetter turns a number (a fraction allowed) of units into nanoseconds.
func durationSetter(f event.Field, unit time.Duration) action {
	return func(p *Parser, v string) bool {
		if strings.IndexByte(v, 'e') >= 0 || strings.IndexByte(v, 'E') >= 0 {
			n, err := strconv.ParseFloat(v, 64)
			if err != nil || n < 0 || n*float64(unit) > 1<<62 {
				return false
			}
			p.x.Set(f, event.Int(int64(n*float64(unit))))
			return true
		}
		whole, fraction, _ := strings.Cut(v, ".")
		n, ok := parseLong(whole)
		if !ok || n > int64(1<<62)/int64(unit) || n < 0 {
			return false
		}
		ns, u := n*int64(unit), int64(unit)
		for i := range len(fraction) {
			c := fraction[i] - '0'
			if c > 9 {
				return false
			}
			u /= 10
			ns += int64(c) * u
		}
		p.x.Set(f, event.Int(ns))
		return true
	}
}

// addressSetter sets X.address, and X.ip or X.domain by what the value is.
func addressSetter(f event.Field, base string) action {
	ip, ok := event.Lookup(base + ".ip")
	domain, ok2 := event.Lookup(base + ".domain")
	if !ok || !ok2 {
		return nil
	}
	return func(p *Parser, v string) bool {
		p.x.Set(f, event.String(v))
		if a, ok := event.ParseIP(v); ok {
			if strings.HasPrefix(v, "::ffff:") {
				p.x.Set(f, event.String(a.Str()))
			}
			p.x.Set(ip, a)
		} else if isName(v) {
			p.x.Set(domain, event.String(v))
		}
		return true
	}
}

// isName tells whether a text can be the name of a host.
func isName(v string) bool {
	if v == "" || len(v) > 255 {
		return false
	}
	letter := false
	for i := range len(v) {
		c := v[i]
		if isLetter(c) || c >= 0x80 {
			letter = true
		} else if !('0' <= c && c <= '9' || c == '.' || c == '-' || c == '_') {
			return false
		}
	}
	return letter
}
