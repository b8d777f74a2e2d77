// Package lock keeps a second process out of a folder. It does not wait: a
// folder that is in use is an error at once. The system lifts the lock when the
// process ends, however it does.
package lock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrHeld is wrapped by Dir's error when another process works in the folder.
var ErrHeld = errors.New("another process works")

// Dir makes the folder if need be and locks it until unlock is called.
func Dir(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := hold(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%w in %s: end it first, or choose another data folder: %w", ErrHeld, dir, err), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing lifts the lock
}
