//go:build !unix

package measure

import "time"

// CPU is not counted on this system.
func CPU() time.Duration { return 0 }

// MaxRSS is not counted on this system.
func MaxRSS() int64 { return 0 }

// FreeBytes can't be told on this system.
func FreeBytes(string) (int64, bool) { return 0, false }
