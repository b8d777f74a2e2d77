package collector

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"mimamori/frame"
	"mimamori/internal/bus"
	"mimamori/internal/carry"
	"mimamori/internal/whole"
)

// Carry says how frames leave a zone that may have no line: as encrypted files
// in a folder, from which a data diode sends them or somebody takes them.
type Carry struct {
	Dir       string        `yaml:"dir"`       // folder of the files
	Recipient string        `yaml:"recipient"` // age1…: what mimamori ingest recipient prints at the prefecture
	Every     time.Duration `yaml:"every"`     // a file is closed after so long; default 10m
	MaxBytes  Size          `yaml:"max_bytes"` // or when its frames take so much; default 32MiB
	Keep      time.Duration `yaml:"keep"`      // exported files are kept for another export so long; default 720h
}

func (c Carry) withDefaults() Carry {
	if c.Every == 0 {
		c.Every = 10 * time.Minute
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 32 << 20
	}
	if c.Keep == 0 {
		c.Keep = 30 * 24 * time.Hour
	}
	return c
}

func (c *Carry) problem() *problem {
	switch {
	case c.Dir == "":
		return &problem{"$.carry", "carry.dir: there is no folder for the files", "such as dir: /var/spool/mimamori-carry"}
	case !strings.HasPrefix(c.Recipient, "age1"):
		return &problem{"$.carry", fmt.Sprintf("carry.recipient: %q is no recipient", c.Recipient), "mimamori ingest recipient prints it at the prefecture: age1…"}
	case c.Every < time.Second || c.Every > 24*time.Hour:
		return &problem{"$.carry.every", fmt.Sprintf("carry.every: %s is out of range", c.Every), "use 1s to 24h"}
	case c.MaxBytes < 1<<20 || c.MaxBytes > carry.MaxFile/2:
		return &problem{"$.carry.max_bytes", fmt.Sprintf("carry.max_bytes: %s is out of range", c.MaxBytes), "use 1MiB to 128MiB"}
	}
	return nil
}

// carrier is a Publisher for a zone without a line. A frame is durable when it
// is appended to the stage, a plain file in the data folder; the stage becomes
// an encrypted file when it is old or large enough. A crash in between may put
// a frame into two files, which does no harm.
type carrier struct {
	cfg   Config
	key   *bus.Key
	log   *slog.Logger
	now   func() time.Time
	stage string // folder

	mu     sync.Mutex
	file   *os.File
	number uint64
	bytes  int64
	began  time.Time // of the oldest frame in the stage
}

const stageName = "stage-%08d.frames"

// newCarrier prepares a carrier; it touches no file before the first frame or
// run, since another process may be at work.
func newCarrier(cfg Config, opts Options) *carrier {
	return &carrier{cfg: cfg, key: opts.Key, log: opts.Log, now: opts.Now, stage: filepath.Join(cfg.Data, "carry")}
}

// find makes the folders and finds the number to go on with.
func (c *carrier) find() error {
	for _, dir := range []string{c.stage, c.cfg.Carry.Dir, filepath.Join(c.cfg.Carry.Dir, exported)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("carry: %w", err)
		}
	}
	names, err := filepath.Glob(filepath.Join(c.stage, "stage-*.frames"))
	if err != nil {
		return fmt.Errorf("carry: %w", err)
	}
	c.number = 1
	if len(names) > 0 {
		if _, err := fmt.Sscanf(filepath.Base(names[len(names)-1]), stageName, &c.number); err != nil {
			return fmt.Errorf("carry: %s: %w", names[len(names)-1], err)
		}
	}
	return nil
}

// open opens the stage and cuts off a frame that was not whole.
func (c *carrier) open() error {
	if c.number == 0 {
		if err := c.find(); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(filepath.Join(c.stage, fmt.Sprintf(stageName, c.number)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("carry: %w", err)
	}
	whole := int64(0)
	err = eachStaged(f, func(b []byte) error { whole += 4 + int64(len(b)); return nil })
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("carry: %w", err), f.Close())
	}
	if c.file, c.bytes = f, whole; whole > 0 {
		c.began = c.now()
	}
	return nil
}

// eachStaged calls fn with the whole frames of a stage.
func eachStaged(r io.Reader, fn func([]byte) error) error {
	in := bufio.NewReaderSize(r, 256<<10)
	var size [4]byte
	for {
		if _, err := io.ReadFull(in, size[:]); err != nil {
			return nil //nolint:nilerr // the end, or a torn length
		}
		n := binary.BigEndian.Uint32(size[:])
		if n > frame.MaxFrame {
			return nil
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(in, b); err != nil {
			return nil //nolint:nilerr // torn
		}
		if _, err := frame.Parse(b); err != nil {
			return nil //nolint:nilerr // torn: what follows it was never acknowledged
		}
		if err := fn(b); err != nil {
			return err
		}
	}
}

// Publish appends a frame to the stage and returns when it is on disk. The
// sequence is of no meaning.
func (c *carrier) Publish(_ context.Context, _ string, data []byte) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		if err := c.open(); err != nil {
			return 0, err
		}
	}
	_, err := c.file.Write(append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(data)), uint32(len(data))), data...))
	if err == nil {
		err = c.file.Sync()
	}
	if err != nil { // what was written of it is cut off when the stage is opened again
		err = errors.Join(fmt.Errorf("carry: %w", err), c.file.Close())
		c.file = nil
		return 0, err
	}
	if c.bytes == 0 {
		c.began = c.now()
	}
	if c.bytes += int64(len(data)) + 4; c.bytes >= int64(c.cfg.Carry.MaxBytes) {
		c.tell(c.closeFile())
	}
	return 0, nil
}

// run closes files when they are old enough, and removes exported ones, until
// ctx ends; what is in the stage then stays there.
func (c *carrier) run(ctx context.Context) {
	c.mu.Lock()
	if c.file == nil {
		c.tell(c.open())
	}
	c.mu.Unlock()
	tick := time.NewTicker(min(c.cfg.Carry.Every/4, time.Minute))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		c.mu.Lock()
		if c.file != nil && c.bytes > 0 && c.now().Sub(c.began) >= c.cfg.Carry.Every {
			c.tell(c.closeFile())
		}
		c.mu.Unlock()
		c.tell(c.sweep())
	}
}

func (c *carrier) tell(err error) {
	if err != nil {
		c.log.Error("frames could not be put into a file to carry; they stay on disk, and it is tried again", "err", err)
	}
}

// finish closes the file that is begun.
func (c *carrier) finish() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		if err := c.open(); err != nil {
			return err
		}
	}
	if c.bytes == 0 {
		return nil
	}
	return c.closeFile()
}

// close leaves the stage as it is.
func (c *carrier) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file != nil {
		_ = c.file.Close() // every frame in it is on disk
		c.file = nil
	}
}

// closeFile makes an encrypted file of the stage and begins the next one.
func (c *carrier) closeFile() error {
	head := carry.Header{Collector: c.cfg.Collector, Municipality: c.cfg.Municipality, Number: c.number, Created: c.now()}
	if _, err := c.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("carry: %w", err)
	}
	err := writeCarried(filepath.Join(c.cfg.Carry.Dir, head.Name()), head, c.cfg.Carry.Recipient, c.file, c.key)
	if err != nil {
		_, serr := c.file.Seek(0, io.SeekEnd)
		return errors.Join(err, serr)
	}
	c.log.Info("a file is ready to be carried", "file", head.Name(), "bytes", c.bytes)
	old := c.file.Name()
	err = c.file.Close()
	c.number, c.bytes, c.file = c.number+1, 0, nil
	if oerr := c.open(); oerr != nil { // before the old one goes: its name is the number
		return errors.Join(err, oerr)
	}
	return errors.Join(err, os.Remove(old))
}

// writeCarried writes a file whole or not at all.
func writeCarried(path string, head carry.Header, recipient string, frames io.Reader, key *bus.Key) error {
	err := whole.Write(path, func(f io.Writer) error {
		out := bufio.NewWriterSize(f, 256<<10)
		w, err := carry.NewWriter(out, recipient, head)
		if err == nil {
			err = eachStaged(frames, w.Add)
		}
		if err == nil {
			err = w.Close(key.Private())
		}
		if err == nil {
			err = out.Flush()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("carry: %w", err)
	}
	return nil
}
