package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mimamori/internal/calendar"
	"mimamori/internal/sample"
)

// meter forwards connections to an address and counts what goes there.
type meter struct {
	ln   net.Listener
	sent atomic.Int64
	wg   sync.WaitGroup
}

func newMeter(t *testing.T, to string) *meter {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &meter{ln: ln}
	ctx, cancel := context.WithCancel(context.Background())
	m.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			m.wg.Go(func() { m.forward(ctx, c, to) })
		}
	})
	t.Cleanup(func() { ln.Close(); cancel(); m.wg.Wait() })
	return m
}

func (m *meter) forward(ctx context.Context, c net.Conn, to string) {
	defer c.Close()
	up, err := new(net.Dialer).DialContext(ctx, "tcp", to)
	if err != nil {
		return
	}
	defer up.Close()
	defer context.AfterFunc(ctx, func() { c.Close(); up.Close() })()
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = io.Copy(c, up); c.Close() }) // ends with either side
	n, _ := io.Copy(up, c)
	m.sent.Add(n)
	up.Close()
	wg.Wait()
}

// peak is the most memory that a running process has had.
func (p *process) peak(t *testing.T) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(b)
	if found == nil {
		t.Fatal("no VmHWM")
	}
	kb, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// secure makes the line TLS and passes it through a meter.
func (s *system) secure() *meter {
	s.t.Helper()
	s.certificate()
	up, err := os.ReadFile(filepath.Join(s.dir, "mimamori.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	addr := regexp.MustCompile(`bus: \{listen: "([^"]+)"\}`).FindStringSubmatch(string(up))[1]
	s.write("mimamori.yaml", strings.Replace(string(up), fmt.Sprintf(`bus: {listen: "%s"}`, addr), fmt.Sprintf(`bus: {listen: "%s", cert: cert.pem, key: key.pem}`, addr), 1))
	col, err := os.ReadFile(filepath.Join(s.dir, "collector.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	m := newMeter(s.t, addr)
	s.write("collector.yaml", strings.Replace(string(col), fmt.Sprintf(`{urls: ["nats://%s"]}`, addr), fmt.Sprintf(`{urls: ["tls://%s"], ca: cert.pem}`, m.ln.Addr()), 1))
	return m
}

// mixed writes so many mixed lines and returns their bytes.
func (s *system) mixed(name string, lines int) (bytes int64) {
	s.t.Helper()
	f, err := os.Create(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	m := sample.New(sample.Towns(1)[0], 1, time.Date(2026, 11, 22, 9, 0, 0, 0, calendar.JST()))
	var b []byte
	for range lines {
		b, _ = m.Append(b[:0])
		n, _ := w.Write(append(b, '\n')) // Flush tells
		bytes += int64(n)
	}
	if err := w.Flush(); err != nil {
		s.t.Fatal(err)
	}
	return bytes
}

// TestCostOfACollector measures what must be shown: CPU and memory of the
// collector's process alone, from a file over spool and TLS to the prefecture.
// MIMAMORI_COST is the number of lines (1000000); without it a short form runs,
// with bounds that a noisy machine keeps.
func TestCostOfACollector(t *testing.T) {
	gate(t)
	lines, long := 100_000, false
	if n, err := strconv.Atoi(os.Getenv("MIMAMORI_COST")); err == nil {
		lines, long = n, true
	}
	s := newSystem(t, "  - {source: log, type: file, paths: [a.log]}\n")
	m := s.secure()
	raw := s.mixed("a.log", lines)
	s.startUp()
	s.up.find(t, consoleURL)
	s.startCollector()
	s.settled(uint64(lines), 10*time.Minute)
	peak := s.col.peak(t)
	s.col.stop(t)
	use := s.col.cmd.ProcessState
	cpu := (use.UserTime() + use.SystemTime()).Seconds()
	t.Logf("%d lines, %d bytes: %.2f CPU s (%.2f user), %.2f µs a line, %d MiB at most, %d bytes sent (1/%.1f)",
		lines, raw, cpu, use.UserTime().Seconds(), cpu*1e6/float64(lines), peak>>20, m.sent.Load(), float64(raw)/float64(m.sent.Load()))
	if ratio := float64(raw) / float64(m.sent.Load()); ratio < 8 {
		t.Errorf("only 1/%.1f of the raw bytes", ratio)
	}
	if long && peak > 70<<20 || !long && cpu > 3 {
		t.Errorf("%.2f CPU s, %d MiB", cpu, peak>>20)
	}
	s.up.stop(t)
}

// TestMemoryWithABacklog lets a spool grow without a line, then drain.
// MIMAMORI_COST makes it 1 GiB.
func TestMemoryWithABacklog(t *testing.T) {
	gate(t)
	size := int64(64 << 20)
	if os.Getenv("MIMAMORI_COST") != "" {
		size = 1 << 30
	}
	s := newSystem(t, "  - {source: log, type: file, paths: [a.log]}\n")
	m := s.secure()
	f, err := os.Create(filepath.Join(s.dir, "a.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, lines := bufio.NewWriterSize(f, 1<<20), uint64(0)
	r := rand.New(rand.NewPCG(1, 2))
	for n := int64(0); n < size*5/4; lines++ { // hardly compressible: 16 digits in 16 bytes, 8 bytes of chance
		k, _ := fmt.Fprintf(w, "%016x%016x%016x%016x%016x%016x\n", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
		n += int64(k) / 2
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	s.startCollector()
	spool := filepath.Join(s.dir, "spool", "spool")
	await(t, 10*time.Minute, "a backlog in the spool", func() bool { return folder(spool) >= size })
	waiting := s.col.peak(t)
	s.startUp()
	s.settled(lines, 15*time.Minute)
	peak := s.col.peak(t)
	s.col.stop(t)
	use := s.col.cmd.ProcessState
	t.Logf("backlog %d MiB, %d lines: %d MiB while it grew, %d MiB in all, %.1f CPU s, %d MiB sent", size>>20, lines, waiting>>20, peak>>20,
		(use.UserTime() + use.SystemTime()).Seconds(), m.sent.Load()>>20)
	if peak > 90<<20 {
		t.Errorf("%d MiB", peak>>20)
	}
	s.up.stop(t)
}

// folder is how many bytes the files of a folder have.
func folder(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // it may have gone just now
		}
		if info, err := d.Info(); err == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				n += st.Blocks * 512
			}
		}
		return nil
	})
	return n
}
