package collector

import (
	"context"
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
