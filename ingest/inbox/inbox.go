// Package inbox takes the files in which frames travel where there is no line
// (package carry) and publishes their frames to the stream, where they are
// accounted like all others: a file that comes twice, late or out of order does
// no harm, since the ledger knows each record.
//
// A file is looked at whole, signature included, before its first frame is
// published, and removed after its last one is durable; a crash in between only
// repeats it. One that cannot be trusted is kept in the folder "refused" with
// its reason. Under pressure it waits: files stay where they are.
package inbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"mimamori/frame"
	"mimamori/ingest"
	"mimamori/internal/bus"
	"mimamori/internal/carry"
)

const (
	journal = "carried.jsonl" // one line for each file that was taken or refused
	refused = "refused"
	look    = time.Second
)

// Taken is what became of one file.
type Taken struct {
	File   string    `json:"file"`
	SHA256 string    `json:"sha256"`
	At     time.Time `json:"at"`
	Bytes  int64     `json:"bytes"`

	Collector    string    `json:"collector,omitempty"`
	Municipality string    `json:"municipality,omitempty"`
	Number       uint64    `json:"number,omitempty"`
	Created      time.Time `json:"created,omitzero"`
	Frames       int       `json:"frames"`
	Records      uint64    `json:"records"`
	Again        bool      `json:"again,omitempty"`   // the same file came before
	Refused      string    `json:"refused,omitempty"` // why it was not taken
}

// Publisher puts a frame into the stream; nil means that it is durable.
type Publisher interface {
	Publish(ctx context.Context, subject string, data []byte) (uint64, error)
}

// Inbox takes files from a folder.
type Inbox struct {
	Dir        string
	Identity   *carry.Identity
	Collectors func(id string) (ingest.Collector, bool)
	Frames     Publisher
	Log        *slog.Logger
	Now        func() time.Time

	before map[string]bool // files that were taken, by their digest
}

// Run takes files until ctx ends. It returns an error only when it cannot work
// at all.
func (b *Inbox) Run(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(b.Dir, refused), 0o700); err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	list, err := Read(b.Dir)
	if err != nil {
		return err
	}
	b.before = map[string]bool{}
	for _, t := range list {
		b.before[t.SHA256] = b.before[t.SHA256] || t.Refused == ""
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		b.all(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// all takes what is there, by name: a collector's files in their order.
func (b *Inbox) all(ctx context.Context) {
	names, err := filepath.Glob(filepath.Join(b.Dir, "*"+carry.Suffix))
	if err != nil {
		b.Log.Error("inbox", "err", err)
	}
	slices.Sort(names)
	for _, path := range names {
		t, err := b.take(ctx, path)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = b.finish(path, t)
		}
		if err != nil {
			b.Log.Error("a carried file could not be taken; it is tried again", "file", filepath.Base(path), "err", err)
		}
	}
}

// errBad is a reason to refuse a file for good.
var errBad = errors.New("refused")

// take publishes a file's frames. The error means that it should be tried again.
func (b *Inbox) take(ctx context.Context, path string) (Taken, error) {
	t := Taken{File: filepath.Base(path), At: b.Now()}
	sum, size, err := digest(path)
	if err != nil {
		return t, err
	}
	t.SHA256, t.Bytes, t.Again = sum, size, b.before[sum]
	err = b.each(path, &t, func(*frame.Frame) error { return nil })
	if err == nil {
		err = b.each(path, &t, func(f *frame.Frame) error { return b.publish(ctx, f) })
	}
	if errors.Is(err, errBad) {
		t.Refused, t.Frames, t.Records = err.Error(), 0, 0
		return t, nil
	}
	return t, err
}

func digest(path string) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, fmt.Errorf("inbox: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return "", 0, fmt.Errorf("inbox: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}

// each reads a file to its end and calls fn with its frames. An error of the
// file wraps errBad.
func (b *Inbox) each(path string, t *Taken, fn func(*frame.Frame) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	defer f.Close()
	r, err := carry.NewReader(bufio.NewReaderSize(f, 256<<10), b.Identity)
	if err != nil {
		return fmt.Errorf("%w: %w", errBad, err)
	}
	t.Collector, t.Municipality, t.Number, t.Created, t.Frames, t.Records = r.Collector, r.Municipality, r.Number, r.Created, 0, 0
	c, ok := b.Collectors(r.Collector)
	if !ok || c.Municipality != r.Municipality {
		return fmt.Errorf("%w: collector %q of %s is not registered, or revoked", errBad, r.Collector, r.Municipality)
	}
	for {
		data, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		var fr *frame.Frame
		if err == nil {
			fr, err = frame.Parse(data)
		}
		if err == nil && (fr.Collector != r.Collector || fr.Municipality != r.Municipality) {
			err = fmt.Errorf("a frame of collector %q of %s in it", fr.Collector, fr.Municipality)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errBad, err)
		}
		if err := fn(fr); err != nil {
			return err
		}
		t.Frames++
		t.Records += uint64(fr.Count)
	}
	if err := r.Verify(c.Public); err != nil {
		return fmt.Errorf("%w: %w", errBad, err)
	}
	return nil
}

func (b *Inbox) publish(ctx context.Context, f *frame.Frame) error {
	_, err := b.Frames.Publish(ctx, bus.FrameSubject(f.Municipality, f.Collector, f.Source), f.Bytes)
	if err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	return nil
}

// finish notes what became of a file and removes it, or keeps it aside.
func (b *Inbox) finish(path string, t Taken) error {
	b.Log.Info("carried file", "file", t.File, "collector", t.Collector, "number", t.Number, "frames", t.Frames, "records", t.Records, "again", t.Again, "refused", t.Refused)
	line, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(b.Dir, journal), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	if t.Refused != "" {
		err = os.Rename(path, filepath.Join(b.Dir, refused, t.SHA256[:16]+"-"+t.File))
	} else {
		b.before[t.SHA256] = true
		err = os.Remove(path)
	}
	if err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	return nil
}

// Read lists what became of the files of a folder, oldest first.
func Read(dir string) ([]Taken, error) {
	b, err := os.ReadFile(filepath.Join(dir, journal))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("inbox: %w", err)
	}
	var out []Taken
	for line := range bytes.Lines(b) {
		var t Taken
		if json.Unmarshal(line, &t) == nil { // a torn last line was never whole: its file is taken again
			out = append(out, t)
		}
	}
	return out, nil
}

// Put copies a file into an inbox, whole or not at all.
func Put(dir, path string) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	in, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	defer in.Close()
	out, err := os.CreateTemp(dir, "put-*.tmp")
	if err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(out.Name())
		}
	}()
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err == nil {
		err = os.Rename(out.Name(), filepath.Join(dir, filepath.Base(path)))
	}
	if err != nil {
		return fmt.Errorf("inbox: %s: %w", path, err)
	}
	return nil
}
