package archive

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/internal/calendar"
)

func sealed(t interface{ Fatal(...any) }, k *Keys, plain []byte, town, month string) []byte {
	var b bytes.Buffer
	w, err := k.Seal(&b, town, month)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func opened(k *Keys, b []byte) ([]byte, error) {
	r, err := k.Open(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// TestWhatIsSealedOpensUntilItsMonthIsErased compares with a set of months
// that are erased, and with other keys, which open nothing.
func TestWhatIsSealedOpensUntilItsMonthIsErased(t *testing.T) {
	dir := t.TempDir()
	operator, err := LoadOrMakeOperator(filepath.Join(dir, "key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		keys, err := OpenKeys(filepath.Join(dir, "keys", string(rune('a'+n%26))), operator)
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(keys.dir)
		one := rapid.Custom(func(t *rapid.T) [2]string {
			return [2]string{rapid.SampledFrom([]string{"312011", "312029", Mixed}).Draw(t, "town"), rapid.SampledFrom([]string{"2026-10", "2026-11"}).Draw(t, "month")}
		})
		month := one.Draw(t, "month")
		plain := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "plain")
		b := sealed(t, keys, plain, month[0], month[1])
		if len(plain) > 8 && bytes.Contains(b, plain) {
			t.Fatal("it is readable")
		}
		gone := false
		for _, m := range rapid.SliceOfN(one, 0, 3).Draw(t, "erased") {
			gone = gone || month == m
			if _, err := keys.Destroy(m[0], m[1]); err != nil {
				t.Fatal(err)
			}
		}
		again, err := OpenKeys(keys.dir, operator)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []*Keys{keys, again} {
			got, err := opened(k, b)
			if gone != errors.Is(err, ErrErased) || !gone && (err != nil || !bytes.Equal(got, plain)) {
				t.Fatalf("%v, erased %v: %q, %v", month, gone, got, err)
			}
		}
		if gone {
			if _, err := keys.Seal(io.Discard, month[0], month[1]); errors.Is(err, ErrErased) != (month[0] != Mixed) {
				t.Fatal("an erased month got a new key: ", err)
			}
		}
	})
}

func TestWhatWasSealedAndIsDamagedOrAnothersIsRefused(t *testing.T) {
	k := newKit(t, 20)
	b := sealed(t, k.keys, bytes.Repeat([]byte("line "), 100), "312011", "2026-11")
	for i := range b {
		c := bytes.Clone(b)
		c[i] ^= 1
		if got, err := opened(k.keys, c); err == nil {
			t.Fatalf("byte %d flipped: %q", i, got)
		}
	}
	if _, err := opened(newKit(t, 21).keys, b); !errors.Is(err, ErrNoKey) {
		t.Error(err)
	}
	wrapped, err := k.operator.Wrap([]byte("x")) // age, and not ours
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opened(k.keys, wrapped); err == nil {
		t.Error("a foreign file was opened")
	}
	for _, m := range [][2]string{{"", ""}, {"x", "2026-11"}, {"312011", "2026"}} {
		if _, err := k.keys.Seal(io.Discard, m[0], m[1]); err == nil {
			t.Error("sealed for ", m)
		}
	}
}

// TestTwoProcessesMakeKeysBesideEachOther: a backup beside the service, both with
// the public half only, so that each needs keys of its own.
func TestTwoProcessesMakeKeysBesideEachOther(t *testing.T) {
	k := newKit(t, 22)
	public, err := Recipient(k.operator.Public())
	if err != nil {
		t.Fatal(err)
	}
	var out [8][]byte
	var wg sync.WaitGroup
	for i := range out {
		keys, err := OpenKeys(k.keys.dir, public)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { out[i] = sealed(t, keys, []byte{byte(i)}, "312011", "2026-11") })
	}
	wg.Wait()
	for i, b := range out {
		if got, err := opened(k.keys, b); err != nil || len(got) != 1 || int(got[0]) != i {
			t.Errorf("%d: %v %v", i, got, err)
		}
	}
}

// TestAFrameOfTheLastMinutesOfAMonthGoesWithIt though its day was closed when it
// was taken on, and it stands in the next month's files.
func TestAFrameOfTheLastMinutesOfAMonthGoesWithIt(t *testing.T) {
	k := newKit(t, 23)
	k.now = time.Date(2026, 12, 1, 9, 0, 0, 0, calendar.JST())
	k.step()
	f := k.frame("312011", "fw")
	f.At = time.Date(2026, 11, 30, 23, 59, 0, 0, calendar.JST())
	k.append(f, k.frame("312011", "fw"))
	if _, err := k.keys.Destroy("312011", "2026-11"); err != nil {
		t.Fatal(err)
	}
	k.reopen()
	if r := k.verify(Check{Keys: k.keys}); !r.Whole() || r.Unopened[ErrErased.Error()] != 1 || r.Opened != 1 {
		t.Fatalf("%+v", r)
	}
}
