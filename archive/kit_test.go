package archive

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"mimamori/frame"
	"mimamori/internal/calendar"
)

var signKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))

// kit is an archive whose clock the test moves.
type kit struct {
	t        testing.TB
	dir      string
	now      time.Time
	operator *Age
	keys     *Keys
	a        *Archive
	writers  map[string]*frame.Writer
	rnd      *rand.Rand
	sent     map[string][]byte // frames by identity
	log      *bytes.Buffer
}

func newKit(t testing.TB, seed uint64) *kit {
	t.Helper()
	k := &kit{
		t: t, dir: t.TempDir(), now: time.Date(2026, 11, 22, 10, 0, 0, 0, calendar.JST()),
		writers: map[string]*frame.Writer{}, rnd: rand.New(rand.NewPCG(seed, 1)), sent: map[string][]byte{}, log: &bytes.Buffer{},
	}
	var err error
	if k.operator, err = LoadOrMakeOperator(filepath.Join(k.dir, "archive.key"), nil); err != nil {
		t.Fatal(err)
	}
	k.open()
	t.Cleanup(func() { k.a.Close() })
	return k
}

func (k *kit) folder() string { return filepath.Join(k.dir, "archive") }

func (k *kit) open() {
	k.t.Helper()
	var err error
	if k.keys, err = OpenKeys(filepath.Join(k.dir, "keys"), k.operator); err != nil {
		k.t.Fatal(err)
	}
	k.a, err = Open(Config{Dir: k.folder(), Keys: k.keys, Sign: signKey, Now: func() time.Time { return k.now }, Log: slog.New(slog.NewTextHandler(io.MultiWriter(k.log), nil))})
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k *kit) reopen() {
	k.t.Helper()
	if err := k.a.Close(); err != nil {
		k.t.Fatal(err)
	}
	k.open()
}

func collectorKey(id string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(bytes.Repeat([]byte{1}, ed25519.SeedSize-len(id)), id...))
}

// frame seals a few lines of one source of a town.
func (k *kit) frame(town, source string) Arrival {
	k.t.Helper()
	id := "col-" + town
	w := k.writers[town+source]
	if w == nil {
		var err error
		w, err = frame.NewWriter(frame.Header{Collector: id, Municipality: town, Zone: "internet", Source: source, Epoch: 7}, collectorKey(id))
		if err != nil {
			k.t.Fatal(err)
		}
		k.writers[town+source] = w
	}
	for range 1 + k.rnd.IntN(5) {
		w.Add(&frame.Record{Line: fmt.Sprintf("line %x of %s", k.rnd.Uint64(), source), Received: k.now.UnixMicro(), Peer: "192.0.2.1", Input: "file"})
	}
	f, err := w.Seal()
	if err != nil {
		k.t.Fatal(err)
	}
	k.sent[identity(f)] = f.Bytes
	return Arrival{f, k.now, collectorKey(id).Public().(ed25519.PublicKey)}
}

func identity(f *frame.Frame) string {
	return fmt.Sprintf("%s/%s/%d/%d-%d/%d", f.Collector, f.Source, f.Epoch, f.First, f.Last(), f.Kind)
}

func (k *kit) append(frames ...Arrival) {
	k.t.Helper()
	if err := k.a.Append(k.t.Context(), frames); err != nil {
		k.t.Fatal(err)
	}
}

// fill writes some commits of two towns on each of several days, and ends them.
func (k *kit) fill(days, commits int) {
	k.t.Helper()
	for range days {
		for range commits {
			var group []Arrival
			for _, town := range []string{"312011", "313025"} {
				for _, source := range []string{"fw", "proxy"} {
					group = append(group, k.frame(town, source))
				}
			}
			k.append(group...)
			k.now = k.now.Add(time.Minute)
		}
		k.now = k.now.AddDate(0, 0, 1)
		k.step()
	}
}

func (k *kit) step() {
	k.t.Helper()
	if err := k.a.step(); err != nil {
		k.t.Fatal(err)
	}
}

func (k *kit) verify(c Check) *Report {
	k.t.Helper()
	if c.Dir == "" {
		c.Dir = k.folder()
	}
	r, err := Verify(k.t.Context(), c)
	if err != nil {
		k.t.Fatal(err)
	}
	return r
}

// anchor is a head made now.
func (k *kit) anchor() []byte {
	k.t.Helper()
	text, err := SignHead(k.folder(), signKey, k.now)
	if err != nil {
		k.t.Fatal(err)
	}
	return text
}

// stored reads every frame that is in files by day.
func (k *kit) stored() map[string][]byte {
	k.t.Helper()
	out := map[string][]byte{}
	names, _ := filepath.Glob(filepath.Join(k.folder(), "*", "*"+framesSuffix))
	for _, name := range names {
		bad, err := scanFile(name, func(e *Entry, sealed []byte) error {
			aead, err := k.keys.forReading(e)
			if err != nil {
				return err
			}
			plain, err := e.open(sealed, aead)
			if err != nil {
				return err
			}
			f, err := frame.Parse(plain)
			if err != nil {
				return err
			}
			if _, twice := out[identity(f)]; twice {
				k.t.Errorf("%s is there twice", identity(f))
			}
			out[identity(f)] = slices.Clone(plain)
			return e.fits(f)
		})
		if err != nil || len(bad) > 0 {
			k.t.Fatal(name, bad, err)
		}
	}
	return out
}

func (k *kit) same() {
	k.t.Helper()
	have := k.stored()
	for id, b := range k.sent {
		if !bytes.Equal(have[id], b) {
			k.t.Errorf("%s is lost or changed", id)
		}
	}
	if len(have) != len(k.sent) {
		k.t.Errorf("%d frames stored, %d sent", len(have), len(k.sent))
	}
}

func (k *kit) read(name string) []byte {
	k.t.Helper()
	b, err := os.ReadFile(filepath.Join(k.folder(), filepath.FromSlash(name)))
	if err != nil {
		k.t.Fatal(err)
	}
	return b
}
