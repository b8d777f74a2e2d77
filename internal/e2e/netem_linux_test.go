package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"mimamori/internal/bus"
	"mimamori/internal/testkit"
)

// badLine is a network namespace whose only way out is thin, long and lossy.
// Where the kernel has no netem, a proxy makes the line thin and long, and cuts
// it in place of the loss.
type badLine struct {
	t     *testing.T
	space string // "" for a proxy
	host  string // where the prefecture listens
	proxy *testkit.Proxy
}

// shape is 300 ms there and back, 5 % of the packets lost each way, 1 Mbit/s.
const shape = "root netem delay 150ms loss 5% rate 1mbit"

// newBadLine makes the line; a namespace needs root and iproute2.
func newBadLine(t *testing.T) *badLine {
	t.Helper()
	id := strconv.Itoa(os.Getpid())
	b := &badLine{t: t, space: "mmr" + id, host: "198.18.77.1"}
	ours, theirs := "mma"+id, "mmb"+id
	for i, cmd := range []string{
		"ip netns add " + b.space,
		"ip link add " + ours + " type veth peer name " + theirs + " netns " + b.space,
		"ip addr add " + b.host + "/30 dev " + ours,
		"ip link set " + ours + " up",
		"ip -n " + b.space + " addr add 198.18.77.2/30 dev " + theirs,
		"ip -n " + b.space + " link set " + theirs + " up",
		"ip -n " + b.space + " link set lo up",
		"tc qdisc add dev " + ours + " " + shape,
		"ip netns exec " + b.space + " tc qdisc add dev " + theirs + " " + shape,
	} {
		args := strings.Fields(cmd)
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Logf("a proxy in place of a namespace with netem: %s: %v %s", cmd, err, bytes.TrimSpace(out))
			return &badLine{t: t, host: "127.0.0.1"}
		}
		if i == 0 {
			t.Cleanup(func() { // its end of the cable goes with it
				if out, err := exec.Command("ip", "netns", "del", b.space).CombinedOutput(); err != nil {
					t.Errorf("%v %s", err, out)
				}
			})
		}
	}
	return b
}

// reach is where the collector finds the prefecture.
func (b *badLine) reach(port string) string {
	at := b.host + ":" + port
	if b.space == "" {
		b.proxy = testkit.NewProxy(b.t, at, 1)
		b.proxy.SetDelay(150 * time.Millisecond)
		b.proxy.SetRate(1_000_000 / 8)
		at = b.proxy.Addr()
	}
	return at
}

// start runs the collector behind the line.
func (b *badLine) start(s *system) {
	b.t.Helper()
	args := []string{filepath.Join(binaries, "mimamori-collector"), "run", "--config", "collector.yaml"}
	if b.space != "" {
		args = append([]string{"ip", "netns", "exec", b.space}, args...)
	}
	s.col = start(b.t, s.dir, args...)
}

// cut does what lost packets do at their worst.
func (b *badLine) cut() {
	if b.proxy != nil {
		b.proxy.Cut()
	}
}

// TestBadLineLosesAndDoublesNothing ships over a line of 1 Mbit/s with 300 ms
// and 5 % loss, and kills both ends on the way.
func TestBadLineLosesAndDoublesNothing(t *testing.T) {
	gate(t)
	line := newBadLine(t)
	s := newSystem(t, fileInputs)
	key, err := bus.LoadOrMakeKey(filepath.Join(s.dir, "collector.nk"))
	if err != nil {
		t.Fatal(err)
	}
	port := strings.TrimPrefix(freePort(t), "127.0.0.1:")
	s.write("mimamori.yaml", fmt.Sprintf("data: prefecture\nconsole: {listen: \"127.0.0.1:0\"}\nbus: {listen: \"%s:%s\"}\ncollectors:\n  - {id: town, municipality: \"%s\", key: %s}\n", line.host, port, townCode, key.Public()))
	text, err := os.ReadFile(filepath.Join(s.dir, "collector.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	from := bytes.Index(text, []byte("prefecture:"))
	to := from + bytes.IndexByte(text[from:], '\n')
	s.write("collector.yaml", string(text[:from])+fmt.Sprintf("prefecture: {urls: [\"nats://%s\"], plain: true}", line.reach(port))+string(text[to:]))
	s.startUp()
	line.start(s)
	faults := testkit.Faults(2)
	lines := 10_000 * faults
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	began := time.Now()
	if err := s.feed(lines, func(done int) {
		<-pace.C
		if done%10_000 == 1999 {
			line.cut()
		}
		if done%10_000 != 4999 {
			return
		}
		if done/10_000%2 == 0 {
			s.col.kill()
			line.start(s)
		} else {
			s.up.kill()
			s.startUp()
		}
	}); err != nil {
		t.Fatal(err)
	}
	a := s.settled(uint64(lines), time.Duration(faults)*time.Minute+2*time.Minute)
	t.Logf("%d lines in %s: %+v", lines, time.Since(began).Round(time.Second), a)
}
