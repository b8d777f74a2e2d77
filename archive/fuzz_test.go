package archive

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// sampleRecord is a record as it stands in a file.
func sampleRecord(f *testing.F) []byte {
	aead, err := newAEAD(make([]byte, keyBytes))
	if err != nil {
		f.Fatal(err)
	}
	b, err := appendRecord(nil, &Entry{Municipality: "312011", Day: "2026-11-22", Collector: "c", Source: "s", Epoch: 1, First: 1, Last: 2}, []byte("frame"), aead)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// FuzzScan reads any bytes as records: all of them are accounted for.
func FuzzScan(f *testing.F) {
	r := sampleRecord(f)
	f.Add(r)
	f.Add(bytes.Join([][]byte{r, []byte("noise"), r[:40], r, r[:len(r)-1]}, nil))
	f.Add(bytes.Repeat([]byte(recordMagic), 9))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newScanner(bytes.NewReader(b), int64(len(b)))
		var sum, whole int64
		for {
			e, at, sealed, err := s.next()
			if errors.Is(err, errHopeless) {
				return
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			n := int64(len(e.header) + len(sealed))
			if !bytes.Equal(b[at:at+int64(len(e.header))], e.header) || at+n != s.at {
				t.Fatalf("record at %d of %d bytes, then %d", at, n, s.at)
			}
			whole += n
		}
		for _, d := range s.bad {
			sum += d.To - d.From
		}
		if sum+whole != int64(len(b)) {
			t.Fatalf("%d bytes whole, %d damaged, of %d", whole, sum, len(b))
		}
	})
}

// FuzzTexts reads any bytes as a signed text: what is taken is written again as
// it was.
func FuzzTexts(f *testing.F) {
	m := manifest{Municipality: "312011", Day: "2026-11-22", Previous: link{Day: "2026-11-21"}, Frames: 3, Bytes: 9, Collectors: map[string]string{"c": "aa,"}}
	h := head{At: time.Unix(1795309200, 0).UTC(), Last: map[string]link{"312011": {Day: "2026-11-22"}}, Open: []openHead{{"312011", "2026-11-23", 4, m.Root}}}
	f.Add(m.text(signKey))
	f.Add(h.text(signKey))
	f.Add(bytes.Replace(m.text(signKey), []byte("frames"), []byte("\nframes"), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, _, err := parseManifest(b); err == nil && !bytes.Equal(m.Key, otherKey) && bytes.Equal(m.Key, signKey[32:]) && !bytes.Equal(m.text(signKey), b) {
			t.Fatalf("manifest %q is not %q", m.text(signKey), b)
		}
		if h, err := parseHead(b); err == nil && bytes.Equal(h.Key, signKey[32:]) && !bytes.Equal(h.text(signKey), b) {
			t.Fatalf("head %q is not %q", h.text(signKey), b)
		}
	})
}

// FuzzKeys reads any bytes as key files and marks.
func FuzzKeys(f *testing.F) {
	n := keyName{period{"312011", "2026-11"}, 1}
	f.Add([]byte(n.label() + "00\n"))
	f.Add([]byte("AGE-SECRET-KEY-1"))
	f.Add([]byte("3\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if key, err := parseKey(string(b), n); err == nil && len(key) != keyBytes {
			t.Fatal(key)
		}
		if len(b) < 4096 {
			_, _ = Identity(b, func() (string, error) { return "", ErrLocked })
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "312011-2026-11"+erasedSuffix), b, 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := OpenKeys(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Erased("312011", "2026-11"); err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
	})
}
