//go:build !unix && !windows

package lock

import "os"

// hold does nothing on this system: the service manager starts one process.
func hold(*os.File) error { return nil }
