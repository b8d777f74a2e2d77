package collector

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"mimamori/frame"
)

// sender brings lines into one kind of input the way a device would.
type sender struct {
	kind  string
	input func(*testing.T) Input
	dial  func(t *testing.T, u *under) func(line string)
}

func stream(network string, cfg *tls.Config) func(*testing.T, *under) func(string) {
	return func(t *testing.T, u *under) func(string) {
		var conn net.Conn
		var err error
		if conn, err = net.Dial(network, u.Addr("in").String()); err != nil {
			t.Fatal(err)
		}
		if cfg != nil {
			conn = tls.Client(conn, cfg)
		}
		t.Cleanup(func() { conn.Close() })
		n := 0
		return func(line string) {
			if n++; network == "tcp" && n%2 == 0 {
				line = fmt.Sprintf("%d %s", len(line), line)
			} else if network == "tcp" {
				line += "\n"
			}
			if _, err := conn.Write([]byte(line)); err != nil {
				t.Error(err)
			}
		}
	}
}

func senders(t *testing.T) []sender {
	ca := newAuthority(t)
	path := t.TempDir() + "/in.log"
	listen := func(url string) func(*testing.T) Input {
		return func(*testing.T) Input { return Input{Source: "in", Type: "syslog", Listen: url} }
	}
	return []sender{
		{"syslog-udp", listen("udp://127.0.0.1:0"), stream("udp", nil)},
		{"syslog-tcp", listen("tcp://127.0.0.1:0"), stream("tcp", nil)},
		{"syslog-tls", func(*testing.T) Input {
			return Input{Source: "in", Type: "syslog", Listen: "tls://127.0.0.1:0", Cert: ca.cert, Key: ca.key, ClientCA: ca.ca}
		}, stream("tcp", ca.client())},
		{"file", func(*testing.T) Input { return Input{Source: "in", Type: "file", Paths: []string{path}} }, func(t *testing.T, _ *under) func(string) {
			return func(line string) { write(t, path, line+"\n") }
		}},
		{"http-lines", func(*testing.T) Input { return Input{Source: "in", Type: "http", Listen: "http://127.0.0.1:0"} }, func(t *testing.T, u *under) func(string) {
			return func(line string) { mustPost(t, u, "/v1/lines", line+"\n") }
		}},
		{"relp-tcp", relpIn, relpSender(nil)},
		{"relp-tls", func(*testing.T) Input {
			return Input{Source: "in", Type: "relp", Listen: "tls://127.0.0.1:0", Cert: ca.cert, Key: ca.key, ClientCA: ca.ca}
		}, relpSender(ca.client())},
		{"beats-tcp", beatsIn, beatsSender(nil)},
		{"beats-tls", func(*testing.T) Input {
			return Input{Source: "in", Type: "beats", Listen: "tls://127.0.0.1:0", Cert: ca.cert, Key: ca.key, ClientCA: ca.ca}
		}, beatsSender(ca.client())},
	}
}

// odd are lines that must come through as they are.
func odd(i int) string {
	return fmt.Sprintf("<13>%d ", i) + []string{"plain", "NUL \x00 inside", "no UTF-8 \xff\x83\x5c", "日本語", "  blanks  ", "5 <13>looks counted"}[i%6]
}

// TestEveryInput is the suite that each kind of input goes through.
func TestEveryInput(t *testing.T) {
	for _, s := range senders(t) {
		t.Run(s.kind, func(t *testing.T) {
			key, cfg := newKey(t), config(t, s.input(t))
			p := newPrefecture(t, key)
			var want []string
			for run := range 3 { // the third run begins where the second stopped
				u := start(t, cfg, key, p.conn)
				send := s.dial(t, u)
				for range 300 {
					line := odd(len(want))
					send(line)
					if want = append(want, line); s.kind == "syslog-udp" && len(want)%50 == 0 {
						u.shipped("in", len(want)-run*300) // UDP has no back-pressure
					}
				}
				if run == 1 { // what has arrived is taken when the collector stops
					eventually(t, "a line is there", func() bool { return u.Stats().Sources[0].Lines > 0 })
				} else {
					u.shipped("in", 300)
				}
				began := time.Now()
				if u.stop(); time.Since(began) > 20*time.Second {
					t.Errorf("it took %v to stop", time.Since(began))
				}
			}
			u := start(t, cfg, key, p.conn)
			eventually(t, "all is shipped", func() bool { return u.Stats().Queue == 0 })
			u.stop()
			recs, _ := p.records("in")
			sameLines(t, want, lines(recs))
			for i, r := range recs {
				if r.Input != s.kind || (s.kind == "file") == (r.Peer != "") || (s.kind == "file") != (r.File != "") || r.Received == 0 {
					t.Fatalf("record %d: %+v", i, r)
				}
				if notUTF8 := i%6 == 2; notUTF8 != (r.Flags == frame.NotUTF8) {
					t.Fatalf("record %d: flags %b", i, r.Flags)
				}
			}
		})
	}
}

func TestTenMegabyteLineIsCutAndTheRestGoesOn(t *testing.T) {
	for _, s := range senders(t)[1:] {
		t.Run(s.kind, func(t *testing.T) {
			key := newKey(t)
			p := newPrefecture(t, key)
			u := start(t, config(t, s.input(t)), key, p.conn)
			send := s.dial(t, u)
			for _, n := range []int{1, 10 << 20, 2, 300 << 10, 10 << 20, 3} {
				send("<13>" + strings.Repeat("x", n))
			}
			u.shipped("in", 6)
			recs, _ := p.records("in")
			for i, n := range []int{1, 10 << 20, 2, 300 << 10, 10 << 20, 3} {
				r, want := recs[i], min(n+4, frame.MaxLine)
				if len(r.Line) != want || (r.Flags == frame.Truncated) != (n > 1<<20) || r.Flags != 0 && r.Total != int64(n+4) {
					t.Errorf("%d: line of %d, total %d, flags %b", n, len(r.Line), r.Total, r.Flags)
				}
			}
			if got := u.Stats().Sources[0]; got.Truncated != 2 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestConnectionCutInAMessageLeavesWhatCame(t *testing.T) {
	key := newKey(t)
	p := newPrefecture(t, key)
	u := start(t, config(t, Input{Source: "in", Type: "syslog", Listen: "tcp://127.0.0.1:0"}), key, p.conn)
	for _, part := range []string{"<13>whole\n<13>half", "100 <13>counted"} {
		conn, err := net.Dial("tcp", u.Addr("in").String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		eventually(t, "the connection is closed", func() bool { s := u.Stats().Sources[0]; return s.Connections == 0 && s.Lines > 0 })
		u.shipped("in", 1)
	}
	u.shipped("in", 3)
	recs, _ := p.records("in")
	sameLines(t, []string{"<13>whole", "<13>half", "<13>counted"}, lines(recs))
	if recs[1].Flags != frame.Truncated || recs[2].Flags != frame.Truncated || recs[2].Total != 100 {
		t.Errorf("%+v", recs)
	}
}

func TestConnectionsBeyondTheLimitAreRefusedAndCounted(t *testing.T) {
	key := newKey(t)
	p := newPrefecture(t, key)
	u := start(t, config(t, Input{Source: "in", Type: "syslog", Listen: "tcp://127.0.0.1:0", MaxConnections: 2}), key, p.conn)
	dial := stream("tcp", nil)
	first, second := dial(t, u), dial(t, u)
	eventually(t, "two connections", func() bool { return u.Stats().Sources[0].Connections == 2 })
	for range 5 {
		conn, err := net.Dial("tcp", u.Addr("in").String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("a connection too many was kept")
		}
		conn.Close()
	}
	first("<13>a")
	second("<13>b")
	u.shipped("in", 2)
	if got := u.Stats().Sources[0]; got.Refused != 5 {
		t.Errorf("%+v", got)
	}
}

func TestTLSWithoutTheRightCertificateIsRefused(t *testing.T) {
	s := senders(t)[2]
	key := newKey(t)
	p := newPrefecture(t, key)
	u := start(t, config(t, s.input(t)), key, p.conn)
	stranger := newAuthority(t).client()
	stranger.InsecureSkipVerify = true
	for _, cfg := range []*tls.Config{stranger, {InsecureSkipVerify: true}} {
		conn, err := tls.Dial("tcp", u.Addr("in").String(), cfg)
		if err != nil {
			continue
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("a stranger was let in")
		}
		conn.Close()
	}
	eventually(t, "two are refused", func() bool { return u.Stats().Sources[0].Refused == 2 })
	s.dial(t, u)("<13>a friend")
	u.shipped("in", 1)
}

func TestPortInUseIsAnErrorThatNamesTheSource(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	cfg := config(t, Input{Source: "other", Type: "syslog", Listen: "udp://127.0.0.1:0"}, Input{Source: "taken", Type: "syslog", Listen: "tcp://" + ln.Addr().String()})
	c, err := New(cfg, Options{Key: newKey(t), Prefecture: func(context.Context) (Publisher, error) { return nil, os.ErrClosed }})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "source taken") {
		t.Errorf("%v", err)
	}
}
