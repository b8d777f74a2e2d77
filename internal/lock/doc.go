// Package lock keeps a second process out of a folder. It does not wait: a
// folder that is in use is an error at once. The system lifts the lock when the
// process ends, however it does.
package lock

import "errors"

// ErrHeld is wrapped by Dir's error when another process works in the folder.
var ErrHeld = errors.New("another process works")
