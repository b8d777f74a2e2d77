package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mimamori/internal/bus"
	"mimamori/internal/care"
)

func TestMain(m *testing.M) {
	if config := os.Getenv("MIMAMORI_TEST_AGENT"); config != "" {
		child(config)
		return
	}
	goleak.VerifyTestMain(m)
}

// child is an agent in a process of its own, until it is killed.
func child(config string) {
	a, err := New(Options{Config: config, Beat: 50 * time.Millisecond, Steady: time.Hour, Trial: 2 * time.Hour})
	if err == nil {
		err = a.Run(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// office is the prefecture's side: a real server, an order key, and an answer
// to heartbeats.
type office struct {
	t      *testing.T
	server *bus.Server
	conn   *bus.Conn
	orders *bus.Key

	mu     sync.Mutex
	silent bool
	answer []byte // order to answer with
	beats  []care.Heartbeat
}

func newKey(t *testing.T) *bus.Key {
	t.Helper()
	k, err := bus.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newOffice(t *testing.T, key *bus.Key) *office {
	t.Helper()
	o := &office{t: t, orders: newKey(t)}
	var err error
	o.server, err = bus.StartServer(bus.ServerConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0", Users: []bus.User{bus.CollectorUser(key.Public(), "312011", "town-a")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.server.Close)
	if o.conn, err = o.server.Connect(t.Context()); err == nil {
		_, err = o.conn.Stream(t.Context(), bus.StreamConfig{Name: bus.Frames, Subjects: []string{bus.FramesSubjects}})
	}
	if err == nil {
		err = o.conn.Serve(bus.CareSubjects, o.hear)
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) hear(_ string, b []byte) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	h, err := care.ParseHeartbeat(b)
	if err != nil {
		o.t.Error(err)
	}
	if o.beats = append(o.beats, h); o.silent {
		return nil
	}
	out, err := json.Marshal(care.Answer{Now: time.Now(), Order: o.answer})
	if err != nil {
		o.t.Error(err)
	}
	return out
}

func (o *office) seal(version uint64, text string, by *bus.Key, collector string) []byte {
	o.t.Helper()
	b, err := care.Order{Collector: collector, Municipality: "312011", Version: version, Issued: time.Now().UTC(), Text: text}.Seal(by.Private())
	if err != nil {
		o.t.Fatal(err)
	}
	return b
}

// push sends an order both ways: at once, and with each answer from now on.
func (o *office) push(sealed []byte) {
	o.t.Helper()
	o.mu.Lock()
	o.answer = sealed
	o.mu.Unlock()
	if err := o.conn.Send(bus.OrderSubject("312011", "town-a"), sealed); err != nil {
		o.t.Fatal(err)
	}
}

// next returns the first heartbeat from now on that is as wanted.
func (o *office) next(what string, ok func(care.Heartbeat) bool) care.Heartbeat {
	o.t.Helper()
	o.mu.Lock()
	seen := len(o.beats)
	o.mu.Unlock()
	tick, end := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for {
		o.mu.Lock()
		for _, h := range o.beats[seen:] {
			if ok(h) {
				o.mu.Unlock()
				return h
			}
		}
		seen = len(o.beats)
		o.mu.Unlock()
		select {
		case <-tick.C:
		case <-end:
			o.t.Fatalf("no heartbeat with %s", what)
		}
	}
}

func (o *office) quiet(silent bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.silent = silent
}

// local writes a managed collector's file and returns its path.
func (o *office) local(key *bus.Key) string {
	o.t.Helper()
	dir := o.t.TempDir()
	if err := key.Save(filepath.Join(dir, "data", "collector.nk")); err != nil {
		o.t.Fatal(err)
	}
	text := fmt.Sprintf("collector: town-a\nmunicipality: \"312011\"\nzone: internet\nmanaged: true\norder_key: %s\nprefecture: {urls: [\"nats://%s\"]}\n", o.orders.Public(), o.server.Addr())
	path := filepath.Join(dir, "collector.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
	return path
}

func run(t *testing.T, config string) (*Agent, func()) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	a, err := New(Options{Config: config, Log: log, Beat: 50 * time.Millisecond, Steady: 100 * time.Millisecond, Trial: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := a.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop := sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return a, stop
}

const (
	udp  = "inputs: [{source: fw, type: syslog, listen: \"udp://127.0.0.1:0\"}]\n"
	dead = "inputs: [{source: fw, type: syslog, listen: \"udp://203.0.113.1:1\"}]\n" // no address of this machine
)

func runs(version uint64) func(care.Heartbeat) bool {
	return func(h care.Heartbeat) bool { return h.Config == version }
}

func tried(version uint64) func(care.Heartbeat) bool {
	return func(h care.Heartbeat) bool { return h.Tried == version }
}

func TestAnOldOrderCannotBeReplayed(t *testing.T) {
	key := newKey(t)
	o := newOffice(t, key)
	config := o.local(key)
	_, stop := run(t, config)
	first, second, bad := o.seal(1, udp, o.orders, "town-a"), o.seal(2, udp+"# two\n", o.orders, "town-a"), o.seal(5, dead, o.orders, "town-a")
	o.push(first)
	o.next("version 1", runs(1))
	o.push(second)
	o.next("version 2", runs(2))
	o.push(bad)
	o.next("version 5 given up", tried(5))
	between := o.seal(4, udp+"# four\n", o.orders, "town-a")
	replay := func(when string) {
		t.Helper()
		for _, sealed := range [][]byte{first, second, bad, between} {
			o.push(sealed)
			for range 3 {
				if h := o.next("anything", func(care.Heartbeat) bool { return true }); h.Config != 2 || h.Tried != 5 {
					t.Fatalf("%s: runs %d, tried %d", when, h.Config, h.Tried)
				}
			}
		}
	}
	replay("after a rollback")
	stop()
	run(t, config)
	o.next("version 2", runs(2))
	replay("after a restart")
	o.push(o.seal(6, udp+"# six\n", o.orders, "town-a"))
	o.next("a new order", func(h care.Heartbeat) bool { return h.Config == 6 && h.Tried == 0 && h.Trouble == "" })
}

func TestAForgedOrderAndOneForAnotherAreRefused(t *testing.T) {
	key := newKey(t)
	o := newOffice(t, key)
	run(t, o.local(key))
	o.push(o.seal(1, udp, o.orders, "town-a"))
	o.next("version 1", runs(1))
	cut := o.seal(2, udp, o.orders, "town-a")
	for _, sealed := range [][]byte{
		o.seal(2, udp, newKey(t), "town-a"), o.seal(2, udp, key, "town-a"), o.seal(2, udp, o.orders, "town-b"), cut[:len(cut)-1], nil, []byte(`{"stream":"FRAMES","seq":9}`),
	} {
		o.push(sealed)
		for range 3 {
			if h := o.next("anything", func(care.Heartbeat) bool { return true }); h.Config != 1 || h.Tried != 0 {
				t.Fatalf("runs %d, tried %d", h.Config, h.Tried)
			}
		}
	}
	o.push(o.seal(2, udp, o.orders, "town-a")) // what was refused has used up no version
	o.next("version 2", runs(2))
}

func TestAnOrderThatKillsTheProgramIsGivenUpAtTheNextStart(t *testing.T) {
	key := newKey(t)
	o := newOffice(t, key)
	config := o.local(key)
	_, stop := run(t, config)
	o.push(o.seal(1, udp, o.orders, "town-a"))
	o.next("version 1", runs(1))
	stop()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), "MIMAMORI_TEST_AGENT="+config), os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	o.next("a sign of the process", runs(1))
	o.push(o.seal(2, udp+"# two\n", o.orders, "town-a"))
	end, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for trying := false; !trying; {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(config), "data", stateFile))
		if err != nil {
			t.Fatal(err)
		}
		var s state
		trying = json.Unmarshal(b, &s) == nil && s.Trying != nil
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("the order is not tried")
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // "signal: killed"
	run(t, config)
	if h := o.next("version 2 given up", tried(2)); h.Config != 1 || !strings.Contains(h.Trouble, "died") {
		t.Errorf("%+v", h)
	}
}

func TestATrialThatWasStoppedInOrderBeginsAgain(t *testing.T) {
	key := newKey(t)
	o := newOffice(t, key)
	config := o.local(key)
	_, stop := run(t, config)
	o.push(o.seal(1, udp, o.orders, "town-a"))
	o.next("version 1", runs(1))
	o.quiet(true)
	o.push(o.seal(2, udp+"# two\n", o.orders, "town-a"))
	a, err := New(Options{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	end, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for s := (state{}); s.Trying == nil; {
		if s, err = loadState(a.local.Data, a.opts.Log); err != nil {
			t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("the order is not tried")
		}
	}
	stop()
	o.quiet(false)
	run(t, config)
	if h := o.next("version 2", runs(2)); h.Tried != 0 {
		t.Errorf("%+v", h)
	}
}

func TestItRunsOnWithoutALineAndGoesBackWhenTheLineIsLostInATrial(t *testing.T) {
	key := newKey(t)
	o := newOffice(t, key)
	config := o.local(key)
	_, stopFirst := run(t, config)
	o.push(o.seal(1, udp, o.orders, "town-a"))
	o.next("version 1", runs(1))
	o.quiet(true) // the prefecture hears and does not answer
	o.push(o.seal(2, udp+"# two\n", o.orders, "town-a"))
	if h := o.next("version 2 given up", tried(2)); h.Config != 1 || !strings.Contains(h.Trouble, "did not answer") {
		t.Errorf("%+v", h)
	}
	stopFirst()
	o.server.Close()
	a, stop := run(t, config)
	end, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for a.Collector() == nil {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("without a line it does not collect")
		}
	}
	select {
	case <-a.Collector().Ready():
	case <-end:
		t.Fatal("without a line its inputs do not open")
	}
	stop()
}

func TestADamagedStateIsSetAside(t *testing.T) {
	key := newKey(t)
	o := newOffice(t, key)
	config := o.local(key)
	path := filepath.Join(filepath.Dir(config), "data", stateFile)
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, config)
	o.push(o.seal(1, udp, o.orders, "town-a"))
	o.next("version 1", runs(1))
	if _, err := os.Stat(path + ".damaged"); err != nil {
		t.Error(err)
	}
}
