//go:build !unix && !windows

package lock

// Dir does nothing on this system: the service manager starts one process.
func Dir(string) (unlock func(), err error) { return func() {}, nil }
