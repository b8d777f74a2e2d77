package ingest

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"mimamori/frame"
)

func TestACheckpointIsReadAsItWasWritten(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		part := func(name string) []byte {
			return append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, name)...)
		}
		c := &checkpoint{
			Position: rapid.Uint64().Draw(t, "position"), Rejected: rapid.Uint64().Draw(t, "rejected"),
			Ledger: []*frame.Entry{{}}, Rules: part("rules"), Clocks: part("clocks"), Drift: part("drift"),
		}
		path := filepath.Join(dir, CheckpointFile)
		if err := c.save(path); err != nil {
			t.Fatal(err)
		}
		got, err := loadCheckpoint(path)
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("%+v, %v", got, err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rest, state, err := SplitState(b)
		if err != nil {
			t.Fatal(err)
		}
		if joined, err := JoinState(rest, state); err != nil || string(joined) != string(b) {
			t.Fatalf("split and joined again it is %q, not %q, %v", joined, b, err)
		}
		at := rapid.IntRange(0, len(b)*8-1).Draw(t, "bit")
		b[at/8] ^= 1 << (at % 8)
		if err := new(checkpoint).parse(b); !errors.Is(err, errCheckpoint) {
			t.Fatalf("bit %d is flipped: %v", at, err)
		}
		if err := new(checkpoint).parse(b[:at/8]); !errors.Is(err, errCheckpoint) {
			t.Fatalf("cut off at %d: %v", at/8, err)
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	path := filepath.Join(f.TempDir(), CheckpointFile)
	if err := (&checkpoint{Rules: []byte("rules"), Drift: []byte("drift")}).save(path); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("mimamori checkpoint 3 00000000\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := new(checkpoint)
		if err := c.parse(b); err == nil && c.Parts != [3]int{len(c.Rules), len(c.Clocks), len(c.Drift)} {
			t.Error("parts of other lengths than said")
		}
	})
}
