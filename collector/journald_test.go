package collector

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"mimamori/frame"
)

// writeJournal adds entries to a journal file in dir, as systemd itself writes
// them.
func writeJournal(t testing.TB, dir string, from, n int) {
	t.Helper()
	remote := "/lib/systemd/systemd-journal-remote"
	if _, err := os.Stat(remote); err != nil {
		t.Skip("systemd-journal-remote is missing: apt-get install systemd-journal-remote")
	}
	if _, err := exec.LookPath("journalctl"); err != nil {
		t.Skip("journalctl is missing: apt-get install systemd")
	}
	var b bytes.Buffer
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=0123456789abcdef0123456789abcdef\n_MACHINE_ID=fedcba9876543210fedcba9876543210\n", 1_700_000_000_000_000+i, 1_000_000+i)
		fmt.Fprintf(&b, "_SYSTEMD_UNIT=%s.service\nPRIORITY=6\nSYSLOG_IDENTIFIER=tester\n", []string{"sshd", "cron"}[i%2])
		switch i % 50 {
		case 7: // a field of bytes that are no text
			fmt.Fprintf(&b, "MESSAGE=entry %d\nBLOB\n%s%s\n", i, "\x04\x00\x00\x00\x00\x00\x00\x00", "\xff\x00\n\x01")
		case 8:
			fmt.Fprintf(&b, "MESSAGE=entry %d \"__CURSOR\":\"s=0\" 日本語 %s\n", i, strings.Repeat("x", 5000))
		default:
			fmt.Fprintf(&b, "MESSAGE=entry %d\n", i)
		}
		b.WriteByte('\n')
	}
	cmd := exec.CommandContext(t.Context(), remote, "--output="+filepath.Join(dir, "remote.journal"), "-")
	cmd.Stdin = &b
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// messages are the MESSAGE fields of records.
func messages(t *testing.T, recs []frame.Record) (out []string) {
	t.Helper()
	for _, r := range recs {
		var e struct {
			Message string `json:"MESSAGE"`
			Cursor  string `json:"__CURSOR"`
		}
		if err := json.Unmarshal([]byte(r.Line), &e); err != nil || e.Cursor == "" || r.Input != "journald" || r.Flags != 0 {
			t.Fatalf("%v: %+v", err, r)
		}
		out = append(out, strings.SplitAfterN(e.Message, " ", 3)[1])
	}
	return out
}

// entries is how many lines a test of a real sender takes.
func entries() int {
	if os.Getenv("MIMAMORI_E2E") != "" {
		return 100_000
	}
	return 5_000
}

func TestJournalIsReadWholeAndOnceOverRestarts(t *testing.T) {
	dir, key, n := t.TempDir(), newKey(t), entries()
	p := newPrefecture(t, key)
	writeJournal(t, dir, 0, n/2)
	cfg := config(t, Input{Source: "in", Type: "journald", Directory: dir})
	var want []string
	for i := range n {
		want = append(want, strings.TrimSpace(fmt.Sprint(i)))
	}
	u := start(t, cfg, key, p.conn)
	eventually(t, "some are there", func() bool { return u.Stats().Sources[0].Lines > 1000 })
	u.stop() // in the midst of it
	u = start(t, cfg, key, p.conn)
	writeJournal(t, dir, n/2, n/4)
	eventually(t, "more are there", func() bool { return u.Stats().Sources[0].Lines > uint64(n/8) })
	u.stop()
	writeJournal(t, dir, n*3/4, n-n*3/4)
	u = start(t, cfg, key, p.conn)
	eventually(t, "all are there", func() bool { recs, _ := p.records("in"); return len(recs) >= n })
	u.stop()
	recs, _ := p.records("in")
	got := messages(t, recs)
	for i := range got {
		got[i] = strings.TrimSpace(got[i])
	}
	sameLines(t, want, got)
	for i, r := range recs {
		if i%50 == 7 && !strings.Contains(r.Line, "[255,0,10,1]") || i%50 == 8 && !strings.Contains(r.Line, "日本語 xxx") {
			t.Fatalf("%d: %s", i, r.Line)
		}
	}
}

func TestJournalOfOneUnitAndMatch(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	p := newPrefecture(t, key)
	writeJournal(t, dir, 0, 200)
	u := start(t, config(t, Input{Source: "in", Type: "journald", Directory: dir, Units: []string{"sshd.service"}},
		Input{Source: "other", Type: "journald", Directory: dir, Matches: []string{"_SYSTEMD_UNIT=cron.service", "+", "_SYSTEMD_UNIT=sshd.service"}}), key, p.conn)
	u.shipped("in", 100)
	u.shipped("other", 200)
	if n := u.Stats().Sources[0].Lines; n != 100 {
		t.Errorf("%d entries of one unit, want 100", n)
	}
}

func TestJournalctlThatDiesIsStartedAgainBehindTheLastEntry(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	p := newPrefecture(t, key)
	program := filepath.Join(t.TempDir(), "journalctl")
	script := `#!/bin/sh
for a in "$@"; do case "$a" in --after-cursor=*) at=${a#--after-cursor=c};; esac; done
i=${at:-0}
for n in 1 2 3; do i=$((i+1)); echo "{\"MESSAGE\":\"$i\",\"__CURSOR\":\"c$i\"}"; done
printf '{"MESSAGE":"half'
echo "the disk is on fire" >&2
exit 1
`
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(program)+":"+os.Getenv("PATH"))
	u := start(t, config(t, Input{Source: "in", Type: "journald", Directory: dir}), key, p.conn)
	u.shipped("in", 6)
	u.stop()
	recs, _ := p.records("in")
	for i, r := range recs {
		if want := fmt.Sprintf(`{"MESSAGE":"%d","__CURSOR":"c%[1]d"}`, i+1); r.Line != want {
			t.Fatalf("%d: %q, want %q", i, r.Line, want)
		}
	}
}

func TestHugeJournalEntryIsCutAndItsCursorFound(t *testing.T) {
	huge := `{"A":"` + strings.Repeat(`\"__CURSOR\":\"x`, 200_000) + `","__CURSOR" : "s=1;i=2","B":[` + strings.Repeat("255,", 500_000) + "0]}"
	text := "{\"__CURSOR\":\"a\"}\n" + huge + "\n{}\n{\"__CURSOR\":\"b\"}\nhalf"
	r := &entryReader{r: bufio.NewReaderSize(iotest.HalfReader(strings.NewReader(text)), 64<<10)}
	for i, want := range []journalEntry{{[]byte(`{"__CURSOR":"a"}`), 16, "a"}, {[]byte(huge[:frame.MaxLine]), int64(len(huge)), "s=1;i=2"}, {[]byte("{}"), 2, ""}, {[]byte(`{"__CURSOR":"b"}`), 16, "b"}} {
		got, err := r.next()
		if err != nil || !bytes.Equal(got.line, want.line) || got.total != want.total || got.cursor != want.cursor {
			t.Fatalf("%d: %v, %d bytes of %d, cursor %q; want %d of %d, %q", i, err, len(got.line), got.total, got.cursor, len(want.line), want.total, want.cursor)
		}
	}
	if _, err := r.next(); !errors.Is(err, errHalfEntry) {
		t.Errorf("%v", err)
	}
}

func FuzzJournalEntries(f *testing.F) {
	f.Add([]byte("{\"__CURSOR\":\"s=1\",\"MESSAGE\":\"x\"}\n{ \"__CURSOR\" : \"s=2\" }\n"), 7)
	f.Add([]byte("{\"MESSAGE\":\"\\\"__CURSOR\\\":\\\"no\"}\nhalf"), 1)
	f.Add(bytes.Repeat([]byte("x"), 100), 3)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		r := &entryReader{r: bufio.NewReaderSize(iotest.OneByteReader(bytes.NewReader(text)), 16+size&0xff)}
		began := time.Now()
		for _, line := range bytes.SplitAfter(text, []byte("\n")) {
			e, err := r.next()
			if bytes.HasSuffix(line, []byte("\n")) != (err == nil) {
				t.Fatalf("%q: %v", line, err)
			}
			if err == nil && (!bytes.Equal(e.line, line[:len(line)-1]) || e.total != int64(len(line)-1) || e.cursor != findCursor(e.line)) {
				t.Fatalf("%q: %q %d %q", line, e.line, e.total, e.cursor)
			}
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal("too slow")
		}
	})
}
