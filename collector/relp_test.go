package collector

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mimamori/frame"
)

// relpClient speaks RELP as far as the tests need it.
type relpClient struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	txnr int
}

const relpOffer = "relp_version=0\nrelp_software=test\ncommands=syslog"

func newRELP(t *testing.T, addr string, cfg *tls.Config) *relpClient {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if cfg != nil {
		conn = tls.Client(conn, cfg)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return &relpClient{t: t, conn: conn, r: bufio.NewReader(conn)}
}

// command sends a command and returns its transaction.
func (c *relpClient) command(name, data string) int {
	c.t.Helper()
	c.txnr++
	if data != "" {
		data = " " + data
	}
	if _, err := fmt.Fprintf(c.conn, "%d %s %d%s\n", c.txnr, name, max(0, len(data)-1), data); err != nil {
		c.t.Error(err)
	}
	return c.txnr
}

// response reads what the server says next.
func (c *relpClient) response() (txnr int, command, data string, err error) {
	n := 0
	if _, err = fmt.Fscanf(c.r, "%d %s %d", &txnr, &command, &n); err != nil {
		return 0, "", "", err
	}
	b := make([]byte, n+1)
	if b[0], err = c.r.ReadByte(); err == nil && n > 0 {
		if _, err = io.ReadFull(c.r, b[:n]); err == nil {
			b[n], err = c.r.ReadByte()
		}
	}
	return txnr, command, string(b[:n]), err
}

// ok fails unless the next response says that the transaction is well.
func (c *relpClient) ok(want int) {
	c.t.Helper()
	if txnr, command, data, err := c.response(); err != nil || txnr != want || command != "rsp" || !strings.HasPrefix(data, "200 OK") {
		c.t.Errorf("%d %s %q %v, want the answer to %d", txnr, command, data, err, want)
	}
}

func relpSender(cfg *tls.Config) func(*testing.T, *under) func(string) {
	return func(t *testing.T, u *under) func(string) {
		c := newRELP(t, u.Addr("in").String(), cfg)
		c.ok(c.command("open", relpOffer))
		waiting := 0
		return func(line string) {
			c.command("syslog", line)
			for waiting++; waiting%50 == 0 && waiting > 0; { // what is not answered may be lost
				for i := range waiting {
					c.ok(c.txnr - waiting + 1 + i)
				}
				waiting = 0
			}
		}
	}
}

func relpIn(*testing.T) Input { return Input{Source: "in", Type: "relp", Listen: "tcp://127.0.0.1:0"} }

func TestRELPAnswersWhatIsOnDiskAndNothingElse(t *testing.T) {
	key, cfg := newKey(t), config(t, relpIn(t))
	p := newPrefecture(t, key)
	u := start(t, cfg, key, p.conn)
	c := newRELP(t, u.Addr("in").String(), nil)
	c.command("open", relpOffer)
	if _, _, data, err := c.response(); err != nil || data != "200 OK\nrelp_version=0\nrelp_software=mimamori\ncommands=syslog" {
		t.Errorf("%q %v", data, err)
	}
	for i := range 10 {
		n := c.command("syslog", fmt.Sprintf("<13>line %d", i))
		c.ok(n)
		if got := u.Stats().Sources[0].Lines + 1; got < uint64(i+1) { // counted a moment after it is on disk
			t.Errorf("answered %d with %d lines on disk", n, got)
		}
	}
	c.ok(c.command("syslog", "")) // nothing to keep, but an answer is due
	n := c.command("teleport", "x")
	if txnr, _, data, err := c.response(); txnr != n || !strings.HasPrefix(data, "500 ") || err != nil {
		t.Errorf("%d %q %v", txnr, data, err)
	}
	fmt.Fprint(c.conn, "0 hint 3 abc\n")
	last := c.command("syslog", "<13>the last")
	bye := c.command("close", "")
	c.ok(last)
	c.ok(bye)
	if _, err := c.r.ReadByte(); err != io.EOF {
		t.Errorf("the connection is open: %v", err)
	}
	u.shipped("in", 11)
	recs, _ := p.records("in")
	if got := lines(recs); len(got) != 11 || got[10] != "<13>the last" || recs[0].Input != "relp-tcp" || recs[0].Peer != "127.0.0.1" {
		t.Errorf("%q", got)
	}
}

func TestWhatIsNotRELPIsClosedAndCounted(t *testing.T) {
	key, cfg := newKey(t), config(t, relpIn(t))
	p := newPrefecture(t, key)
	u := start(t, cfg, key, p.conn)
	open := fmt.Sprintf("1 open %d %s\n", len(relpOffer), relpOffer)
	bad := []string{
		"<13>plain syslog\n", "GET / HTTP/1.1\r\n", "\x16\x03\x01\x02\x00", "1234567890 open 0\n", "1 open 1234567890 x", "1 open 3 x=1\n",
		"1 open 0\n", "1 open 1 abc\n", "1 syslog 1 x\n", open + "3 syslog 1 x\n", open + "2 syslog 1 xy", open + open, "1  5 hello\n", "1 o-p 5 hello\n",
		"1 " + strings.Repeat("x", 33) + " 1 x\n", open + "2 syslog 0 \n", open + "2 syslog 1\n", "1 open " + strings.Repeat("0", 9) + "\n",
	}
	for i, text := range bad {
		c := newRELP(t, u.Addr("in").String(), nil)
		fmt.Fprint(c.conn, text)
		for { // what can be answered is
			if _, _, _, err := c.response(); err != nil {
				break
			}
		}
		eventually(t, fmt.Sprintf("%q is counted", text), func() bool { return u.Stats().Sources[0].BadFraming == uint64(i+1) })
	}
	eventually(t, "all are closed", func() bool { return u.Stats().Sources[0].Connections == 0 })
	if s := u.Stats().Sources[0]; s.Lines != 0 {
		t.Errorf("%+v", s)
	}
}

func TestRELPMessageBeforeABrokenFrameIsKept(t *testing.T) {
	key, cfg := newKey(t), config(t, relpIn(t))
	p := newPrefecture(t, key)
	u := start(t, cfg, key, p.conn)
	c := newRELP(t, u.Addr("in").String(), nil)
	c.ok(c.command("open", relpOffer))
	fmt.Fprint(c.conn, "2 syslog 2 ab\n3 syslog 2 cd\nrubbish")
	c.ok(2)
	c.ok(3)
	if _, command, _, err := c.response(); command != "serverclose" || err != nil {
		t.Errorf("%q %v", command, err)
	}
	u.shipped("in", 2)
}

func TestRELPTransactionsBeginAgainAfterTheLast(t *testing.T) {
	var b strings.Builder
	w := bufio.NewWriter(&b)
	putRELP(w, answer{first: relpLast - 1, n: 3})
	w.Flush()
	if want := "999999998 rsp 6 200 OK\n999999999 rsp 6 200 OK\n1 rsp 6 200 OK\n"; b.String() != want {
		t.Errorf("%q", b.String())
	}
}

// cutRELP feeds the stream in pieces and describes the frames.
func cutRELP(stream []byte, sizes ...int) (out []string) {
	f := newRELPFramer(yes)
	f.limit = 1001
	for i := 0; len(stream) > 0; i++ {
		space := f.space()
		n := copy(space[:min(len(space), max(1, sizes[i%len(sizes)]))], stream)
		f.w += n
		stream = stream[n:]
		for {
			x, ok, err := f.next()
			if err != nil {
				return append(out, "error")
			}
			if !ok {
				break
			}
			out = append(out, fmt.Sprintf("%d %s %d %v %q", x.txnr, x.command, x.data.total, x.data.cut, x.data.line))
		}
	}
	return out
}

func TestRELPFramesComeThroughInAnyPieces(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var stream []byte
		var want []string
		for range rapid.IntRange(1, 12).Draw(rt, "n") {
			txnr := rapid.IntRange(0, relpLast).Draw(rt, "txnr")
			command := rapid.StringMatching(`[a-zA-Z]{1,32}`).Draw(rt, "command")
			data := rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(rt, "data")
			if rapid.IntRange(0, 5).Draw(rt, "long") == 5 {
				data = slices.Repeat([]byte{'y'}, rapid.IntRange(990, 1010).Draw(rt, "length"))
			}
			head := fmt.Sprintf("%d %s %d", txnr, command, len(data))
			if len(data) > 0 {
				head += " "
			}
			stream = append(append(append(stream, head...), data...), '\n')
			line := data
			if len(data) <= 1000 {
				line = []byte(strings.TrimRight(string(data), "\r\n\x00"))
			} else {
				line = line[:1001] // this test's limit is below that of records
			}
			want = append(want, fmt.Sprintf("%d %s %d %v %q", txnr, command, len(data), len(data) > 1001, line))
		}
		got := cutRELP(stream, rapid.SliceOfN(rapid.IntRange(1, 3000), 1, 9).Draw(rt, "sizes")...)
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatal(d)
		}
	})
}

func FuzzRELP(f *testing.F) {
	f.Add([]byte("1 open 14 relp_version=0\n2 syslog 5 <13>a\n3 close 0\n"), 3)
	f.Add([]byte("0 serverclose 0\n999999999 x 999999999 y"), 1)
	f.Add([]byte("1 syslog 0 \n"), 7)
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		whole, parts := cutRELP(stream, len(stream)), cutRELP(stream, size%5000)
		if d := cmp.Diff(whole, parts); d != "" {
			t.Fatal(d)
		}
		relpVersion(stream)
	})
}

func TestLongestRELPMessageIsWhole(t *testing.T) {
	key, cfg := newKey(t), config(t, relpIn(t))
	p := newPrefecture(t, key)
	u := start(t, cfg, key, p.conn)
	c := newRELP(t, u.Addr("in").String(), nil)
	c.ok(c.command("open", relpOffer))
	for _, n := range []int{frame.MaxLine - 1, frame.MaxLine, frame.MaxLine + 1, frame.MaxLine + 2} {
		c.ok(c.command("syslog", strings.Repeat("x", n)))
	}
	u.shipped("in", 4)
	recs, _ := p.records("in")
	for i, n := range []int{frame.MaxLine - 1, frame.MaxLine, frame.MaxLine + 1, frame.MaxLine + 2} {
		if r := recs[i]; len(r.Line) != min(n, frame.MaxLine) || (r.Flags == frame.Truncated) != (n > frame.MaxLine) || r.Flags != 0 && r.Total != int64(n) {
			t.Errorf("%d: line of %d, total %d, flags %b", n, len(r.Line), r.Total, r.Flags)
		}
	}
}
