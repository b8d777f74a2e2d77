package draft

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// mapped is what becomes of a key.
type mapped struct {
	key     string
	field   string // "" when a person must say
	more    string // beside `to:`
	verdict map[string][]string
	remark  string
}

// category is what the lines tell of.
type category struct {
	name, kind string // event.category, event.type
	sure       bool
}

// guess finds fields for keys by their names and values.
func (d *drafter) guess() {
	if d.cut.extends() {
		return
	}
	taken := map[string]bool{}
	left := map[string]bool{}
	for _, k := range d.keys {
		left[k.name] = len(k.values) > 0
	}
	found := map[string]mapped{}
	for _, sp := range spellings {
		for name := range strings.FieldsSeq(sp.keys) {
			for _, k := range d.keys {
				if taken[sp.field] || !left[k.name] || bare(k.name) != name || !fits(sp.want, k.values) {
					continue
				}
				if strings.HasSuffix(sp.field, ".ip") && slices.ContainsFunc(k.values, isHostPort) {
					continue
				}
				m := mapped{key: k.name, field: sp.field, more: sp.more}
				if m.more == "outcome" {
					if m.verdict = outcomes(k.values); len(m.verdict) == 0 {
						continue
					}
					m.more = ""
				}
				m.more = shaped(m, k.values)
				if m.field == "event.action" {
					m.verdict = verdicts(k.values)
				}
				taken[sp.field], left[k.name] = true, false
				found[k.name] = m
			}
		}
	}
	if !taken["event.action"] {
		for _, k := range d.keys {
			if v := verdicts(k.values); left[k.name] && !taken["event.action"] && len(k.values) <= 12 && 2*(len(v["allowed"])+len(v["denied"])) >= len(k.values) {
				found[k.name] = mapped{key: k.name, field: "event.action", verdict: v}
				taken["event.action"] = true
			}
		}
	}
	for _, k := range d.keys {
		if m, ok := found[k.name]; ok {
			d.fields = append(d.fields, m)
		} else if remark := looksLike(k.values); remark != "" {
			d.fields = append(d.fields, mapped{key: k.name, remark: remark})
		}
	}
	d.kind = categoryOf(taken)
}

// shaped says what the values of a key need besides: an address with its port, an
// account with its domain.
func shaped(m mapped, values []string) string {
	switch {
	case strings.HasSuffix(m.field, ".address") && slices.ContainsFunc(values, isHostPort):
		return "as: hostport"
	case m.field == "user.name" && slices.ContainsFunc(values, func(v string) bool { return strings.ContainsAny(v, `\@`) }):
		return "as: account"
	}
	return m.more
}

// bare takes out of a key what vendors write differently: a path's beginning,
// case, and what stands between words.
func bare(key string) string {
	if i := strings.LastIndexByte(key, '.'); i >= 0 {
		if parent := key[:i]; strings.HasSuffix(parent, "src") || strings.HasSuffix(parent, "source") || strings.HasSuffix(parent, "dst") || strings.HasSuffix(parent, "destination") {
			i = strings.LastIndexByte(parent, '.')
		}
		key = key[i+1:]
	}
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "", " ", "").Replace(key))
}

// fits tells whether all values look as a field wants them.
func fits(w want, values []string) bool {
	for _, v := range values {
		if !looks(w, v) {
			return false
		}
	}
	return len(values) > 0
}

func looks(w want, v string) bool {
	n, err := strconv.ParseInt(v, 10, 64)
	isInt := err == nil && n >= 0
	switch w {
	case addresses:
		return isAddress(v) || isHostPort(v)
	case ports:
		return isInt && n <= 65535
	case integers:
		return isInt
	case seconds:
		f, err := strconv.ParseFloat(v, 64)
		return err == nil && f >= 0 && f < 1e7
	case macs:
		return isMAC(v)
	case urls:
		return strings.Contains(v, "/") && !strings.ContainsAny(v, " \\")
	case mails:
		return strings.Contains(v, "@")
	case md5s:
		return isHash(v, 32)
	case sha1s:
		return isHash(v, 40)
	case sha256s:
		return isHash(v, 64)
	case protocols:
		return isInt && n < 256 || len(v) <= 10 && !strings.ContainsAny(v, " ./:")
	case methods:
		return slices.Contains(httpMethods, v)
	case texts:
		return !isInt && !isAddress(v)
	}
	return true
}

func isAddress(v string) bool {
	_, err := netip.ParseAddr(v)
	return err == nil
}

func isHostPort(v string) bool {
	_, err := netip.ParseAddrPort(v)
	return err == nil
}

// httpMethods are those of RFC 9110, and WebDAV's usual ones.
var httpMethods = strings.Fields("GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND MKCOL MOVE COPY LOCK UNLOCK")

func isMAC(v string) bool {
	hex := strings.NewReplacer(":", "", "-", "", ".", "").Replace(v)
	return isHash(hex, 12) && len(v) > 12
}

func isHash(v string, n int) bool {
	return len(v) == n && strings.Trim(strings.ToLower(v), "0123456789abcdef") == ""
}

// looksLike says what the values of a key that nobody knows may be.
func looksLike(values []string) string {
	for _, c := range []struct {
		w    want
		text string
	}{
		{addresses, "addresses: whose? source.address, destination.address, host.ip …"},
		{macs, "MAC addresses: source.mac, host.mac …"},
		{sha256s, "a SHA-256: of a file or a process?"},
		{md5s, "an MD5: of a file or a process?"},
		{mails, "mail addresses or accounts: email.from.address, email.to.address, user.email …"},
	} {
		if fits(c.w, values) {
			return c.text
		}
	}
	return ""
}

// allowedWords and deniedWords are what devices call what became of traffic.
var (
	allowedWords = strings.Fields("allow allowed accept accepted pass passed permit permitted forward forwarded ok built 許可 通過")
	deniedWords  = strings.Fields("deny denied drop dropped block blocked reject rejected refuse refused discard discarded reset rst 拒否 遮断 破棄")
	goodWords    = strings.Fields("success succeeded successful ok accepted pass passed true allow allowed granted 成功")
	badWords     = strings.Fields("failure fail failed error ng denied rejected false refused invalid 失敗")
)

func sorted(values, good, bad []string, yes, no string) map[string][]string {
	out := map[string][]string{}
	for _, v := range values {
		switch w := strings.ToLower(v); {
		case strings.ContainsAny(v, ",*"): // would be two keys of the table, or any
		case slices.Contains(good, w):
			out[yes] = append(out[yes], v)
		case slices.Contains(bad, w):
			out[no] = append(out[no], v)
		}
	}
	return out
}

func verdicts(values []string) map[string][]string {
	return sorted(values, allowedWords, deniedWords, "allowed", "denied")
}

func outcomes(values []string) map[string][]string {
	return sorted(values, goodWords, badWords, "success", "failure")
}

// categoryOf says what lines with such fields most likely tell of.
func categoryOf(has map[string]bool) category {
	switch {
	case has["email.from.address"] || has["email.to.address"]:
		return category{"email", "info", true}
	case has["url.original"] && (has["http.response.status_code"] || has["http.request.method"]):
		return category{"web", "access", true}
	case has["source.address"] && has["destination.address"]:
		return category{"network", "connection", true}
	case has["user.name"] && has["event.outcome"]:
		return category{"authentication", "start", false}
	case has["file.path"]:
		return category{"file", "access", false}
	case has["process.name"] || has["process.command_line"]:
		return category{"process", "info", false}
	case has["dns.question.name"]:
		return category{"network", "protocol", false}
	}
	return category{"host", "info", false}
}
