package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/frame"
	"mimamori/internal/bus"
	"mimamori/internal/carry"
)

// carried is a collector without a line, and the prefecture's identity.
func carried(t *testing.T, key *bus.Key) (Config, *carry.Identity) {
	t.Helper()
	dir := t.TempDir()
	id, err := carry.LoadOrMakeIdentity(filepath.Join(dir, "carry.key"))
	if err != nil {
		t.Fatal(err)
	}
	keyFile := filepath.Join(dir, "collector.nk")
	if err := key.Save(keyFile); err != nil {
		t.Fatal(err)
	}
	return Config{
		Collector: "test", Municipality: "312011", Zone: "mynumber", Data: filepath.Join(dir, "data"), Key: keyFile,
		Carry:  Carry{Dir: filepath.Join(dir, "out"), Recipient: id.Recipient(), Every: time.Second, MaxBytes: 1 << 20},
		Inputs: []Input{{Source: "file", Type: "file", Paths: []string{filepath.Join(dir, "a.log")}}},
	}.withDefaults(), id
}

// unpackFiles reads the lines of carried files; a record that is in two of them
// counts once.
func unpackFiles(t *testing.T, id *carry.Identity, key *bus.Key, paths []string) (lines []string, again int) {
	t.Helper()
	u, err := frame.NewUnpacker()
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	next := uint64(1)
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		r, err := carry.NewReader(bytes.NewReader(b), id)
		if err != nil {
			t.Fatal(err)
		}
		for {
			data, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			f, err := frame.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			if f.First < next {
				again++
				continue
			}
			if f.First != next {
				t.Fatalf("frame %d after %d", f.First, next-1)
			}
			recs, err := u.Unpack(f, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range recs {
				lines = append(lines, strings.Clone(rec.Line))
			}
			next = f.Last() + 1
		}
		public, err := bus.ParsePublic(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Verify(public); err != nil {
			t.Error(err)
		}
	}
	return lines, again
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	out, err := filepath.Glob(filepath.Join(dir, "*"+carry.Suffix))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWithoutALineFramesLeaveAsFiles(t *testing.T) {
	key := newKey(t)
	cfg, id := carried(t, key)
	var want []string
	write := func(n int) {
		t.Helper()
		f, err := os.OpenFile(cfg.Inputs[0].Paths[0], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for range n {
			want = append(want, fmt.Sprintf("line %d", len(want)))
			fmt.Fprintln(f, want[len(want)-1])
		}
	}
	for round := range 3 {
		write(1000)
		c, err := New(cfg, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		tick := time.NewTicker(10 * time.Millisecond)
		for len(files(t, cfg.Carry.Dir)) <= round {
			select {
			case <-tick.C:
			case <-ctx.Done():
				t.Fatalf("no file in round %d", round)
			}
		}
		tick.Stop()
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	got, again := unpackFiles(t, id, key, files(t, cfg.Carry.Dir))
	sameLines(t, want, got)
	if again > 0 {
		t.Errorf("%d frames twice", again)
	}
}

func TestExportDrainsTheSpoolAndMayBeRepeated(t *testing.T) {
	key := newKey(t)
	cfg, id := carried(t, key)
	cfg.Carry.Every = time.Hour
	if err := os.WriteFile(cfg.Inputs[0].Paths[0], []byte("a\nb\nc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := New(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for c.Stats().Spooled == 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("nothing was spooled")
		}
	}
	if other, err := New(cfg, Options{}); err != nil {
		t.Fatal(err)
	} else if err := other.Drain(ctx); !errors.Is(err, bus.ErrLocked) {
		t.Errorf("drained beside a running collector: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if c, err = New(cfg, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := c.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	medium := t.TempDir()
	for _, again := range []bool{false, true} {
		names, err := cfg.Export(medium, again)
		if err != nil || len(names) != 1 {
			t.Fatalf("exported %v: %v", names, err)
		}
	}
	if names, err := cfg.Export(medium, false); err != nil || len(names) != 0 {
		t.Errorf("exported again unasked: %v, %v", names, err)
	}
	got, _ := unpackFiles(t, id, key, files(t, medium))
	sameLines(t, []string{"a", "b", "c"}, got)
}

func TestTornStageKeepsItsWholeFrames(t *testing.T) {
	key := newKey(t)
	cfg, id := carried(t, key)
	w, err := frame.NewWriter(frame.Header{Collector: "test", Municipality: "312011", Source: "file", Epoch: 1}, key.Private())
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{Key: key, Now: time.Now, Log: logger(t)}
	c := newCarrier(cfg, opts)
	for i := range 3 {
		w.Add(&frame.Record{Line: fmt.Sprint(i)})
		f, err := w.Seal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Publish(t.Context(), "", f.Bytes); err != nil {
			t.Fatal(err)
		}
	}
	name := c.file.Name()
	c.close()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, info.Size()-10); err != nil {
		t.Fatal(err)
	}
	again := newCarrier(cfg, opts)
	if err := again.finish(); err != nil {
		t.Fatal(err)
	}
	again.close()
	got, _ := unpackFiles(t, id, key, files(t, cfg.Carry.Dir))
	sameLines(t, []string{"0", "1"}, got)
}
