package collector

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"mimamori/frame"
)

const (
	auditLog    = "/var/log/audit/audit.log" // where auditd writes
	auditSettle = 2 * time.Second            // records of one event come within it; auditd's own tools say the same
)

// newAuditdInput follows auditd's log like any file, and hands over events:
// the records of one event are one line, with newlines between them, since what
// a rule asks for (who, which program, which file) is spread over them. The
// position in the file never stands within an event, so that a restart cannot
// tear one; what may still get records stays in the file until then. An event
// is torn only where the log was rotated in it, or when it is longer than a
// batch.
func newAuditdInput(e *inputEnv) input {
	in := newFileInput(e)
	in.audit = true
	return in
}

// auditHold is what a file keeps back because more may belong to it.
type auditHold struct {
	end   int64 // of the file's whole lines
	since time.Time
}

// readAudit fills the batch with whole events, from data, which begins at the
// position.
func (t *tailed) readAudit(b *batch, data []byte, received int64, end bool) (eof bool, err error) {
	pos := t.audit(b, data, received, end)
	b.size += pos
	t.advance(data[:pos])
	left := len(data) - pos
	switch {
	case end && len(b.recs) < batchRecords:
		if t.reached(t.off + int64(left)); t.hold.end > t.off {
			t.seen = stamp{} // look again when what is kept back has settled
		}
		return true, nil
	case pos == 0 && left > 0:
		t.look(t.off + int64(left))
	}
	return false, nil
}

// audit fills the batch with the events in data, which begins at the position,
// and tells how much of it they take. all says that data ends with the file.
func (t *tailed) audit(b *batch, data []byte, received int64, all bool) int {
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	end := t.off + int64(len(data))
	if t.hold.end != end {
		t.hold = auditHold{end, time.Now()}
	}
	lines := auditLines(data)
	n := len(lines)
	if time.Since(t.hold.since) < auditSettle {
		n = auditCut(lines, !all || len(lines) == batchRecords)
	}
	r := frame.Record{Received: received, Input: "auditd", File: t.path}
	size := 0
	for _, l := range lines[:n] {
		size = l.end
	}
	for _, e := range auditEvents(lines[:n]) {
		r.Offset = t.off + int64(e[0].start)
		if last := e[len(e)-1]; last.end-e[0].start == auditSize(e) { // nothing of others is between them
			r.Line = text(chomp(data[e[0].start : last.end-1]))
		} else {
			r.Line = auditJoin(data, e)
		}
		b.recs = append(b.recs, r)
	}
	return size
}

// auditLine is one record of auditd's log and where it stands.
type auditLine struct {
	start, end int    // with its newline
	id         string // of the event: time and serial; "" where it cannot be read
	at         int64  // milliseconds
	last       bool   // nothing of this event comes behind it
}

// auditLines cuts data, which ends with a newline, into records.
func auditLines(data []byte) []auditLine {
	lines := make([]auditLine, 0, bytes.Count(data, []byte{'\n'}))
	for pos := 0; pos < len(data) && len(lines) < batchRecords; {
		end := pos + bytes.IndexByte(data[pos:], '\n') + 1
		l := parseAudit(data[pos : end-1])
		l.start, l.end = pos, end
		lines = append(lines, l)
		pos = end
	}
	return lines
}

// parseAudit reads the beginning of a record: type=SYSCALL
// msg=audit(1364481363.243:24287): …, before which the node may stand.
func parseAudit(line []byte) auditLine {
	_, rest, ok := bytes.Cut(line[:min(len(line), 512)], []byte("type="))
	kind, rest, ok2 := bytes.Cut(rest, []byte(" msg=audit("))
	id, _, ok3 := bytes.Cut(rest, []byte("):"))
	stamp, serial, ok4 := bytes.Cut(id, []byte(":"))
	sec, milli, ok5 := bytes.Cut(stamp, []byte("."))
	s, err := strconv.ParseUint(string(sec), 10, 40)
	ms, err2 := strconv.ParseUint(string(milli), 10, 10)
	_, err3 := strconv.ParseUint(string(serial), 10, 64)
	if !ok || !ok2 || !ok3 || !ok4 || !ok5 || err != nil || err2 != nil || err3 != nil {
		return auditLine{last: true} // not auditd's: an event of its own
	}
	return auditLine{id: text(id), at: int64(s)*1000 + int64(ms), last: auditLast(text(kind))}
}

// auditLast tells the types that end an event: the last record of a system call,
// and those of programs and daemons, which have one record.
func auditLast(kind string) bool {
	switch kind {
	case "EOE", "PROCTITLE", "KERNEL", "TEST", "TRUSTED_APP", "CRYPTO_KEY_USER", "SYSTEM_BOOT", "SYSTEM_SHUTDOWN", "SYSTEM_RUNLEVEL":
		return true
	}
	first, _, _ := strings.Cut(kind, "_")
	switch first {
	case "USER", "CRED", "DAEMON", "SERVICE", "ACCT", "GRP", "CHGRP", "CHUSER", "ADD", "DEL", "ROLE", "LABEL", "VIRT", "CRYPTO":
		return true
	}
	return false
}

// auditBehind is how many records of others behind an event say that no more
// of its own come.
const auditBehind = 256

// auditCut tells how many of the records make whole events. full says that no
// more fit, so that some must be taken.
func auditCut(lines []auditLine, full bool) int {
	final := make(map[string]int, len(lines)/4)
	for i, l := range lines {
		if l.id != "" {
			final[l.id] = i
		}
	}
	later := make([]int64, len(lines)+1) // the newest time behind each record
	for i := len(lines) - 1; i >= 0; i-- {
		later[i] = max(later[i+1], lines[i].at)
	}
	whole, apart := 0, 0 // up to where events are whole, and up to where they at least stand apart
	open, settled := -1, true
	for i, l := range lines {
		if l.id != "" {
			open = max(open, final[l.id])
		}
		if l.id != "" && i == final[l.id] {
			settled = settled && (l.last || later[i+1] >= l.at+auditSettle.Milliseconds() || len(lines)-i > auditBehind)
		}
		if open > i {
			continue
		}
		if settled {
			whole = i + 1
		}
		if i+1 < len(lines) {
			apart = i + 1
		}
	}
	switch {
	case whole > 0 || !full:
		return whole
	case apart > 0:
		return apart
	}
	return len(lines)
}

// auditEvents puts the records of one event together, in the order in which
// the events began.
func auditEvents(lines []auditLine) [][]auditLine {
	var events [][]auditLine
	of := make(map[string]int, len(lines)/4)
	for i, l := range lines {
		at, ok := of[l.id]
		if !ok || l.id == "" {
			of[l.id] = len(events)
			events = append(events, lines[i:i+1:i+1])
			continue
		}
		if first := i - len(events[at]); lines[first].start == events[at][0].start { // they stand together: no copy
			events[at] = lines[first : i+1 : i+1]
		} else {
			events[at] = append(events[at], l)
		}
	}
	return events
}

// auditSize is the number of bytes of an event's records.
func auditSize(event []auditLine) (n int) {
	for _, l := range event {
		n += l.end - l.start
	}
	return n
}

// auditJoin makes one line of records that stand apart.
func auditJoin(data []byte, event []auditLine) string {
	var b strings.Builder
	for i, l := range event {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.Write(chomp(data[l.start : l.end-1]))
	}
	return b.String()
}
