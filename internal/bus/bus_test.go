package bus

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T, cfg ServerConfig) (*Server, *Conn) {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	s, err := StartServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	c, err := s.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func frames(t *testing.T, c *Conn, max int64) *Stream {
	t.Helper()
	st, err := c.Stream(t.Context(), StreamConfig{Name: Frames, Subjects: []string{FramesSubjects}, MaxBytes: max})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestMessagesSurviveARestartInOrder(t *testing.T) {
	dir := t.TempDir()
	s, c := start(t, ServerConfig{Dir: dir})
	st := frames(t, c, 0)
	for i := range 10 {
		if _, err := st.Publish(t.Context(), "frames.a."+strconv.Itoa(i%2), []byte{byte(i)}, map[string]string{"n": strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Purge(t.Context(), "frames.a.0", 5); err != nil { // removes 0, 2
		t.Fatal(err)
	}
	s.Close()
	_, c = start(t, ServerConfig{Dir: dir})
	st = frames(t, c, 0)
	last, err := st.Last(t.Context(), "frames.a.1")
	if err != nil || last.Data[0] != 9 || last.Header["n"] != "9" {
		t.Fatalf("last %+v, %v", last, err)
	}
	if _, err := st.Last(t.Context(), "frames.none"); !errors.Is(err, ErrNoMessage) {
		t.Errorf("no message: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var got []byte
	err = st.Read(ctx, 2, func(m Msg) error {
		if got = append(got, m.Data[0]); m.Data[0] == 9 {
			cancel()
		}
		return nil
	})
	if err != nil || string(got) != "\x01\x03\x04\x05\x06\x07\x08\x09" {
		t.Errorf("read %v, %v", got, err)
	}
}

func TestFullStreamRefusesAndDiscardsNothing(t *testing.T) {
	_, c := start(t, ServerConfig{})
	st := frames(t, c, 4000)
	var err error
	n := 0
	for ; err == nil && n < 100; n++ {
		_, err = st.Publish(t.Context(), "frames.x", make([]byte, 1000), nil)
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("after %d: %v", n, err)
	}
	state, err := st.State(t.Context())
	if err != nil || state.Messages != uint64(n-1) || state.First != 1 {
		t.Errorf("%+v %v", state, err)
	}
}

func TestCollectorMayPublishItsOwnSubjectsAndNothingElse(t *testing.T) {
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	s, c := start(t, ServerConfig{Listen: "127.0.0.1:0", Users: []User{{Public: key.Public(), Publish: CollectorSubjects("312011", "col")}}})
	frames(t, c, 0)
	out, err := Dial(t.Context(), DialConfig{URLs: []string{"nats://" + s.Addr()}, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if seq, err := out.Publish(t.Context(), FrameSubject("312011", "col", "fw"), []byte("x")); err != nil || seq != 1 {
		t.Fatalf("own subject: %d %v", seq, err)
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := out.Publish(short, FrameSubject("312029", "col", "fw"), []byte("x")); err == nil {
		t.Error("published for another municipality")
	}
	if _, err := out.js.Stream(short, Frames); err == nil {
		t.Error("read the stream's state")
	}
	if err := s.SetUsers(nil); err != nil { // revoked
		t.Fatal(err)
	}
	short, cancel = context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := out.Publish(short, FrameSubject("312011", "col", "fw"), []byte("x")); err == nil {
		t.Error("published after revocation")
	}
}

func TestKeyIsKeptAndParsed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "key")
	k, err := LoadOrMakeKey(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadOrMakeKey(path)
	if err != nil || again.Public() != k.Public() {
		t.Fatalf("%v", err)
	}
	pub, err := ParsePublic(k.Public())
	if err != nil || !pub.Equal(k.Private().Public()) {
		t.Errorf("public key differs: %v", err)
	}
	if _, err := ParsePublic("UNO"); err == nil {
		t.Error("nonsense was taken for a key")
	}
}

func TestTwoServersDoNotShareAFolder(t *testing.T) {
	dir := t.TempDir()
	s, _ := start(t, ServerConfig{Dir: dir})
	if second, err := StartServer(ServerConfig{Dir: dir}); err == nil {
		second.Close()
		t.Fatal("a second server works in the same folder")
	}
	s.Close()
	start(t, ServerConfig{Dir: dir})
}

// said is what was logged, as far as there is room.
type said chan string

func (s said) Write(line []byte) (int, error) {
	select {
	case s <- string(line):
	default:
	}
	return len(line), nil
}

func TestWhatASubscriptionMissesIsToldWithItsSubject(t *testing.T) {
	log := make(said, 64)
	_, c := start(t, ServerConfig{Log: slog.New(slog.NewTextHandler(log, nil))})
	held := make(chan struct{})
	defer close(held)
	if err := c.Subscribe("news", func([]byte) { <-held }); err != nil {
		t.Fatal(err)
	}
	for range pendingMessages + 10 {
		if err := c.Send("news", nil); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.After(time.Minute); ; {
		select {
		case line := <-log:
			if strings.Contains(line, "news, ") && strings.Contains(line, "messages missed") {
				return
			}
		case <-end:
			t.Fatal("nothing was said")
		}
	}
}
