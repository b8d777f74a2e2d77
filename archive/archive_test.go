package archive

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/frame"
)

func TestFramesComeBackByteForByte(t *testing.T) {
	k := newKit(t, 1)
	k.fill(3, 4)
	k.same()
	r := k.verify(Check{Keys: k.keys, Anchor: k.anchor()})
	if !r.Whole() || !r.Complete() || r.Frames != uint64(len(k.sent)) || r.Opened != r.Frames || r.Days != 6 || len(r.Unsigned) != 0 {
		t.Fatalf("%+v", r)
	}
	if r := k.verify(Check{}); !r.Whole() || r.Opened != 0 {
		t.Fatalf("without keys: %+v", r)
	}
	names, _ := filepath.Glob(filepath.Join(k.folder(), "*", "*"))
	for _, name := range names {
		if b, _ := os.ReadFile(name); bytes.Contains(b, []byte("MMFR")) {
			t.Errorf("%s holds a frame that is not encrypted", name)
		}
	}
}

func TestAFrameThatComesAgainIsKeptOnce(t *testing.T) {
	k := newKit(t, 2)
	a, b, c := k.frame("312011", "fw"), k.frame("312011", "fw"), k.frame("312011", "fw")
	k.append(a, b)
	k.append(b, a)
	k.reopen()
	k.append(a, c, c)
	k.step()
	k.append(c)
	k.reopen()
	if err := os.Remove(filepath.Join(k.folder(), stateFile)); err != nil {
		t.Fatal(err)
	}
	k.reopen() // writes the state again
	if err := k.a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(k.folder(), stateFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.open() // from the files
	k.append(a, b, c)
	k.step()
	k.same()
	k.now = k.now.AddDate(0, 0, 1)
	k.step()
	if r := k.verify(Check{Keys: k.keys}); !r.Whole() || r.Frames != 3 {
		t.Fatalf("%+v", r)
	}
}

func TestADayThatIsSignedStaysAsItIs(t *testing.T) {
	k := newKit(t, 3)
	k.fill(1, 2)
	late := k.frame("312011", "fw")
	late.At = k.now.AddDate(0, 0, -1) // the stream had it yesterday
	early := k.frame("312011", "fw")
	early.At = k.now.AddDate(0, 1, 0) // a clock that is wrong
	before := k.read("312011/2026-11-22.frames")
	k.append(late, early)
	k.step()
	if !bytes.Equal(before, k.read("312011/2026-11-22.frames")) {
		t.Fatal("the signed day has changed")
	}
	k.now = k.now.AddDate(0, 0, 1)
	k.reopen() // signs when it opens, too
	if r := k.verify(Check{Keys: k.keys}); !r.Whole() || r.Signed != "2026-11-23" || len(r.Unsigned) != 0 {
		t.Fatalf("%+v", r)
	}
	k.same()
}

func TestGapsAreKeptAndNamed(t *testing.T) {
	k := newKit(t, 4)
	var fs []Arrival
	for range 6 {
		fs = append(fs, k.frame("312011", "fw"))
	}
	gap, err := frame.SealGap(fs[1].Frame, fs[2].Frame, "spool full", collectorKey("col-312011"))
	if err != nil {
		t.Fatal(err)
	}
	k.append(fs[0], Arrival{gap, k.now, fs[0].Public}, fs[3], fs[5])
	k.now = k.now.AddDate(0, 0, 1)
	k.step()
	r := k.verify(Check{Keys: k.keys})
	if !r.Whole() || r.Complete() || len(r.Sequences) != 1 {
		t.Fatalf("%+v", r)
	}
	s := r.Sequences[0]
	if len(s.Missing) != 1 || s.Missing[0] != (frame.Range{First: fs[4].Frame.First, Last: fs[4].Frame.Last()}) {
		t.Errorf("missing %+v", s.Missing)
	}
	if len(s.GivenUp) != 1 || s.GivenUp[0] != (frame.Range{First: gap.First, Last: gap.Last()}) {
		t.Errorf("given up %+v", s.GivenUp)
	}
}

func TestADestroyedKeyErasesAMonthAndNothingElse(t *testing.T) {
	k := newKit(t, 5)
	k.fill(10, 1) // into December
	if _, err := k.keys.Destroy("312011", "2026-11"); err != nil {
		t.Fatal(err)
	}
	k.reopen()
	r := k.verify(Check{Keys: k.keys})
	if !r.Whole() || r.Unopened[ErrErased.Error()] != 9*2 || r.Opened != 20+2 || len(r.Erased) != 1 || r.Erased["312011"][0] != "2026-11" {
		t.Fatalf("%+v", r)
	}
	if names, _ := filepath.Glob(filepath.Join(k.dir, "keys", "312011-2026-11*")); len(names) != 1 || !strings.HasSuffix(names[0], erasedSuffix) {
		t.Fatal(names)
	}
	if _, err := k.keys.Destroy("312011", "2026-11"); err != nil { // again
		t.Fatal(err)
	}
	// What still comes for that month gets a key of its own.
	_, n, err := k.keys.forWriting(period{"312011", "2026-11"})
	if err != nil || n != 2 {
		t.Fatal(n, err)
	}
	_, err = k.keys.forReading(&Entry{Municipality: "312011", Arrived: k.now.AddDate(0, 0, -10).UnixMicro(), Key: 1})
	if !errors.Is(err, ErrErased) {
		t.Fatal(err)
	}
}

func TestThePublicHalfOfTheOperatorsKeyIsEnoughToWrite(t *testing.T) {
	k := newKit(t, 6)
	k.append(k.frame("312011", "fw"))
	whole := k.operator
	public, err := Recipient(whole.Public())
	if err != nil {
		t.Fatal(err)
	}
	k.operator = public
	k.reopen()
	k.append(k.frame("312011", "fw"))
	k.now = k.now.AddDate(0, 0, 1)
	k.reopen()
	if r := k.verify(Check{Keys: k.keys}); !r.Whole() || r.Unopened[ErrLocked.Error()] != 2 {
		t.Fatalf("%+v", r)
	}
	k.operator = whole
	k.reopen()
	k.same()
}

func TestAFullDiskKeepsNothingOfThatCommitAndTheNextWorks(t *testing.T) {
	k := newKit(t, 7)
	a, b := k.frame("312011", "fw"), k.frame("312011", "fw")
	k.append(a)
	if err := k.a.journal.file.Close(); err != nil { // as if the disk were gone
		t.Fatal(err)
	}
	if err := k.a.Append(t.Context(), []Arrival{b}); !errors.Is(err, os.ErrClosed) {
		t.Fatal(err)
	}
	k.append(b)
	k.now = k.now.Add(time.Hour)
	k.step()
	k.same()
}

func TestAnotherOperatorsKeyWritesOnAndTheOldOneStillReads(t *testing.T) {
	k := newKit(t, 8)
	k.append(k.frame("312011", "fw"))
	old := k.operator
	var err error
	if k.operator, err = LoadOrMakeOperator(filepath.Join(k.dir, "new.key"), nil); err != nil {
		t.Fatal(err)
	}
	k.reopen()
	k.append(k.frame("312011", "fw"))
	k.step()
	list, err := k.keys.List()
	if err != nil || len(list) != 2 || list[0].State != "locked" || list[1].State != "ready" {
		t.Fatalf("%+v %v", list, err)
	}
	if k.keys, err = OpenKeys(filepath.Join(k.dir, "keys"), old); err != nil {
		t.Fatal(err)
	}
	if r := k.verify(Check{Keys: k.keys}); r.Opened != 1 || r.Unopened[ErrLocked.Error()] != 1 {
		t.Fatalf("%+v", r)
	}
}

func TestWhatIsFinishedGoesToASecondPlace(t *testing.T) {
	k := newKit(t, 9)
	k.fill(2, 2)
	k.append(k.frame("312011", "fw"))
	k.step()
	second := filepath.Join(t.TempDir(), "second")
	k.a.cfg.Sink = Folder(second)
	k.a.ship(t.Context())
	r := k.verify(Check{Dir: second, Anchor: k.read("heads/2026-11-23.head")})
	if !r.Whole() || r.Days != 4 || k.a.Status().Err != "" {
		t.Fatalf("%+v %+v", r, k.a.Status())
	}
	if err := os.Remove(filepath.Join(second, "312011", "2026-11-22.frames")); err != nil {
		t.Fatal(err)
	}
	k.a.ship(t.Context())
	if r := k.verify(Check{Dir: second}); !r.Whole() {
		t.Fatalf("%+v", r)
	}
}
