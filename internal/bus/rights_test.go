package bus

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secured makes a certificate for this machine, and what trusts it.
func secured(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(c)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: pool}
}

// thief is a plain NATS client with a stolen key: it tries what a program of
// ours never would, and gathers what the server says to it.
type thief struct {
	*nats.Conn
	t  *testing.T
	mu sync.Mutex
	no []string
}

func (s *Server) thief(t *testing.T, key *Key, secure *tls.Config) *thief {
	t.Helper()
	th := &thief{t: t}
	nc, err := nats.Connect("tls://"+s.Addr(), nats.Secure(secure), nats.Nkey(key.Public(), key.pair.Sign), nats.CustomInboxPrefix(inbox(key.Public())),
		nats.NoReconnect(), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			th.mu.Lock()
			defer th.mu.Unlock()
			th.no = append(th.no, err.Error())
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	th.Conn = nc
	return th
}

// refused tells how many refusals came for what do does.
func (th *thief) refused(do func() error) int {
	th.t.Helper()
	th.mu.Lock()
	before := len(th.no)
	th.mu.Unlock()
	if err := do(); err != nil {
		th.t.Fatal(err)
	}
	if err := th.Publish("marker", nil); err != nil { // is refused itself, and so marks the end
		th.t.Fatal(err)
	}
	end, tick := time.After(5*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		th.mu.Lock()
		n, marked := len(th.no)-before, len(th.no) > before && strings.Contains(th.no[len(th.no)-1], "marker")
		th.mu.Unlock()
		if marked {
			return n - 1
		}
		select {
		case <-tick.C:
		case <-end:
			th.t.Fatal("the server does not refuse the marker")
		}
	}
}

func TestAStolenKeyCanDoNothingButSendForItsOwnName(t *testing.T) {
	server, client := secured(t)
	mine, other, guest := newKey(t), newKey(t), newKey(t)
	s, owner := start(t, ServerConfig{Listen: "127.0.0.1:0", TLS: server, Users: []User{
		CollectorUser(mine.Public(), "312011", "mine"), CollectorUser(other.Public(), "312011", "other"), EnrolUser(guest.Public(), "inv"),
	}})
	st := frames(t, owner, 0)
	if _, err := st.Publish(t.Context(), FrameSubject("312011", "other", "fw"), []byte("secret"), nil); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key  *Key
		free []string // may be published to
		hear []string
	}{
		"a collector": {mine, []string{"frames.312011.mine.fw", "care.312011.mine"}, []string{"order.312011.mine", inbox(mine.Public()) + ".x"}},
		"a guest":     {guest, []string{"enrol.inv"}, []string{inbox(guest.Public()) + ".x"}},
	} {
		t.Run(name, func(t *testing.T) {
			th := s.thief(t, c.key, client)
			for _, subject := range c.free {
				if n := th.refused(func() error { return th.Publish(subject, nil) }); n != 0 {
					t.Errorf("may not publish to %s", subject)
				}
			}
			for _, subject := range c.hear {
				if n := th.refused(func() error { _, err := th.SubscribeSync(subject); return err }); n != 0 {
					t.Errorf("may not hear %s", subject)
				}
			}
			for _, subject := range []string{
				"frames.312011.other.fw", "frames.312029.mine.fw", "frames.312029.other.fw", "frames.probe", "frames.312011", "frames.312011.mine", "care.312011.other",
				"care.312029.mine", "order.312011.mine", "order.312011.other", "enrol.other", "$JS.API.INFO", "$JS.API.STREAM.DELETE.FRAMES", "$JS.API.STREAM.PURGE.FRAMES",
				"$JS.API.STREAM.MSG.GET.FRAMES", "$JS.API.DIRECT.GET.FRAMES", "$JS.API.CONSUMER.CREATE.FRAMES", "$JS.ACK.FRAMES.x.1.1.1.1.1", "$SYS.REQ.SERVER.PING",
				"$SYS.REQ.USER.INFO", "$SYS.REQ.ACCOUNT.PING", inbox(other.Public()) + ".x", inbox(mine.Public()) + ".x", "_R_.x", "x",
			} {
				if n := th.refused(func() error { return th.Publish(subject, []byte("x")) }); n != 1 {
					t.Errorf("published to %s: %d refusals", subject, n)
				}
			}
			for _, subject := range []string{
				">", "*", "*.*", "*.*.*", "frames.>", "frames.312011.mine.>", "frames.312011.other.fw", "care.>", "care.312011.mine", "care.*.*", "order.>", "order.*.*", "order.312011.*",
				"order.312011.other", "enrol.>", "enrol.inv", "$JS.>", "$JS.API.>", "$JS.EVENT.>", "$SYS.>", "_INBOX.>", "_INBOX.*.>", inbox(other.Public()) + ".>", inbox(other.Public()) + ".x",
			} {
				for _, queue := range []string{"", "q"} {
					if n := th.refused(func() error { _, err := th.QueueSubscribeSync(subject, queue); return err }); n != 1 {
						t.Errorf("hears %s (queue %q): %d refusals", subject, queue, n)
					}
				}
			}
		})
	}
}

// TestAReplySubjectGivesNoRights makes the server and the prefecture answer to
// subjects that the asker may not use itself.
func TestAReplySubjectGivesNoRights(t *testing.T) {
	server, client := secured(t)
	mine, other := newKey(t), newKey(t)
	s, owner := start(t, ServerConfig{Listen: "127.0.0.1:0", TLS: server, Users: []User{
		CollectorUser(mine.Public(), "312011", "mine"), CollectorUser(other.Public(), "312011", "other"),
	}})
	st := frames(t, owner, 0)
	for range 3 {
		if _, err := st.Publish(t.Context(), FrameSubject("312011", "other", "fw"), []byte("x"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := owner.Serve(CareSubjects, func(string, []byte) []byte { return []byte(`{"filter":"frames.312011.other.fw"}`) }); err != nil {
		t.Fatal(err)
	}
	th := s.thief(t, mine, client)
	sent := uint64(3)
	for _, reply := range []string{
		"$JS.API.STREAM.PURGE.FRAMES", "$JS.API.STREAM.DELETE.FRAMES", "$JS.API.STREAM.UPDATE.FRAMES", "$JS.API.CONSUMER.CREATE.FRAMES", "$SYS.REQ.SERVER.PING", "order.312011.other",
	} {
		for _, subject := range []string{"frames.312011.mine.fw", "care.312011.mine"} {
			if err := th.PublishMsg(&nats.Msg{Subject: subject, Reply: reply, Data: []byte("x")}); err != nil {
				t.Fatal(err)
			}
		}
		sent++
	}
	if err := th.FlushTimeout(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	// A full round behind what was sent.
	if _, err := st.Publish(t.Context(), "frames.last", []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	if err := owner.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	state, err := st.State(t.Context())
	if err != nil || state.Messages != sent+1 {
		t.Errorf("%+v, want %d messages; %v", state, sent+1, err)
	}
}

func TestARevokedKeyIsCutOffAtOnceAndStaysOut(t *testing.T) {
	server, client := secured(t)
	mine, stays := newKey(t), newKey(t)
	keep := CollectorUser(stays.Public(), "312011", "stays")
	s, owner := start(t, ServerConfig{Listen: "127.0.0.1:0", TLS: server, Users: []User{CollectorUser(mine.Public(), "312011", "mine"), keep}})
	st := frames(t, owner, 0)
	th, calm := s.thief(t, mine, client), s.thief(t, stays, client)
	if err := s.SetUsers([]User{keep}); err != nil {
		t.Fatal(err)
	}
	end, tick := time.After(5*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !th.IsClosed() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("the revoked key is still connected")
		}
	}
	_, err := Dial(t.Context(), DialConfig{URLs: []string{"tls://" + s.Addr()}, Key: mine, TLS: client, Hasty: true})
	if !errors.Is(err, ErrDenied) {
		t.Errorf("came back: %v", err)
	}
	if _, err := calm.Request("frames.312011.stays.fw", nil, 5*time.Second); err != nil || calm.IsClosed() {
		t.Errorf("the other collector was disturbed: %v", err)
	}
	if state, err := st.State(t.Context()); err != nil || state.Messages != 1 {
		t.Errorf("%+v %v", state, err)
	}
}

func TestOnlyWhoSignsWithAListedKeyComesIn(t *testing.T) {
	mine, stranger := newKey(t), newKey(t)
	s, _ := start(t, ServerConfig{Listen: "127.0.0.1:0", Users: []User{CollectorUser(mine.Public(), "312011", "mine")}})
	old := []byte("a nonce of another day")
	for name, c := range map[string]struct {
		public string
		sign   nats.SignatureHandler
	}{
		"its own key":         {mine.Public(), mine.pair.Sign},
		"another's signature": {mine.Public(), stranger.pair.Sign},
		"an old signature":    {mine.Public(), func([]byte) ([]byte, error) { return mine.pair.Sign(old) }},
		"an empty signature":  {mine.Public(), func([]byte) ([]byte, error) { return nil, nil }},
		"a stranger":          {stranger.Public(), stranger.pair.Sign},
		"the owner's name":    {s.owner.Public(), stranger.pair.Sign},
		"no key at all":       {},
	} {
		opts := []nats.Option{nats.NoReconnect(), nats.Nkey(c.public, c.sign)}
		if c.public == "" {
			opts = opts[:1]
		}
		nc, err := nats.Connect("nats://"+s.Addr(), opts...)
		if nc.Close(); (err == nil) != (name == "its own key") || err != nil && !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRightsThatChangeHoldAtOnce(t *testing.T) {
	server, client := secured(t)
	mine := newKey(t)
	s, owner := start(t, ServerConfig{Listen: "127.0.0.1:0", TLS: server, Users: []User{CollectorUser(mine.Public(), "312011", "mine")}})
	st := frames(t, owner, 0)
	out, err := Dial(t.Context(), DialConfig{URLs: []string{"tls://" + s.Addr()}, Key: mine, TLS: client})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	publish := func(town string, wait time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		_, err := out.Publish(ctx, FrameSubject(town, "mine", "fw"), []byte("x"))
		return err
	}
	if err := errors.Join(publish("312011", 5*time.Second), s.SetUsers([]User{CollectorUser(mine.Public(), "312029", "mine")})); err != nil {
		t.Fatal(err)
	}
	end, tick := time.After(20*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for err = publish("312029", time.Second); err != nil; err = publish("312029", time.Second) { // until it has come again
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("the new rights do not hold: %v", err)
		}
	}
	if publish("312011", 200*time.Millisecond) == nil {
		t.Error("the old rights hold")
	}
	if state, err := st.State(t.Context()); err != nil || state.Messages != 2 {
		t.Errorf("%+v, %v", state, err)
	}
}

func TestTwoHundredCollectorsComeAndGoWhileOthersSend(t *testing.T) {
	server, client := secured(t)
	var users []User
	for range 200 {
		users = append(users, CollectorUser(newKey(t).Public(), "312011", "c"))
	}
	mine := newKey(t)
	users = append(users, CollectorUser(mine.Public(), "312011", "mine"))
	s, owner := start(t, ServerConfig{Listen: "127.0.0.1:0", TLS: server, Users: users})
	st := frames(t, owner, 0)
	out, err := Dial(t.Context(), DialConfig{URLs: []string{"tls://" + s.Addr()}, Key: mine, TLS: client, Hasty: true})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := owner.Serve(CareSubjects, func(subject string, data []byte) []byte { return append([]byte(subject), data...) }); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	const rounds = 50
	for i := range rounds {
		if err := s.SetUsers(append(users[i:len(users):len(users)], EnrolUser(newKey(t).Public(), "i"))); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Publish(t.Context(), FrameSubject("312011", "mine", "fw"), []byte("x")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		answer, err := out.Request(ctx, CareSubject("312011", "mine"), []byte("!"))
		cancel()
		if err != nil || string(answer) != "care.312011.mine!" {
			t.Fatalf("%q %v", answer, err)
		}
	}
	t.Logf("%s a change", time.Since(began)/rounds)
	if state, err := st.State(t.Context()); err != nil || state.Messages != rounds {
		t.Errorf("%+v %v", state, err)
	}
}

func newKey(t *testing.T) *Key {
	t.Helper()
	k, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}
