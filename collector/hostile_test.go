package collector

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// full says that the attacks have their full sizes.
func full() bool { return os.Getenv("MIMAMORI_HOSTILE") != "" }

func size(small, large int) int {
	if full() {
		return large
	}
	return small
}

// sink takes every frame.
type sink struct{ n atomic.Uint64 }

func (s *sink) Publish(context.Context, string, []byte) (uint64, error) { return s.n.Add(1), nil }

// told is what the process under attack tells of itself, a line of JSON each.
type told struct {
	Addr  map[string]string
	Stats Stats
	Held  map[string]int64 // bytes for long messages
}

// hostileKinds are what is attacked; "good" is left alone.
var hostileKinds = []string{"tcp", "tls", "relp", "beats", "good"}

// victimProcess is a collector in a process of its own, until it is killed.
func victimProcess(dir string) {
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	limit, _ := strconv.Atoi(os.Getenv("MIMAMORI_TEST_CONNECTIONS"))
	patience, _ := time.ParseDuration(os.Getenv("MIMAMORI_TEST_PATIENCE"))
	cfg := Config{Collector: "test", Municipality: "312011", Zone: "internet", Data: dir, Spool: Spool{MaxBytes: 1 << 30}}
	for _, k := range hostileKinds {
		in := Input{Source: k, Type: "syslog", Listen: "tcp://127.0.0.1:0", MaxConnections: limit}
		switch k {
		case "tls":
			in.Listen, in.Cert, in.Key = "tls://127.0.0.1:0", cert, key
		case "relp", "beats":
			in.Type = k
		}
		cfg.Inputs = append(cfg.Inputs, in)
	}
	c, err := New(cfg, Options{Prefecture: lineTo(&sink{})})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	listeners := map[string]*listener{}
	for i, k := range hostileKinds {
		switch in := c.sources[i].input.(type) {
		case *tcpInput:
			listeners[k] = &in.listener
		case *relpInput:
			listeners[k] = &in.listener
		case *beatsInput:
			listeners[k] = &in.listener
		}
		listeners[k].patience = patience
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Run(context.Background()) }()
	<-c.Ready()
	out := json.NewEncoder(os.Stdout)
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case <-tick.C:
		case err := <-ended:
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		x := told{map[string]string{}, c.Stats(), map[string]int64{}}
		for k, l := range listeners {
			x.Addr[k], x.Held[k] = c.Addr(k).String(), l.memory.Load()
		}
		_ = out.Encode(x)
	}
}

// victim is the process under attack, seen from outside.
type victim struct {
	t    *testing.T
	cmd  *exec.Cmd
	tls  *tls.Config
	mu   sync.Mutex
	last told
	good int // lines sent to the source that is left alone
}

func newVictim(t *testing.T, connections int, patience time.Duration) *victim {
	t.Helper()
	if testing.Short() {
		t.Skip("memory is measured, and the race detector, which runs with -short, has much of its own")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("the memory of a process is read from /proc")
	}
	ca, dir := newAuthority(t), t.TempDir()
	for from, name := range map[string]string{ca.cert: "cert.pem", ca.key: "key.pem"} {
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	v := &victim{t: t, tls: ca.client(), cmd: exec.Command(os.Args[0])}
	v.cmd.Env = append(os.Environ(), "MIMAMORI_TEST_VICTIM="+dir, fmt.Sprintf("MIMAMORI_TEST_CONNECTIONS=%d", connections), "MIMAMORI_TEST_PATIENCE="+patience.String())
	v.cmd.Stderr = os.Stderr
	out, err := v.cmd.StdoutPipe()
	if err == nil {
		err = v.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for d := json.NewDecoder(out); ; {
			var x told
			if d.Decode(&x) != nil {
				return
			}
			v.mu.Lock()
			v.last = x
			v.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		_ = v.cmd.Process.Kill()
		wg.Wait()
		_ = v.cmd.Wait() // "signal: killed"
	})
	eventually(t, "the collector listens", func() bool { return v.now().Addr != nil })
	return v
}

func (v *victim) now() told {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last
}

func (v *victim) source(kind string) SourceStats {
	for _, s := range v.now().Stats.Sources {
		if s.Source == kind {
			return s
		}
	}
	return SourceStats{}
}

// memory is what the process has in memory, in MiB: now, and at its most.
func (v *victim) memory() (now, most int) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", v.cmd.Process.Pid))
	for line := range strings.Lines(string(b)) {
		_, _ = fmt.Sscanf(line, "VmRSS: %d kB", &now)
		_, _ = fmt.Sscanf(line, "VmHWM: %d kB", &most)
	}
	return now >> 10, most >> 10
}

func (v *victim) dial(kind string) net.Conn {
	conn, err := net.Dial("tcp", v.now().Addr[kind])
	if err != nil {
		v.t.Error(err)
		return nil
	}
	if kind == "tls" {
		conn = tls.Client(conn, v.tls)
	}
	return conn
}

// attack writes a stream until it ends or is cut off, reads what comes back,
// and waits until the other end has closed.
func (v *victim) attack(kind string, stream io.Reader) {
	conn := v.dial(kind)
	if conn == nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Minute))
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = io.Copy(io.Discard, conn) })
	_, _ = io.Copy(conn, stream) // it may be cut off
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	wg.Wait()
}

// unhurt sends lines to the source that is left alone, and waits for them.
func (v *victim) unhurt() time.Duration {
	v.t.Helper()
	began := time.Now()
	conn := v.dial("good")
	defer conn.Close()
	for range 200 {
		fmt.Fprintf(conn, "<13>good %d\n", v.good)
		v.good++
	}
	eventually(v.t, "the other source's lines are kept", func() bool { return v.source("good").Lines == uint64(v.good) })
	return time.Since(began)
}

// within runs attacks together while another source goes on, and fails when
// the process takes more memory than that.
func (v *victim) within(mib int, attacks ...func()) {
	v.t.Helper()
	var wg sync.WaitGroup
	done := make(chan struct{})
	for _, a := range attacks {
		wg.Go(a)
	}
	go func() { wg.Wait(); close(done) }()
	slowest := v.unhurt()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(300 * time.Millisecond):
			slowest = max(slowest, v.unhurt())
		}
	}
	slowest = max(slowest, v.unhurt())
	now, most := v.memory()
	v.t.Logf("memory %d MiB, at most %d; 200 lines of another source took at most %v", now, most, slowest)
	if most > mib {
		v.t.Errorf("%d MiB of memory, at most %d may be", most, mib)
	}
}

func repeat(b []byte, n int) io.Reader {
	return io.LimitReader(&endless{b: b}, int64(n))
}

// endless repeats its bytes.
type endless struct {
	b  []byte
	at int
}

func (e *endless) Read(p []byte) (n int, _ error) {
	for n < len(p) {
		c := copy(p[n:], e.b[e.at:])
		n, e.at = n+c, (e.at+c)%len(e.b)
	}
	return n, nil
}

var someBytes = bytes.Repeat([]byte("x"), 64<<10)

func TestHostileLineWithoutAnEnd(t *testing.T) {
	v := newVictim(t, 1000, time.Minute)
	n := size(48<<20, 1<<30)
	open := fmt.Sprintf("1 open %d %s\n", len(relpOffer), relpOffer)
	relp := min(n, 999_999_999)
	event := n / 8 // a window may have 256 MiB
	var beats bytes.Buffer
	beats.Write(window(1))
	beats.Write(dataFrame(1, strings.Repeat(" ", 0))[:6])
	beats.Write([]byte{byte(event >> 24), byte(event >> 16), byte(event >> 8), byte(event)})
	attacks := []func(){
		func() { v.attack("tcp", repeat(someBytes, n)) },
		func() { v.attack("tls", repeat(someBytes, n)) },
		func() {
			v.attack("relp", io.MultiReader(strings.NewReader(open+fmt.Sprintf("2 syslog %d ", relp)), repeat(someBytes, relp), strings.NewReader("\n")))
		},
		func() { v.attack("beats", io.MultiReader(&beats, repeat(someBytes, event))) },
	}
	v.within(120, attacks...)
	for _, k := range hostileKinds[:4] {
		eventually(t, k+": the line is cut and marked", func() bool { s := v.source(k); return s.Truncated == 1 && s.Lines == 1 && s.Connections == 0 })
	}
}

func TestHostileBombsInBeats(t *testing.T) {
	v := newVictim(t, 1000, time.Minute)
	var frames [][]byte
	for i := range size(300, 1024) { // a megabyte each
		frames = append(frames, dataFrame(i+1, string(bytes.Repeat([]byte{0}, 1<<20-1024))))
	}
	bomb := append(window(len(frames)), deflated(frames...)...)
	t.Logf("%d bytes unpack to %d MiB", len(bomb), len(frames))

	var attacks []func()
	for range size(2, 20) {
		attacks = append(attacks, func() { v.attack("beats", bytes.NewReader(bomb)) })
	}
	v.within(160, attacks...)
	eventually(t, "each bomb is counted", func() bool { return v.source("beats").BadFraming == uint64(len(attacks)) && v.now().Held["beats"] == 0 })
}

func TestHostileSlowSendersAreCutOff(t *testing.T) {
	v := newVictim(t, 1000, time.Duration(size(1, 10))*time.Second)
	begun := map[string]string{
		"tcp": "<13>" + strings.Repeat("x", 20_000), "tls": "<13>x", "relp": fmt.Sprintf("1 open %d %s\n2 syslog 100000 abc", len(relpOffer), relpOffer),
		"beats": string(window(2, dataFrame(1, strings.Repeat("x", 40_000)))) + "2J\x00\x00\x00\x02\x00\x01\x00\x00",
	}
	n := size(50, 1000)
	var attacks []func()
	for k, text := range begun {
		attacks = append(attacks, func() {
			var conns []net.Conn
			for range n {
				conn := v.dial(k)
				_, _ = conn.Write([]byte(text))
				conns = append(conns, conn)
			}
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for range 600 { // a byte at a time
				<-tick.C
				if v.source(k).Slow == uint64(n) {
					break
				}
				for _, c := range conns {
					_, _ = c.Write([]byte("0"))
				}
			}
			for _, c := range conns {
				c.Close()
			}
		})
	}
	v.within(size(90, 200), attacks...)
	for k := range begun {
		if s := v.source(k); s.Slow != uint64(n) {
			t.Errorf("%+v", s)
		}
	}
	eventually(t, "no memory is held for them", func() bool {
		x := v.now()
		return x.Held["tcp"]+x.Held["tls"]+x.Held["relp"]+x.Held["beats"] == 0 && v.source("tcp").Connections == 0
	})
	if s := v.source("tcp"); s.Lines < uint64(n) || s.Truncated < uint64(n) {
		t.Errorf("what came of their messages is not kept: %+v", s)
	}
}

func TestHostileRandomBytes(t *testing.T) {
	v := newVictim(t, 1000, time.Minute)
	var attacks []func()
	for _, k := range hostileKinds[:4] {
		for range 4 {
			attacks = append(attacks, func() { v.attack(k, io.LimitReader(rand.Reader, int64(size(1<<20, 64<<20)))) })
		}
	}
	v.within(size(140, 280), attacks...)
	for _, k := range []string{"relp", "beats"} {
		eventually(t, k+": each is counted", func() bool { return v.source(k).BadFraming == 4 && v.source(k).Connections == 0 })
	}
	if v.source("tcp").Lines == 0 || v.source("tls").Lines == 0 {
		t.Error("random bytes are lines, however odd, and are kept")
	}
}

func TestHostileManyConnections(t *testing.T) {
	n := size(400, 10_000)
	for name, limit := range map[string]int{"refused beyond the limit": n / 10, "all taken": n} {
		t.Run(name, func(t *testing.T) {
			v := newVictim(t, limit, time.Minute)
			var conns []net.Conn
			v.within(size(90, 200), func() {
				for range n {
					conn := v.dial("tcp")
					if conn == nil {
						return
					}
					conns = append(conns, conn)
					_, _ = conn.Write([]byte("<13>begun")) // it may be refused already
				}
			})
			eventually(t, "each is taken or refused", func() bool {
				s := v.source("tcp")
				return s.Connections == int64(limit) && s.Refused == uint64(n-limit)
			})
			for _, c := range conns {
				c.Close()
			}
			eventually(t, "what came is kept", func() bool { s := v.source("tcp"); return s.Connections == 0 && s.Lines == uint64(limit) })
		})
	}
}
