package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"mimamori/internal/bus"
)

const townCode = "312011"

// binaries are built once for all tests.
var binaries string

func TestMain(m *testing.M) {
	if os.Getenv("MIMAMORI_E2E") == "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "mimamori-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, name := range []string{"mimamori", "mimamori-collector"} {
		out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), "mimamori/cmd/"+name).CombinedOutput()
		if err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", name, err, out)
			os.Exit(1)
		}
	}
	binaries = dir
	code := m.Run()
	_ = os.RemoveAll(dir) // scratch
	os.Exit(code)
}

// gate skips where the whole-system tests are not asked for.
func gate(t *testing.T) {
	t.Helper()
	if os.Getenv("MIMAMORI_E2E") == "" {
		t.Skip("set MIMAMORI_E2E=1 (make e2e) to run the whole system")
	}
}

// freePort finds a port that is free now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// process is a program under test.
type process struct {
	cmd    *exec.Cmd
	stderr string // file
	ended  chan error
}

func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	log, err := os.CreateTemp(dir, filepath.Base(args[0])+"-*.log")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{stderr: log.Name(), ended: make(chan error, 1)}
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = log, log, dir
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait(); log.Close() }()
	t.Cleanup(func() { p.kill() })
	return p
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	select {
	case err := <-p.ended:
		p.ended <- err
	default:
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may have ended just now
		p.ended <- <-p.ended
	}
}

// stop ends it as Ctrl-C would and says how long that took.
func (p *process) stop(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		p.ended <- err
		if err != nil {
			t.Errorf("%s ended with %v\n%s", p.cmd.Path, err, p.tail())
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("%s does not end\n%s", p.cmd.Path, p.tail())
	}
	return time.Since(began)
}

func (p *process) tail() string {
	b, _ := os.ReadFile(p.stderr)
	return string(b[max(0, len(b)-4000):])
}

// system is a prefecture and one town's collector, as processes.
type system struct {
	t       *testing.T
	dir     string
	data    string // folder of the prefecture's data, in dir
	syslog  string // host:port of the collector's TLS or TCP syslog
	up, col *process
}

func newSystem(t *testing.T, inputs string) *system {
	t.Helper()
	s := &system{t: t, dir: t.TempDir(), data: "prefecture", syslog: freePort(t)}
	busAddr := freePort(t)
	made, err := bus.LoadOrMakeKey(filepath.Join(s.dir, "collector.nk"))
	if err != nil {
		t.Fatal(err)
	}
	key := made.Public()
	s.write("mimamori.yaml", fmt.Sprintf(`data: prefecture
console: {listen: "127.0.0.1:0"}
bus: {listen: "%s"}
collectors:
  - {id: town, municipality: "%s", key: %s}
zones:
  "%s":
    - {cidr: 192.168.10.0/24, zone: mynumber}
    - {cidr: 10.1.0.0/16, zone: lgwan}
    - {cidr: 10.2.0.0/16, zone: internet}
`, busAddr, townCode, key, townCode))
	s.write("collector.yaml", fmt.Sprintf(`collector: town
municipality: "%s"
zone: internet
data: spool
key: collector.nk
prefecture: {urls: ["nats://%s"]}
inputs:
%s`, townCode, busAddr, strings.ReplaceAll(inputs, "SYSLOG", s.syslog)))
	return s
}

func (s *system) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *system) startUp() {
	s.t.Helper()
	s.up = start(s.t, s.dir, filepath.Join(binaries, "mimamori"), "up", "--config", "mimamori.yaml")
}

func (s *system) startCollector() {
	s.t.Helper()
	s.col = start(s.t, s.dir, filepath.Join(binaries, "mimamori-collector"), "run", "--config", "collector.yaml")
}

// run executes a command to its end and returns what it printed.
func (s *system) run(name string, args ...string) string {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(binaries, name), args...)
	cmd.Dir = s.dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("%s %v: %v\n%s", name, args, err, errs.String())
	}
	return out.String()
}

// account is what mimamori ledger --json prints.
type account struct {
	Received, Stored, Dropped, Lost, Resent uint64
	Quarantined                             uint64
	Rejected                                uint64 `json:"rejected_frames"`
	Broken                                  uint64 `json:"broken_chains"`
}

func (s *system) ledger() (a account) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.run("mimamori", "ledger", "--json", "--data", s.data)), &a); err != nil {
		s.t.Fatal(err)
	}
	return a
}

// answer is what mimamori query --json prints.
type answer struct {
	Total  int64
	Events []map[string]any
}

func (s *system) query(text string, limit int) (a answer) {
	s.t.Helper()
	out := s.run("mimamori", "query", "--json", "--data", s.data, "--limit", fmt.Sprint(limit), text)
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		s.t.Fatal(err)
	}
	return a
}

// await polls until ok or the time is over.
func await(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("after %s: %s", limit, what)
		case <-tick.C:
		}
	}
}

// settled waits until so many lines are stored, and checks the account.
func (s *system) settled(want uint64, limit time.Duration) account {
	s.t.Helper()
	var a account
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("ledger:\n%s\nprefecture:\n%s\ncollector:\n%s", s.run("mimamori", "ledger", "--data", s.data), s.up.tail(), s.col.tail())
		}
	})
	await(s.t, limit, fmt.Sprintf("%d lines stored", want), func() bool {
		a = s.ledger()
		return a.Stored >= want
	})
	if a.Received != want || a.Stored != want || a.Lost != 0 || a.Dropped != 0 || a.Rejected != 0 || a.Broken != 0 {
		s.t.Errorf("sent %d, ledger %+v", want, a)
	}
	if n := s.query("", 1).Total; n != int64(want) {
		s.t.Errorf("%d events in the store for %d lines sent: duplicates or loss", n, want)
	}
	return a
}

var (
	consoleURL = regexp.MustCompile(`console: (http://\S+)`)
	setupURL   = regexp.MustCompile(`(http://\S+/setup\?token=\S+)`)
)

// find waits for a line of the program's log.
func (p *process) find(t *testing.T, re *regexp.Regexp) string {
	t.Helper()
	found := ""
	t.Cleanup(func() {
		if found == "" {
			t.Log(p.tail())
		}
	})
	await(t, 60*time.Second, "the program's log shows "+re.String(), func() bool {
		b, _ := os.ReadFile(p.stderr)
		if all := re.FindAllSubmatch(b, -1); all != nil {
			found = string(all[len(all)-1][1])
		}
		return found != ""
	})
	return found
}
