//go:build unix

package lock

import (
	"os"
	"syscall"
)

func hold(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
