package console

import (
	"strings"
	"time"
	"unicode/utf8"

	"mimamori/event"
)

// eventRow is one event in a list.
type eventRow struct {
	Time    time.Time
	Town    string // displayed name; "" when unknown
	Device  string
	Summary string
	URL     string
	Unread  bool // no format could read the line
}

func (v *view) row(e *event.Event) eventRow {
	row := eventRow{Device: device(e), Summary: v.summary(e), URL: eventURL(e.Ref), Unread: has(e, "quarantine")}
	if code := str(e, "municipality"); code != "" {
		row.Town = v.Town(code)
	}
	if t, ok := get(e, "@timestamp"); ok {
		row.Time = time.Unix(0, t.Int())
	}
	return row
}

func get(e *event.Event, name string) (event.Value, bool) {
	f, ok := event.Lookup(name)
	if !ok {
		return event.Value{}, false
	}
	return e.Get(f)
}

func has(e *event.Event, name string) bool { _, ok := get(e, name); return ok }

// str is a field's value as text, "" when it is missing.
func str(e *event.Event, name string) string {
	v, ok := get(e, name)
	if !ok {
		return ""
	}
	return v.Text()
}

// first is the first of some fields that the event has.
func first(e *event.Event, names ...string) string {
	for _, n := range names {
		if s := str(e, n); s != "" {
			return s
		}
	}
	return ""
}

func device(e *event.Event) string {
	return cut(first(e, "observer.name", "observer.hostname", "host.name", "host.hostname", "log.syslog.hostname", "log.source.address", "collector"), 60)
}

// summary says in one line what an event tells: who did what, from where to
// where, with what. Where no field says so, it is the message or the line itself.
func (v *view) summary(e *event.Event) string {
	var parts []string
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	add(v.action(first(e, "event.action", "event.outcome")))
	add(str(e, "user.name"))
	from, to := endpoint(e, "source"), endpoint(e, "destination")
	if from != "" && to != "" {
		from += " → " + to
	} else if to != "" {
		from = "→ " + to
	}
	add(from)
	add(first(e, "url.full", "url.original", "url.domain", "file.path", "file.name", "process.command_line", "process.name", "dns.question.name", "email.subject"))
	if len(parts) < 2 {
		add(str(e, "rule.name"))
	}
	if len(parts) < 2 {
		if m := first(e, "message", "event.original"); m != "" {
			return cut(oneLine(m), 200)
		}
	}
	return cut(oneLine(strings.Join(parts, " ")), 200)
}

func endpoint(e *event.Event, side string) string {
	host := first(e, side+".ip", side+".address", side+".domain")
	port := str(e, side+".port")
	if host == "" || port == "" {
		return host
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + port
}

// action translates the commonest actions; others stay as the device says them.
func (v *view) action(a string) string {
	switch strings.ToLower(a) {
	case "deny", "denied", "block", "blocked", "drop", "dropped", "reject", "rejected", "tcp_denied":
		return v.T("action.deny")
	case "allow", "allowed", "accept", "accepted", "permit", "permitted", "pass", "passthrough":
		return v.T("action.allow")
	case "logon", "login", "logged-in", "user_login":
		return v.T("action.logon")
	case "logon-failed", "login-failed", "user_login_failed":
		return v.T("action.logonfailed")
	case "close", "server-rst", "client-rst", "timeout":
		return v.T("action.ended")
	case "process-created":
		return v.T("action.process")
	case "success", "failure", "unknown":
		return v.T("action." + strings.ToLower(a))
	}
	return a
}

// oneLine replaces whatever would break a line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// cut shortens a text to n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
