package bus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// block makes a stream of messages, some of them deleted, and returns the folder,
// the file they are in, and its records.
func block(t *testing.T, n int) (dir, file string, list []blockRecord) {
	t.Helper()
	dir = t.TempDir()
	s, c := start(t, ServerConfig{Dir: dir})
	st, err := c.Stream(t.Context(), StreamConfig{Name: "SPOOL", Subjects: []string{"spool.>"}, Direct: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if _, err := st.Publish(t.Context(), "spool.a", append(bytes.Repeat([]byte("\r\n"), 20), make([]byte, i*20_000)...), nil); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	files, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "SPOOL", "msgs", "*.blk"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	f, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if list, err = readBlock(f); err != nil || len(list) != n {
		t.Fatal(list, err)
	}
	return dir, files[0], list
}

// flipped inverts a bit of a file.
func flipped(t *testing.T, file string, at int64, bit int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[at+int64(bit/8)] ^= 1 << (bit % 8)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAFlippedBitInASequenceIsPutRight flips every bit that makes a sequence
// larger, in every record but the first, which nats-server looks at itself.
func TestAFlippedBitInASequenceIsPutRight(t *testing.T) {
	_, file, list := block(t, 5)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range list[1:] {
		for bit := range 62 {
			if r.seq&(1<<bit) != 0 || i == 3 && bit < 20 { // the last one may be as it says
				continue
			}
			flipped(t, file, r.at, bit)
			n, err := mendBlock(file)
			if err != nil {
				t.Fatal(err)
			}
			if now, err := os.ReadFile(file); err != nil || n != 1 || !bytes.Equal(now, whole) {
				t.Fatalf("record %d, bit %d: %d mended, %v", i+2, bit, n, err)
			}
		}
	}
	if n, err := mendBlock(file); n != 0 || err != nil {
		t.Errorf("nothing is wrong: %d %v", n, err)
	}
}

func TestAServerStartsOverADamagedSequenceAndKeepsAllMessages(t *testing.T) {
	dir, file, list := block(t, 5)
	flipped(t, file, list[2].at, 40)
	_, c := start(t, ServerConfig{Dir: dir})
	st, err := c.Stream(t.Context(), StreamConfig{Name: "SPOOL", Subjects: []string{"spool.>"}, Direct: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := st.NextSome(t.Context(), 1, 1<<20)
	if err != nil || len(got) != 5 || got[2].Seq != 3 || len(got[2].Data) != 40_040 {
		t.Errorf("%d messages, %v", len(got), err)
	}
}

// TestAMessageWithoutReadableHeadersIsSaidToBeDamaged makes a subject longer by what
// is behind it: no checksum covers its length, and the server puts it in a header.
func TestAMessageWithoutReadableHeadersIsSaidToBeDamaged(t *testing.T) {
	dir, file, list := block(t, 5)
	flipped(t, file, list[2].at-blockSeq+blockHead-2, 5)
	_, c := start(t, ServerConfig{Dir: dir})
	st, err := c.Stream(t.Context(), StreamConfig{Name: "SPOOL", Subjects: []string{"spool.>"}, Direct: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Next(t.Context(), "spool.>", 3); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	if _, err := st.NextSome(t.Context(), 3, 1); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	if got, err := st.NextSome(t.Context(), 1, 1<<20); err != nil || len(got) != 2 {
		t.Errorf("%d messages before it, %v", len(got), err)
	}
	if m, err := st.Next(t.Context(), "spool.>", 4); err != nil || m.Seq != 4 {
		t.Error("the next: ", err)
	}
	if m, err := st.Last(t.Context(), "spool.a"); err != nil || m.Seq != 5 {
		t.Error("the last: ", err)
	}
}

func FuzzBlock(f *testing.F) {
	f.Add([]byte("short"))
	f.Add(binary.LittleEndian.AppendUint32(make([]byte, 0, 64), 30))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := readBlock(bytes.NewReader(b))
		if err != nil || len(list) > len(b)/blockHead {
			t.Error(len(list), err)
		}
	})
}
