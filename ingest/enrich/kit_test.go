package enrich

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/event"
)

const code = "312011"

// kit is an enricher over files in a folder of its own.
type kit struct {
	t   testing.TB
	dir string
	log bytes.Buffer
	e   *Enricher
	s   *Session
	now time.Time
}

func newKit(t testing.TB) *kit {
	return &kit{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
}

// write writes a file; each write is a change, however fast they follow.
func (k *kit) write(name, text string) string {
	path := filepath.Join(k.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		k.t.Fatal(err)
	}
	k.now = k.now.Add(time.Second)
	if err := os.Chtimes(path, k.now, k.now); err != nil {
		k.t.Fatal(err)
	}
	return path
}

func (k *kit) open(zones map[string][]Network, f Files) {
	k.t.Helper()
	var err error
	k.e, err = New(Config{Zones: zones, Files: f, Log: slog.New(slog.NewTextHandler(&k.log, nil))})
	if err != nil {
		k.t.Fatal(err)
	}
	k.s = k.e.Session()
}

// event enriches fields, written name=value, for a place.
func (k *kit) event(o Origin, fields ...string) *event.Builder {
	k.t.Helper()
	x := new(event.Builder)
	for _, f := range fields {
		set(k.t, x, f)
	}
	if o.Received == 0 {
		o.Received = k.now.UnixNano()
	}
	k.s.Event(x, o)
	return x
}

func set(t testing.TB, x *event.Builder, text string) {
	t.Helper()
	name, value, _ := strings.Cut(text, "=")
	f, ok := event.Lookup(name)
	if !ok {
		t.Fatalf("no field %s", name)
	}
	switch f.Type() {
	case event.List:
		x.Set(f, event.Strings(strings.Split(value, ",")))
	case event.IP:
		x.Set(f, event.Addr(value))
	default:
		x.Set(f, event.String(value))
	}
}

// want compares fields, written name=value; name= is a field that must be absent.
func want(t testing.TB, x *event.Builder, fields ...string) {
	t.Helper()
	for _, text := range fields {
		name, value, _ := strings.Cut(text, "=")
		v, ok := x.Get(event.MustLookup(name))
		got := ""
		if ok {
			got = v.Text()
		}
		if got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

// reported tells whether the log has a text, and empties it.
func (k *kit) reported(text string) {
	k.t.Helper()
	if !strings.Contains(k.log.String(), text) {
		k.t.Errorf("the log does not say %q:\n%s", text, k.log.String())
	}
	k.log.Reset()
}
