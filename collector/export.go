package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"mimamori/internal/carry"
	"mimamori/internal/whole"
)

// exported is the folder of files that were copied to a medium.
const exported = "exported"

// Export copies the files that wait to be carried into a folder, such as a
// mounted stick, and keeps them under "exported" for another export. again
// copies those too. It returns the names of the copies; files that were copied
// before an error are among them. Whether a collector runs does not matter.
func (c Config) Export(to string, again bool) ([]string, error) {
	if c.Carry.Dir == "" {
		return nil, errors.New("export: the configuration has no carry block, so this collector makes no files; with a line there is nothing to carry")
	}
	if info, err := os.Stat(to); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("export: %s is no folder; is the medium mounted?", to)
	}
	folders := []string{c.Carry.Dir}
	if again {
		folders = append(folders, filepath.Join(c.Carry.Dir, exported))
	}
	var out []string
	for _, dir := range folders {
		files, err := filepath.Glob(filepath.Join(dir, "*"+carry.Suffix))
		if err != nil {
			return out, fmt.Errorf("export: %w", err)
		}
		for _, path := range files {
			name := filepath.Base(path)
			if err := whole.Copy(path, filepath.Join(to, name)); err != nil {
				return out, fmt.Errorf("export: %w", err)
			}
			out = append(out, name)
			if dir == c.Carry.Dir {
				if err := os.Rename(path, filepath.Join(dir, exported, name)); err != nil {
					return out, fmt.Errorf("export: %w", err)
				}
			}
		}
	}
	return out, nil
}

// sweep removes exported files that were kept long enough.
func (c *carrier) sweep() error {
	files, err := filepath.Glob(filepath.Join(c.cfg.Carry.Dir, exported, "*"+carry.Suffix))
	if err != nil {
		return fmt.Errorf("carry: %w", err)
	}
	for _, path := range files {
		if info, err := os.Stat(path); err == nil && c.now().Sub(info.ModTime()) > c.cfg.Carry.Keep {
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("carry: %w", err)
			}
		}
	}
	return nil
}

// Drain puts all that waits in the spool into files to carry and closes them,
// and returns when nothing waits any more. It takes no new lines. The error
// wraps bus.ErrLocked where a collector runs, which does this by itself.
func (c *Collector) Drain(ctx context.Context) error {
	if c.carrier == nil {
		return errors.New("export: the configuration has no carry block")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, r := range c.sources {
		r.input = idle{}
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
		}
		select {
		case <-c.ready:
			if c.Stats().Queue == 0 {
				err := c.carrier.finish()
				cancel()
				return errors.Join(<-ended, err)
			}
		default:
		}
	}
}

// idle is an input that takes nothing.
type idle struct{}

func (idle) open(context.Context, state) (net.Addr, error) { return nil, nil }
func (idle) run(ctx context.Context)                       { <-ctx.Done() }
