package carry

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var created = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func pair(seed byte) (ed25519.PrivateKey, ed25519.PublicKey) {
	k := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	return k, k.Public().(ed25519.PublicKey)
}

func identity(t testing.TB) *Identity {
	t.Helper()
	id, err := LoadOrMakeIdentity(filepath.Join(t.TempDir(), "carry.key"))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func file(t testing.TB, id *Identity, frames [][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, id.Recipient(), Header{"tottori-a", "312011", 7, created})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if err := w.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	key, _ := pair(1)
	if err := w.Close(key); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read reads a file to its end.
func read(b []byte, id *Identity, public ed25519.PublicKey) (h Header, frames [][]byte, err error) {
	r, err := NewReader(bytes.NewReader(b), id)
	if err != nil {
		return h, nil, err
	}
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Header, frames, r.Verify(public)
		}
		if err != nil {
			return h, frames, err
		}
		frames = append(frames, f)
	}
}

func TestFileRoundTripAndAnyChangeIsSeen(t *testing.T) {
	id, other := identity(t), identity(t)
	_, public := pair(1)
	_, wrong := pair(2)
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 2000), 0, 20).Draw(rt, "frames")
		b := file(t, id, want)
		h, got, err := read(b, id, public)
		if err != nil || h.Number != 7 || h.Collector != "tottori-a" || !h.Created.Equal(created) || len(got) != len(want) {
			rt.Fatalf("%v, %+v, %d frames of %d", err, h, len(got), len(want))
		}
		for i := range want {
			if !bytes.Equal(want[i], got[i]) {
				rt.Fatalf("frame %d differs", i)
			}
		}
		if _, _, err := read(b, id, wrong); !errors.Is(err, ErrSignature) {
			rt.Fatalf("another key: %v", err)
		}
		if _, _, err := read(b, other, public); !errors.Is(err, ErrNotOurs) {
			rt.Fatalf("another identity: %v", err)
		}
		bad := bytes.Clone(b)
		bad[rapid.IntRange(0, len(b)-1).Draw(rt, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		if _, _, err := read(bad, id, public); err == nil {
			rt.Fatal("a flipped bit was not seen")
		}
		if _, _, err := read(b[:rapid.IntRange(0, len(b)-1).Draw(rt, "cut")], id, public); err == nil {
			rt.Fatal("a cut file was taken as whole")
		}
	})
}

func TestIdentityIsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "carry.key")
	a, err := LoadOrMakeIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := LoadOrMakeIdentity(path)
	if err != nil || a.Recipient() != b.Recipient() {
		t.Errorf("%v: %s, then %s", err, a.Recipient(), b.Recipient())
	}
}

// FuzzReader feeds what stands inside the encryption.
func FuzzReader(f *testing.F) {
	f.Add([]byte(magic + "\x00\x00\x00\x02{}\x00\x00\x00\x01x\x00\x00\x00\x00"))
	f.Add([]byte(magic + "\xff\xff\xff\xff"))
	_, public := pair(1)
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &Reader{in: bytes.NewReader(b), sum: sha256.New()}
		for {
			if _, err := c.Next(); err != nil {
				break
			}
		}
		if c.Verify(public) == nil {
			t.Fatal("bytes that nobody signed were taken")
		}
	})
}
