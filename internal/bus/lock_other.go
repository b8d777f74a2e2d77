//go:build !unix && !windows

package bus

// lockDir does nothing on this system: the service manager starts one process.
func lockDir(string) (unlock func(), err error) { return func() {}, nil }
