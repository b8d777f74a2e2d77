package collector

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/frame"
)

// auditEvent writes an event of a system call as auditd does.
func auditEvent(serial int, at time.Time, kinds ...string) (lines []string) {
	for _, k := range kinds {
		lines = append(lines, fmt.Sprintf(`type=%s msg=audit(%d.%03d:%d): a0=7ffe key="x"%sAUID="root"`, k, at.Unix(), at.Nanosecond()/1e6, serial, "\x1d"))
	}
	return lines
}

var syscallKinds = []string{"SYSCALL", "EXECVE", "CWD", "PATH", "PATH", "PROCTITLE"}

func TestRecordsOfAnAuditEventAreOneLineAndLinesOfOthersAreKept(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	p := newPrefecture(t, key)
	path := filepath.Join(dir, "audit.log")
	now := time.Unix(1_700_000_000, 123e6)
	a, b := auditEvent(1, now, syscallKinds...), auditEvent(2, now, syscallKinds...)
	user := auditEvent(3, now, "USER_LOGIN")
	open := auditEvent(4, now, "SYSCALL", "PATH") // no PROCTITLE: an old kernel's, or one that is being written
	text := func(lines ...string) string { return strings.Join(lines, "\n") + "\n" }
	write(t, path, "no record of auditd\n"+text(a[:2]...)+text(b[:3]...)+text(a[2:]...)+text(user...)+text(b[3:]...)+text(open...))
	cfg := config(t, Input{Source: "in", Type: "auditd", Paths: []string{path}})
	u := start(t, cfg, key, p.conn)
	u.shipped("in", 4)
	u.stop() // the last event is still open, and stays in the file
	rest := auditEvent(4, now, "PATH", "PROCTITLE")
	write(t, path, text(rest...))
	u = start(t, cfg, key, p.conn)
	late := auditEvent(5, now, "AVC", "SYSCALL")
	write(t, path, text(late...)) // nothing ends it but time
	u.shipped("in", 2)
	recs, _ := p.records("in")
	sameLines(t, []string{
		"no record of auditd", strings.Join(a, "\n"), strings.Join(b, "\n"), user[0],
		strings.Join(append(open, rest...), "\n"), strings.Join(late, "\n"),
	}, lines(recs))
	for _, r := range recs {
		if r.Input != "auditd" || r.File != path || r.Flags != 0 {
			t.Errorf("%+v", r)
		}
	}
}

// TestAuditEventsAreNeverTornOrDoubled feeds a log of interleaved events in
// pieces, as a reader meets a growing file.
func TestAuditEventsAreNeverTornOrDoubled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_700_000_000, 0)
		var want, log []string
		var open [][]string // up to 3 events at once
		for serial := range rapid.IntRange(1, 60).Draw(t, "events") {
			most := 20 // all records of one event come within two seconds
			if len(open) == 0 {
				most = 3000
			}
			now = now.Add(time.Duration(rapid.IntRange(0, most).Draw(t, "ms")) * time.Millisecond)
			kinds := syscallKinds
			if rapid.Bool().Draw(t, "user") {
				kinds = []string{"USER_AUTH"}
			}
			e := auditEvent(serial, now, kinds...)
			want, open = append(want, strings.Join(e, "\n")), append(open, e)
			for len(open) > 2 || len(open) > 0 && rapid.Bool().Draw(t, "go on") {
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				log = append(log, open[i][0])
				if open[i] = open[i][1:]; len(open[i]) == 0 {
					open = slices.Delete(open, i, i+1)
				}
			}
		}
		for _, e := range open {
			log = append(log, e...)
		}
		data := []byte(strings.Join(log, "\n") + "\n")
		var got []string
		for pos, seen := 0, 0; pos < len(data); {
			seen = min(len(data), seen+rapid.IntRange(1, 900).Draw(t, "more"))
			ready := data[pos : pos+strings.LastIndexByte(string(data[pos:seen]), '\n')+1]
			ls := auditLines(ready)
			n := auditCut(ls, false)
			for _, e := range auditEvents(ls[:n]) {
				got = append(got, auditJoin(ready, e))
			}
			if n > 0 {
				pos += ls[n-1].end
			} else if seen == len(data) {
				t.Fatalf("%d bytes stay in the file for ever", len(data)-pos)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Fatalf("got %q\nwant %q", got, want)
		}
	})
}

func TestAuditLogFullOfOpenEventsStillGoesOn(t *testing.T) {
	var b strings.Builder
	for i := range 3000 { // never an end, all at once
		b.WriteString(strings.Join(auditEvent(i%7, time.Unix(1_700_000_000, 0), "PATH"), "") + "\n")
	}
	lines := auditLines([]byte(b.String()))
	if n := auditCut(lines, false); n != 0 {
		t.Errorf("%d of %d records are whole events, though none has ended", n, len(lines))
	}
	if n := auditCut(lines, true); n != len(lines) {
		t.Errorf("%d of %d records are taken, though no more fit", n, len(lines))
	}
}

func FuzzAudit(f *testing.F) {
	for _, kinds := range [][]string{syscallKinds, {"USER_LOGIN"}, {"UNKNOWN[1335]", "PATH"}} {
		f.Add([]byte(strings.Join(auditEvent(1, time.Unix(1_700_000_000, 0), kinds...), "\n")+"\n"), true)
	}
	f.Add([]byte("node=a type=X msg=audit(1.1:1): x\r\n\n type=  msg=audit(99999999999999999999.0:1):\n"), false)
	f.Fuzz(func(t *testing.T, data []byte, full bool) {
		data = append(data, '\n')
		ls := auditLines(data)
		n := auditCut(ls, full)
		if n < 0 || n > len(ls) || full && n == 0 {
			t.Fatalf("%d of %d", n, len(ls))
		}
		size, want := 0, 0
		for _, e := range auditEvents(ls[:n]) {
			size += auditSize(e)
			if at := ls[slices.IndexFunc(ls, func(l auditLine) bool { return l.start == e[0].start })]; at.id != e[len(e)-1].id {
				t.Fatal("an event of two ids")
			}
		}
		if n > 0 {
			want = ls[n-1].end
		}
		if size != want {
			t.Fatalf("%d of %d bytes", size, want)
		}
	})
}

// auditd starts the real one with its log in dir, which it rotates often.
func auditd(t *testing.T, dir string) {
	t.Helper()
	path, err := exec.LookPath("auditd")
	if os.Getenv("MIMAMORI_E2E") == "" || os.Getuid() != 0 || err != nil {
		t.Skip("it needs MIMAMORI_E2E=1, root and auditd (apt-get install auditd)")
	}
	conf := fmt.Sprintf("log_file = %s/audit.log\nlog_group = root\nlog_format = ENRICHED\nflush = INCREMENTAL_ASYNC\nfreq = 50\nmax_log_file = 1\nnum_logs = 200\n"+
		"max_log_file_action = ROTATE\nspace_left = 75\nspace_left_action = IGNORE\nadmin_space_left = 50\nadmin_space_left_action = IGNORE\ndisk_full_action = IGNORE\n"+
		"disk_error_action = IGNORE\nlocal_events = yes\nwrite_logs = yes\n", dir)
	if err := os.WriteFile(filepath.Join(dir, "auditd.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-n", "-c", dir)
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = exec.Command("auditctl", "-D", "-k", "mimamori-test").Run() // nothing may be left of it
		_ = exec.Command("auditctl", "-e", "0").Run()
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Process.Signal(os.Kill)
		<-ended
	})
	eventually(t, "auditd writes, or ends", func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Skipf("auditd cannot run here: %v %s", err, said.String())
		default:
		}
		_, err := os.Stat(filepath.Join(dir, "audit.log"))
		return err == nil
	})
	for _, args := range [][]string{{"-b", "8192"}, {"-w", filepath.Join(dir, "watched"), "-p", "wa", "-k", "mimamori-test"}} {
		if out, err := exec.Command("auditctl", args...).CombinedOutput(); err != nil {
			t.Skipf("the kernel refuses audit rules here: %v %s", err, out)
		}
	}
	// Its log is there before the kernel knows of it; what happens between is nobody's.
	eventually(t, "the kernel tells auditd", func() bool {
		return auditStatus(t, "pid") == cmd.Process.Pid && auditStatus(t, "enabled") > 0
	})
}

// auditRecords are all lines of auditd's logs, in no order; none when it
// rotated them meanwhile.
func auditRecords(t *testing.T, dir string) (out []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "audit.log*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")...)
	}
	return out
}

// auditStatus is a number that the kernel tells of its audit: enabled, pid of the
// daemon.
func auditStatus(t *testing.T, name string) int {
	t.Helper()
	out, err := exec.Command("auditctl", "-s").CombinedOutput()
	if err != nil {
		t.Fatalf("%v %s", err, out)
	}
	found := regexp.MustCompile(`(?m)^` + name + ` (\d+)$`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("no %s in %q", name, out)
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRealAuditdIsReadWholeAndOnceOverRestarts(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	write(t, filepath.Join(dir, "watched"), "x")
	auditd(t, dir)
	p := newPrefecture(t, key)
	cfg := config(t, Input{Source: "in", Type: "auditd", Paths: []string{filepath.Join(dir, "audit.log")}})
	const events = 25_000
	for range 5 { // restarts in the midst of it
		u := start(t, cfg, key, p.conn)
		for range events / 5 {
			write(t, filepath.Join(dir, "watched"), "")
		}
		u.stop()
	}
	var want []string
	eventually(t, "auditd has written all", func() bool {
		before := want
		want = auditRecords(t, dir)
		return len(want) >= 4*events && slices.Equal(want, before)
	})
	start(t, cfg, key, p.conn)
	var recs []frame.Record
	count := func() (n int) {
		recs, _ = p.records("in")
		for _, r := range recs {
			n += 1 + strings.Count(r.Line, "\n")
		}
		return n
	}
	eventually(t, "all is shipped", func() bool { return count() >= len(want) })
	var got []string
	torn := 0
	for _, r := range recs {
		got = append(got, strings.Split(r.Line, "\n")...)
		if strings.Contains(r.Line, "type=SYSCALL") && !strings.Contains(r.Line, "type=PROCTITLE") {
			torn++
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	sameLines(t, want, got)
	logs, _ := filepath.Glob(filepath.Join(dir, "audit.log*"))
	t.Logf("%d records in %d files, %d lines, %d events torn by rotation", len(want), len(logs), len(recs), torn)
	if torn > len(logs) {
		t.Errorf("%d events are torn, more than the log was rotated", torn)
	}
}
