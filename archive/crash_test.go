package archive

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"mimamori/frame"
	"mimamori/internal/testkit"
)

// TestMain lets the test binary be the program that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("MIMAMORI_ARCHIVE_CRASH"); dir != "" {
		if err := crashLoop(dir); err != nil {
			fmt.Println("error", err)
		}
		return
	}
	os.Exit(m.Run())
}

// crashLoop appends, moves and signs, and says so, until it is killed. A day
// takes a few commits; each of them is of three frames, the first of which came
// before.
func crashLoop(dir string) error {
	operator, err := LoadOrMakeOperator(filepath.Join(dir, "archive.key"), nil)
	if err != nil {
		return err
	}
	keys, err := OpenKeys(filepath.Join(dir, "keys"), operator)
	if err != nil {
		return err
	}
	n := uint64(1)
	if b, err := os.ReadFile(filepath.Join(dir, "acked")); err == nil {
		n, _ = strconv.ParseUint(string(b), 10, 64)
	}
	clock := func() time.Time { return time.Unix(1795309200+int64(n)*3000, 0) }
	a, err := Open(Config{Dir: filepath.Join(dir, "archive"), Keys: keys, Sign: signKey, Now: clock, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return err
	}
	fmt.Println("open", n)
	for ; ; n += 2 {
		var group []Arrival
		for i := max(n, 2) - 1; i < n+2; i++ {
			f, err := crashFrame(i)
			if err != nil {
				return err
			}
			group = append(group, Arrival{Frame: f})
		}
		if err := a.Append(nil, group); err != nil { //nolint:staticcheck // it is not used
			return err
		}
		fmt.Println("done", n+1)
		if n%6 == 1 {
			if err := a.step(); err != nil {
				return err
			}
		}
	}
}

// crashFrame is the same frame whenever it is made.
func crashFrame(n uint64) (*frame.Frame, error) {
	town := []string{"312011", "313025"}[n%2]
	w, err := frame.NewWriter(frame.Header{Collector: "c" + town, Municipality: town, Source: "s", Epoch: 1, First: n}, collectorKey("c"))
	if err != nil {
		return nil, err
	}
	w.Add(&frame.Record{Line: strings.Repeat("x", int(n%977)), Received: int64(n)})
	return w.Seal()
}

func TestKillLosesAndDoublesNothing(t *testing.T) {
	dir := t.TempDir()
	acked := testkit.Killed(t, "MIMAMORI_ARCHIVE_CRASH="+dir, func(acked uint64) {
		checkWhole(t, dir, acked)
		if err := os.WriteFile(filepath.Join(dir, "acked"), strconv.AppendUint(nil, acked+1, 10), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if acked == 0 {
		t.Fatal("nothing was ever kept")
	}
}

// checkWhole opens the archive, so that it recovers, and checks that every frame
// up to acked is there, once and as it came, and that all of it verifies.
func checkWhole(t *testing.T, dir string, acked uint64) {
	t.Helper()
	k := &kit{t: t, dir: dir, sent: map[string][]byte{}, log: nil}
	operator, err := LoadOrMakeOperator(filepath.Join(dir, "archive.key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if k.keys, err = OpenKeys(filepath.Join(dir, "keys"), operator); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	now := time.Unix(1795309200+int64(acked)*3000, 0)
	k.a, err = Open(Config{Dir: k.folder(), Keys: k.keys, Sign: signKey, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.a.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "ERROR") {
		t.Fatal(log.String())
	}
	have := k.stored()
	for n := uint64(1); n <= acked; n++ {
		f, err := crashFrame(n)
		if err != nil {
			t.Fatal(err)
		}
		if string(have[identity(f)]) != string(f.Bytes) {
			t.Fatalf("frame %d of %d is lost", n, acked)
		}
	}
	r, err := Verify(t.Context(), Check{Dir: k.folder()})
	if err != nil || !r.Whole() || r.Frames != uint64(len(have)) {
		t.Fatalf("%+v %v", r, err)
	}
}
