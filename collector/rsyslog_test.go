package collector

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mimamori/internal/bus"
)

// rsyslog is Debian's, which sends the lines of a file by RELP. The queue is on
// disk when it ends, so that nothing is lost on its side. The window is larger
// than its batches (1024): librelp holds back the end of a batch that fills the
// window for 200 ms, which makes 500 lines a second of its default of 128.
type rsyslog struct {
	t         *testing.T
	path, dir string
	cmd       *exec.Cmd
}

func newRsyslog(t *testing.T, addr, more string) *rsyslog {
	t.Helper()
	path, err := exec.LookPath("rsyslogd")
	modules, _ := filepath.Glob("/usr/lib/*/rsyslog/omrelp.so")
	if err != nil || len(modules) == 0 {
		t.Skip("rsyslogd with omrelp is missing: apt-get install rsyslog rsyslog-relp")
	}
	r := &rsyslog{t: t, path: path, dir: t.TempDir()}
	host, port, _ := net.SplitHostPort(addr)
	conf := fmt.Sprintf(`global(workDirectory="%[1]s" maxMessageSize="64k")
module(load="imfile" mode="inotify")
module(load="omrelp")
main_queue(queue.type="LinkedList" queue.size="20000" queue.filename="main" queue.saveOnShutdown="on" queue.timeoutShutdown="3000")
template(name="raw" type="string" string="%%msg%%")
input(type="imfile" File="%[1]s/in.log" Tag="x" persistStateInterval="1000")
action(type="omrelp" target="%[2]s" port="%[3]s" template="raw" windowSize="2048" action.resumeRetryCount="-1" action.resumeInterval="1" %[4]s)
`, r.dir, host, port, more)
	if err := os.WriteFile(filepath.Join(r.dir, "conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rsyslog) start() {
	r.t.Helper()
	log, err := os.OpenFile(filepath.Join(r.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(r.path, "-n", "-f", filepath.Join(r.dir, "conf"), "-i", filepath.Join(r.dir, "pid"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.cmd = cmd
	r.t.Cleanup(func() {
		if r.cmd == cmd {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // "signal: killed"
		}
		if text, _ := os.ReadFile(filepath.Join(r.dir, "log")); r.t.Failed() {
			r.t.Logf("rsyslog: %s", text)
		}
	})
}

// handlesTERM tells whether a process has come as far as to catch SIGTERM.
func handlesTERM(pid int) bool {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // none: it does not
	for l := range strings.Lines(string(status)) {
		if caught, ok := strings.CutPrefix(l, "SigCgt:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(caught), 16, 64)
			return err == nil && n&(1<<(syscall.SIGTERM-1)) != 0
		}
	}
	return false
}

// stop ends it as systemd would.
func (r *rsyslog) stop() {
	r.t.Helper()
	eventually(r.t, "rsyslogd is up", func() bool { return handlesTERM(r.cmd.Process.Pid) })
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	if err := r.cmd.Wait(); err != nil {
		r.t.Errorf("rsyslogd: %v", err)
	}
	r.cmd = nil
}

// sent counts lines that are there, and those that are there more than once.
func sent(t *testing.T, want, got []string) (missing, again int) {
	t.Helper()
	seen := map[string]int{}
	for _, l := range got {
		seen[l]++
	}
	for _, l := range want {
		n := seen[l]
		if n == 0 {
			missing++
		}
		again += max(0, n-1)
		delete(seen, l)
	}
	for l := range seen {
		t.Fatalf("%q was never sent", l)
	}
	return missing, again
}

func TestRsyslogByRELPArrivesWholeAndOnce(t *testing.T) {
	ca := newAuthority(t)
	for name, tls := range map[string]bool{"plain": false, "TLS with a client's certificate": true} {
		t.Run(name, func(t *testing.T) {
			in, more := relpIn(t), ""
			if tls {
				in = Input{Source: "in", Type: "relp", Listen: "tls://127.0.0.1:0", Cert: ca.cert, Key: ca.key, ClientCA: ca.ca}
				more = fmt.Sprintf(`tls="on" tls.cacert="%s" tls.mycert="%s" tls.myprivkey="%s" tls.authmode="certvalid"`, ca.ca, ca.cert, ca.key)
			}
			key := newKey(t)
			p := newPrefecture(t, key)
			u := start(t, config(t, in), key, p.conn)
			r := newRsyslog(t, u.Addr("in").String(), more)
			want, text := numbered(0, many(t))
			write(t, filepath.Join(r.dir, "in.log"), text)
			began := time.Now()
			r.start()
			u.shipped("in", len(want))
			t.Logf("%d lines in %v", len(want), time.Since(began))
			r.stop()
			recs, _ := p.records("in")
			sameLines(t, want, lines(recs))
			if s := u.Stats().Sources[0]; s.Unanswered != 0 || s.BadFraming != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// An orderly end answers what is on disk, and so nothing comes twice, whoever
// is started again.
func TestRsyslogByRELPSurvivesRestartsOfBothEnds(t *testing.T) {
	key, cfg := newKey(t), config(t, relpIn(t))
	p := newPrefecture(t, key)
	u := start(t, cfg, key, p.conn)
	cfg.Inputs[0].Listen = "tcp://" + u.Addr("in").String()
	r := newRsyslog(t, u.Addr("in").String(), "")
	want, text := numbered(0, many(t))
	write(t, filepath.Join(r.dir, "in.log"), text)
	r.start()
	came, unanswered := uint64(0), uint64(0)
	for step := 1; step < 6; step++ {
		eventually(t, "more lines", func() bool { return came+u.Stats().Sources[0].Lines > uint64(step*len(want)/8) })
		if step%2 == 0 {
			r.stop()
			r.start()
			continue
		}
		u.stop()
		s := u.Stats().Sources[0]
		came, unanswered = came+s.Lines, unanswered+s.Unanswered
		u = start(t, cfg, key, p.conn)
	}
	eventually(t, "all lines", func() bool { return came+u.Stats().Sources[0].Lines >= uint64(len(want)) && u.Stats().Queue == 0 })
	r.stop()
	u.stop()
	unanswered += u.Stats().Sources[0].Unanswered
	u = start(t, cfg, key, p.conn)
	eventually(t, "all is shipped", func() bool { return u.Stats().Queue == 0 })
	recs, _ := p.records("in")
	missing, again := sent(t, want, lines(recs))
	t.Logf("%d lines, %d missing, %d twice, %d could not be answered", len(want), missing, again, unanswered)
	if missing > 0 || uint64(again) > unanswered {
		t.Errorf("%d missing, %d twice although only %d could not be answered", missing, again, unanswered)
	}
}

// kill -9 takes answers with it: what was on disk without one comes again, at
// most the sender's window each time. Nothing is lost.
func TestRsyslogByRELPLosesNothingWhenTheCollectorIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("collectors that are killed again and again, and a reader of all frames: too slow under the race detector")
	}
	dir := t.TempDir()
	key, err := bus.LoadOrMakeKey(filepath.Join(dir, "collector.nk"))
	if err != nil {
		t.Fatal(err)
	}
	p := newPrefecture(t, key)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	r := newRsyslog(t, addr, "")
	want, text := numbered(0, many(t))
	write(t, filepath.Join(r.dir, "in.log"), text)
	r.start()
	const kills = 5
	came := func() int { recs, _ := p.records("in"); return len(recs) }
	for i := range kills {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "MIMAMORI_TEST_CHILD="+dir, "MIMAMORI_TEST_URL=nats://"+p.server.Addr(), "MIMAMORI_TEST_LISTEN=tcp://"+addr)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "more lines", func() bool { return came() > (2*i+1)*len(want)/(3*kills) })
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // "signal: killed"
	}
	cfg := config(t, Input{Source: "in", Type: "relp", Listen: "tcp://" + addr})
	cfg.Data = dir
	start(t, cfg, key, p.conn)
	missing, again := 0, 0
	eventually(t, "all lines", func() bool {
		recs, _ := p.records("in")
		missing, again = sent(t, want, lines(recs))
		return missing == 0
	})
	t.Logf("%d lines, %d times killed, %d missing, %d twice", len(want), kills, missing, again)
	if again > kills*2048 {
		t.Errorf("%d lines came twice, more than the window allows", again)
	}
}
