package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"mimamori/internal/whole"
)

// Sink is a second place for finished files: another disk, or an object store.
// Put keeps the file at path under name (312011/2026-11-22.frames), whole or not
// at all, and is harmless when it is there already. Names lists what is there.
type Sink interface {
	Put(ctx context.Context, name, path string) error
	Names(ctx context.Context) (map[string]bool, error)
}

// Folder is a sink on a disk of its own.
type Folder string

// Put copies.
func (f Folder) Put(_ context.Context, name, from string) error {
	to := filepath.Join(string(f), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return whole.Copy(from, to)
}

// Names lists the files.
func (f Folder) Names(context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	names, err := finished(string(f))
	for _, n := range names {
		if _, err := os.Stat(filepath.Join(string(f), filepath.FromSlash(n))); err == nil {
			out[n] = true
		}
	}
	return out, err
}

// finished lists the files of an archive that never change again, manifests
// behind what they speak of, heads last.
func finished(dir string) ([]string, error) {
	var out []string
	manifests, err := filepath.Glob(filepath.Join(dir, "[0-9]*", "*"+manifestSuffix))
	heads, errHeads := filepath.Glob(filepath.Join(dir, headsDir, "*"+headSuffix))
	certificates, errCertificates := filepath.Glob(filepath.Join(dir, erasuresDir, "*"+certificateSuffix))
	if err = errors.Join(err, errHeads, errCertificates); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	for _, m := range manifests {
		base := strings.TrimSuffix(path.Join(filepath.Base(filepath.Dir(m)), filepath.Base(m)), manifestSuffix)
		out = append(out, base+framesSuffix, base+indexSuffix, base+manifestSuffix)
	}
	for _, c := range certificates {
		out = append(out, path.Join(erasuresDir, filepath.Base(c)))
	}
	for _, h := range heads {
		out = append(out, path.Join(headsDir, filepath.Base(h)))
	}
	return append(out, publicFile), nil
}

// ship puts finished files into the sink that are not there. What fails is tried
// again at the next step.
func (a *Archive) ship(ctx context.Context) {
	if a.cfg.Sink == nil || ctx.Err() != nil {
		return
	}
	err := Ship(ctx, a.cfg.Dir, a.cfg.Sink)
	if err != nil && ctx.Err() == nil {
		a.cfg.Log.Error("archive: the second place refuses; trying again", "err", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		a.err = err
	}
}

// Ship puts every finished file of an archive that the sink lacks into it. It
// goes on past a file that fails, and returns what failed.
func Ship(ctx context.Context, dir string, sink Sink) error {
	names, err := finished(dir)
	if err != nil {
		return err
	}
	there, err := sink.Names(ctx)
	if err != nil {
		return fmt.Errorf("archive: listing the second place: %w", err)
	}
	var errs []error
	for _, name := range names {
		if !there[name] && ctx.Err() == nil {
			if err := sink.Put(ctx, name, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	return errors.Join(errs...)
}
