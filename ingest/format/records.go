package format

import "strings"

// cutRecords cuts lines of pairs where each line is a record of a type, as
// Linux' audit writes them: type=PATH msg=audit(…): item=0 name="/etc/shadow".
// Keys bear the type of their line: PATH.name. Lines are separated by newlines;
// msg='a=b c=d' holds pairs of the same record; audit(1364481363.243:24287)
// becomes the keys time and serial.
func (p *Parser) cutRecords(s string) {
	types := p.chain(shapeRecords)
	for line := range strings.SplitSeq(s, "\n") {
		cutRecord(&types, line)
	}
}

// cutRecord cuts one line; until its type is known, keys stand beside the types.
func cutRecord(types *chain, line string) {
	keys, typed := *types, false
	for line != "" {
		i := 0
		for i < len(line) && separators[line[i]] {
			i++
		}
		line = line[i:]
		for i = 0; i < len(line) && keyBytes[line[i]]; i++ {
		}
		if i == 0 || i >= len(line) || line[i] != '=' {
			for i < len(line) && !separators[line[i]] {
				i++
			}
			auditStamp(types, line[:i])
			line = line[i:]
			continue
		}
		name := line[:i]
		if line = line[i+1:]; strings.HasPrefix(line, "'") && looksKV(line[1:]) {
			line = line[1:]
			continue
		}
		text, k, end := recordValue(line)
		line = line[end:]
		if name == "msg" && auditStamp(types, text) {
			continue
		}
		if name == "type" && text != "" && !typed {
			if e := types.key(text); e != nil {
				keys, typed = types.of(e.inside()), true
			}
		}
		keys.put(name, text, k)
	}
}

// auditStamp takes audit(TIME:SERIAL): apart; false when the text is none.
func auditStamp(types *chain, text string) bool {
	rest, ok := strings.CutPrefix(text, "audit(")
	if !ok {
		return false
	}
	rest, _, _ = strings.Cut(rest, ")")
	at, serial, _ := strings.Cut(rest, ":")
	keys := types.of(types.in)
	keys.put("time", at, plain)
	keys.put("serial", serial, plain)
	return true
}

// recordValue reads a value: quoted, in parentheses as audit(1:2), or up to a
// blank. It answers where what follows begins.
func recordValue(s string) (string, kind, int) {
	if s != "" && s[0] == '"' {
		if text, k, end, ok := kvQuoted(s, 1); ok && !strings.HasSuffix(text, "'") {
			if k == plain {
				k = literal
			}
			return text, k, end
		}
		if end := strings.IndexByte(s[1:], '"'); end >= 0 {
			return s[1 : 1+end], literal, end + 2
		}
	}
	end := 0
	for end < len(s) && s[end] != ' ' && s[end] != '\x1d' && s[end] != '\r' && s[end] != '\t' {
		end++
	}
	return strings.Trim(s[:end], "'"), plain, end
}
