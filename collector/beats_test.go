package collector

import (
	"bytes"
	"compress/zlib"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	lumber "github.com/elastic/go-lumber/client/v2"

	"mimamori/frame"
)

func beatsIn(*testing.T) Input {
	return Input{Source: "in", Type: "beats", Listen: "tcp://127.0.0.1:0"}
}

// raw makes go-lumber send strings as they are.
var raw = lumber.JSONEncoder(func(v any) ([]byte, error) { return []byte(v.(string)), nil })

func dialBeats(cfg *tls.Config) func(string, string) (net.Conn, error) {
	return func(network, addr string) (net.Conn, error) {
		if cfg != nil {
			return tls.Dial(network, addr, cfg)
		}
		return net.Dial(network, addr)
	}
}

func beatsSender(cfg *tls.Config) func(*testing.T, *under) func(string) {
	return func(t *testing.T, u *under) func(string) {
		c, err := lumber.DialWith(dialBeats(cfg), u.Addr("in").String(), raw, lumber.CompressionLevel(3))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		waiting := 0
		return func(line string) {
			if err := c.Send([]any{line}); err != nil {
				t.Error(err)
			}
			for waiting++; waiting >= 50; { // what is not acknowledged may be lost
				for waiting > 0 {
					n, err := c.ReceiveACK()
					if err != nil {
						t.Fatal(err)
					}
					waiting -= int(n) // 1, or 0 to say that we wait
				}
			}
		}
	}
}

func events(from, n int) (out []any) {
	for i := range n {
		out = append(out, fmt.Sprintf(`{"@timestamp":"2026-11-22T00:00:00.000Z","message":"event %06d 日本語"}`, from+i))
	}
	return out
}

func strs(in []any) (out []string) {
	for _, x := range in {
		out = append(out, x.(string))
	}
	return out
}

func many(t *testing.T) int {
	if testing.Short() {
		return 5_000
	}
	return 100_000
}

// The client of Elastic's own library is the oracle: what it says was
// acknowledged is there, once, in order.
func TestBeatsOfTheSynchronousClientArriveWholeAndOnce(t *testing.T) {
	ca := newAuthority(t)
	for name, cfg := range map[string]*tls.Config{"tcp": nil, "tls with a client's certificate": ca.client()} {
		for _, level := range []int{0, 3} {
			t.Run(fmt.Sprintf("%s, compression %d", name, level), func(t *testing.T) {
				in := beatsIn(t)
				if cfg != nil {
					in = Input{Source: "in", Type: "beats", Listen: "tls://127.0.0.1:0", Cert: ca.cert, Key: ca.key, ClientCA: ca.ca}
				}
				key := newKey(t)
				p := newPrefecture(t, key)
				u := start(t, config(t, in), key, p.conn)
				c, err := lumber.SyncDialWith(dialBeats(cfg), u.Addr("in").String(), raw, lumber.CompressionLevel(level))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				all := events(0, many(t)/4)
				for rest := all; len(rest) > 0; {
					part := rest[:min(len(rest), 2048)]
					n, err := c.Send(part)
					if err != nil || n != len(part) {
						t.Fatal(n, err)
					}
					rest = rest[n:]
				}
				u.shipped("in", len(all))
				recs, _ := p.records("in")
				sameLines(t, strs(all), lines(recs))
			})
		}
	}
}

func TestBeatsOfTheAsynchronousClientSurviveRestartsOfTheCollector(t *testing.T) {
	key, cfg := newKey(t), config(t, beatsIn(t))
	p := newPrefecture(t, key)
	u := start(t, cfg, key, p.conn)
	cfg.Inputs[0].Listen = "tcp://" + u.Addr("in").String()
	all := events(0, many(t))
	done := 0 // acknowledged, all before it too
	for restarts := 0; done < len(all); {
		c, err := lumber.AsyncDial(u.Addr("in").String(), 4, raw, lumber.CompressionLevel(1))
		if err != nil {
			t.Fatal(err)
		}
		var acked atomic.Int64
		var failed atomic.Bool
		ack := func(seq uint32, err error) {
			if !failed.Load() {
				acked.Add(int64(seq))
			}
			if err != nil {
				failed.Store(true)
			}
		}
		stopped := false
		for at := done; at < len(all) && !failed.Load(); {
			n := min(500, len(all)-at)
			if err := c.Send(ack, all[at:at+n]); err != nil {
				break
			}
			at += n
			if !stopped && restarts < 3 && at > (restarts+1)*len(all)/4 {
				stopped = true
				u.stop()
			}
		}
		eventually(t, "the client hears of everything", func() bool { return failed.Load() || done+int(acked.Load()) == len(all) })
		c.Close()
		done += int(acked.Load())
		if stopped {
			restarts++
			u = start(t, cfg, key, p.conn)
		}
	}
	eventually(t, "all is shipped", func() bool { return u.Stats().Queue == 0 })
	recs, _ := p.records("in")
	sameLines(t, strs(all), lines(recs))
}

// window is a window of lumberjack 2 with frames in it.
func window(n int, frames ...[]byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte("2W"), uint32(n)), bytes.Join(frames, nil)...)
}

func dataFrame(seq int, text string) []byte {
	b := binary.BigEndian.AppendUint32([]byte("2J"), uint32(seq))
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}

func deflated(data ...[]byte) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	for _, d := range data {
		_, _ = w.Write(d)
	}
	_ = w.Close()
	return append(binary.BigEndian.AppendUint32([]byte("2C"), uint32(b.Len())), b.Bytes()...)
}

// says sends bytes and returns the acknowledgements until the end, or until
// want of them are there.
func says(t *testing.T, addr string, b []byte, want int) (acks []uint32) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	wg.Go(func() { _, _ = conn.Write(b) }) // it may be cut off within
	for len(acks) < want || want < 0 {
		var a [6]byte
		if _, err := io.ReadFull(conn, a[:]); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				t.Error(err)
			}
			return acks
		}
		if a[0] != '2' || a[1] != 'A' {
			t.Fatalf("%q", a)
		}
		acks = append(acks, binary.BigEndian.Uint32(a[2:]))
	}
	return acks
}

func TestBeatsWindowsOfEveryShapeAreAcknowledged(t *testing.T) {
	key, cfg := newKey(t), config(t, beatsIn(t))
	p := newPrefecture(t, key)
	u := start(t, cfg, key, p.conn)
	stream := bytes.Join([][]byte{
		window(1, dataFrame(1, `{"a":1}`)),
		window(2, deflated(dataFrame(1, `{"b":1}`)), deflated(dataFrame(2, `{"b":2}`))),
		window(2, dataFrame(1, ``), deflated(dataFrame(2, `{"c":2}`))),
		window(0),
		window(3, deflated(dataFrame(7, "{\n}"), dataFrame(8, "\xff"), dataFrame(9, `{"d":9}`))),
	}, nil)
	if got := says(t, u.Addr("in").String(), stream, 4); len(got) != 4 || got[0] != 1 || got[1] != 2 || got[2] != 2 || got[3] != 9 {
		t.Errorf("%v", got)
	}
	u.shipped("in", 7)
	recs, _ := p.records("in")
	sameLines(t, []string{`{"a":1}`, `{"b":1}`, `{"b":2}`, `{"c":2}`, "{\n}", "\xff", `{"d":9}`}, lines(recs))
	if recs[0].Input != "beats-tcp" || recs[0].Peer != "127.0.0.1" || recs[5].Flags != frame.NotUTF8 {
		t.Errorf("%+v", recs)
	}
}

// claims is a packed event that says it has so many bytes.
func claims(n int) []byte {
	return deflated(binary.BigEndian.AppendUint32(dataFrame(1, "")[:6], uint32(n)), make([]byte, 1<<10))
}

func TestWhatIsNotBeatsIsClosedAndCounted(t *testing.T) {
	key, cfg := newKey(t), config(t, beatsIn(t))
	p := newPrefecture(t, key)
	u := start(t, cfg, key, p.conn)
	short := deflated(dataFrame(1, "{}"))
	short = append(window(1), short[:len(short)-1]...)
	short[11]-- // the checksum lacks a byte
	for i, b := range [][]byte{
		[]byte("<13>plain syslog\n"), []byte("GET / HTTP/1.1\r\n\r\n"),
		{0x16, 3, 1, 2, 0, 1},
		[]byte("1W\x00\x00\x00\x01"), window(1, []byte("1D\x00\x00\x00\x01")), window(1, []byte("2D")), window(1, window(1)), dataFrame(1, "{}"),
		window(1, deflated(dataFrame(1, "{}"), dataFrame(2, "{}"))), window(1, deflated(deflated(dataFrame(1, "{}")))), window(1, deflated([]byte("2Jxx"))),
		window(1, []byte("2C\x00\x00\x00\x04none")), short,
		window(1, binary.BigEndian.AppendUint32([]byte("2J\x00\x00\x00\x01"), 1<<32-1)), window(1, binary.BigEndian.AppendUint32([]byte("2C"), 1<<32-1)),
		window(1, claims(beatsUnpacked)),
	} {
		says(t, u.Addr("in").String(), b, -1)
		eventually(t, fmt.Sprintf("%.20q is counted", b), func() bool { return u.Stats().Sources[0].BadFraming == uint64(i+1) })
	}
	eventually(t, "all are closed", func() bool { return u.Stats().Sources[0].Connections == 0 })
	if n := u.sources[0].input.(*beatsInput).memory.Load(); n != 0 {
		t.Errorf("%d bytes are not given back", n)
	}
}

func TestBeatsAreToldThatTheyWait(t *testing.T) {
	key, cfg := newKey(t), config(t, beatsIn(t))
	p := newPrefecture(t, key)
	l := &line{to: p.conn}
	l.down.Store(true)
	cfg.Spool.MaxBytes = 16 << 20
	c, err := New(cfg, Options{Key: key, Log: logger(t), Prefecture: lineTo(l)})
	if err != nil {
		t.Fatal(err)
	}
	c.sources[0].input.(*beatsInput).every = 10 * time.Millisecond
	u := run(t, c, func(*Collector) {})
	done := make(chan []uint32, 1)
	var all [][]byte
	for i := range 700 {
		all = append(all, dataFrame(i+1, noise(i)))
	}
	go func() { done <- says(t, u.Addr("in").String(), append(window(len(all)), bytes.Join(all, nil)...), -1) }()
	eventually(t, "the spool is full", func() bool { return u.Stats().SpoolFull })
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	<-tick.C
	l.down.Store(false)
	u.shipped("in", len(all))
	u.stop()
	acks := <-done
	zero, last := 0, uint32(0)
	for _, a := range acks {
		if a == 0 {
			zero++
			continue
		}
		if a <= last {
			t.Errorf("%d is acknowledged after %d", a, last)
		}
		last = a
	}
	if zero < 3 || last != uint32(len(all)) {
		t.Errorf("%d times told to wait, %d acknowledged", zero, last)
	}
	recs, _ := p.records("in")
	if len(recs) != len(all) {
		t.Errorf("%d records", len(recs))
	}
}

func FuzzBeats(f *testing.F) {
	f.Add(window(1, dataFrame(1, "{}")))
	f.Add(window(2, deflated(dataFrame(1, "{}"), dataFrame(2, strings.Repeat("x", 40_000)))))
	f.Add(window(1, deflated(deflated(dataFrame(1, "{}")))))
	f.Add([]byte("2W\xff\xff\xff\xff2J\x00\x00\x00\x01\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		in := &beatsInput{listener: listener{inputEnv: &inputEnv{now: time.Now, out: newOutlet(8), count: &counters{}, log: logger(t), cfg: Input{Idle: time.Minute}}}}
		ours, theirs := net.Pipe()
		go func() {
			_, _ = theirs.Write(stream)
			_ = theirs.Close()
		}()
		sealed := make(chan int)
		go func() { // stands for the sealer
			n := 0
			for b := range in.out.in {
				n += len(b.recs)
				stored := b.stored
				in.out.giveBack(b)
				stored(true)
			}
			sealed <- n
		}()
		in.serve(t.Context(), ours, "peer")
		ours.Close()
		close(in.out.in)
		if n := <-sealed; n > len(stream)*200 || in.memory.Load() != 0 {
			t.Errorf("%d records of %d bytes, %d bytes of memory held", n, len(stream), in.memory.Load())
		}
	})
}
