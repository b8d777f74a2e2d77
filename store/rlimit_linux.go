package store

import "syscall"

// boundMemory limits what this process may allocate; beyond it, allocations fail.
func boundMemory(bytes uint64) error {
	const data = syscall.RLIMIT_DATA
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return err
	}
	return syscall.Setrlimit(data, &syscall.Rlimit{Cur: bytes, Max: bytes})
}
