//go:build !windows

package collector

import "os"

// openShared opens a file so that its writer may rename and delete it.
func openShared(path string) (*os.File, error) { return os.Open(path) }
