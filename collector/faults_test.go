package collector

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"mimamori/internal/bus"
	"mimamori/internal/testkit"
)

// slowly writes lines into a file while something bad is done to the collector,
// and returns what it wrote.
func slowly(t *testing.T, path string, from int, bad func()) (want []string) {
	t.Helper()
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				more, text := numbered(from+len(want), 20)
				want = append(want, more...)
				write(t, path, text)
			}
		}
	})
	func() {
		defer wg.Wait() // when the test gives up, too
		defer close(done)
		bad()
	}()
	return want
}

// TestBadLineLosesAndDoublesNothing cuts the line at random moments, delays,
// thins and corrupts it under TLS, while lines keep coming.
func TestBadLineLosesAndDoublesNothing(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 4))
	ca := newAuthority(t)
	f := newFar(t, bus.ServerConfig{TLS: serverConfig(&bus.TLSFiles{Cert: ca.cert, Key: ca.key})})
	proxy := testkit.NewProxy(t, f.server.Addr(), seed)
	in, path := fileIn(t, "app.log")
	cfg := config(t, in)
	cfg.Seal.Bytes = 4 << 10
	cfg.Prefecture = Prefecture{URLs: []string{"tls://" + proxy.Addr()}, CA: ca.ca, ServerName: "127.0.0.1"}
	u := start(t, cfg, f.key, nil)
	var want []string
	n := testkit.Faults(6)
	for i := range n {
		want = append(want, slowly(t, path, len(want), func() {
			pause := func(most time.Duration) {
				timer := time.NewTimer(time.Duration(rnd.Int64N(int64(most))))
				<-timer.C
			}
			at := u.Stats().Shipped
			eventually(t, "frames get through", func() bool { return u.Stats().Shipped > at })
			pause(200 * time.Millisecond)
			switch i % 4 {
			case 0:
				proxy.SetDown(true)
				pause(300 * time.Millisecond)
				proxy.SetDown(false)
			case 1:
				proxy.SetDelay(time.Duration(rnd.IntN(150)) * time.Millisecond)
				proxy.Cut()
			case 2:
				proxy.SetCorrupt(20)
				pause(300 * time.Millisecond)
				proxy.SetCorrupt(0)
			default:
				proxy.SetRate(int64(50_000 + rnd.IntN(50_000)))
				pause(300 * time.Millisecond)
				proxy.SetRate(0)
				proxy.SetDelay(0)
			}
		})...)
	}
	u.shipped("files", len(want))
	recs, again := f.records("files")
	sameLines(t, want, lines(recs))
	t.Logf("%d lines over %d faults and %d connections, %d frames came twice", len(want), n, proxy.Taken(), again)
}

// TestClockSetBackKeepsTheOrder sets the clock back an hour, and on, while
// lines keep coming over a line that fails now and then.
func TestClockSetBackKeepsTheOrder(t *testing.T) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	l := &line{to: p.conn}
	cfg := config(t, in)
	cfg.Spool.MaxAge = 24 * time.Hour
	clock := newClock()
	u := startAt(t, cfg, key, l, clock.now)
	var want []string
	for i := range testkit.Faults(6) {
		step := []time.Duration{-time.Hour, 2 * time.Hour, -time.Minute, -time.Hour}[i%4]
		want = append(want, slowly(t, path, len(want), func() {
			clock.add(step)
			l.down.Store(i%2 == 0)
			timer := time.NewTimer(50 * time.Millisecond)
			<-timer.C
		})...)
		if i%3 == 2 { // numbering goes on over a restart, whatever the clock says
			u.stop()
			u = startAt(t, cfg, key, l, clock.now)
		}
	}
	l.down.Store(false)
	eventually(t, "all is shipped", func() bool { return u.Stats().Queue == 0 })
	eventually(t, "all lines", func() bool { recs, _ := p.records("files"); return len(recs) >= len(want) })
	recs, _ := p.records("files") // one epoch, no hole, a whole chain
	sameLines(t, want, lines(recs))
}

// TestEpochNeverComesAgain begins the numbering anew while the clock stands an
// hour before the time at which it began first.
func TestEpochNeverComesAgain(t *testing.T) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	cfg := config(t, in)
	clock := newClock()
	u := startAt(t, cfg, key, p.conn, clock.now)
	write(t, path, "one\n")
	u.shipped("files", 1)
	u.stop()
	cfg.Collector = "renamed" // which begins anew
	clock.add(-time.Hour)
	u = startAt(t, cfg, key, &line{to: p.conn}, clock.now)
	if first, now := p.arrived("files")[0].Epoch, u.sources[0].source.head.Epoch; now <= first {
		t.Errorf("epoch %d after %d", now, first)
	}
}
