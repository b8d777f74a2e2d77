package collector

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"mimamori/frame"
)

// The sealer takes no batch for a while: what comes then is counted, and each
// lost datagram has its record later.
func TestDatagramsWithoutABatchAreCountedAndConfessed(t *testing.T) {
	in := &udpInput{inputEnv: &inputEnv{
		cfg: Input{Source: "in", Type: "syslog", Listen: "udp://127.0.0.1:0"}, log: logger(t), now: time.Now, out: newOutlet(1), count: &counters{},
	}}
	addr, err := in.open(t.Context(), state{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { in.run(ctx) })
	defer wg.Wait()
	defer cancel()
	conn, err := net.Dial("udp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send := func() {
		if _, err := conn.Write([]byte("<13>x\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	send()
	b := <-in.out.in
	if len(b.recs) != 1 || b.recs[0].Line != "<13>x" || b.recs[0].Peer != "127.0.0.1" {
		t.Fatalf("%+v", b.recs)
	}
	for range 5 {
		send()
	}
	eventually(t, "five are counted", func() bool { return in.count.unwritten.Load() == 5 })
	in.out.giveBack(b)
	b = <-in.out.in
	if len(b.recs) != 5 || b.recs[4].Flags != frame.Dropped || in.count.unwritten.Load() != 0 {
		t.Errorf("%+v", b.recs)
	}
	in.out.giveBack(b)
}

// The kernel's buffer is tiny and nobody reads for a while: what it throws away
// has its record too.
func TestDatagramsThatTheKernelDropsAreCountedToTheLine(t *testing.T) {
	key := newKey(t)
	p := newPrefecture(t, key)
	c, err := New(config(t, Input{Source: "in", Type: "syslog", Listen: "udp://127.0.0.1:0"}), Options{Key: key, Log: logger(t), Prefecture: lineTo(p.conn)})
	if err != nil {
		t.Fatal(err)
	}
	in := c.sources[0].input.(*udpInput)
	in.buffer = 4 << 10
	u := run(t, c, func(*Collector) {})
	if _, ok := udpDrops(in.conn); !ok {
		t.Skip("this system does not tell what its kernel drops")
	}
	send := stream("udp", nil)(t, u)
	const all = 50_000
	for i := range all {
		send(fmt.Sprintf("<13>flood %06d", i))
	}
	eventually(t, "each datagram is accounted for", func() bool {
		s := u.Stats()
		return s.Sources[0].Lines+s.Sources[0].Dropped == all && s.Queue == 0
	})
	s := u.Stats().Sources[0]
	recs, _ := p.records("in")
	kernel := 0
	for _, r := range recs {
		if r.Line == droppedByKernel && r.Flags == frame.Dropped {
			kernel++
		}
	}
	if len(recs) != all || kernel == 0 || s.Drops["kernel"] != uint64(kernel) || s.Dropped != s.Drops["kernel"]+s.Drops["no room"] {
		t.Errorf("%d records, %d of the kernel's drops, %+v", len(recs), kernel, s)
	}
	t.Logf("%d sent, %d kept, dropped %v", all, s.Lines, s.Drops)
}
