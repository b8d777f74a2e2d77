//go:build !unix

package measure

import "time"

// CPU is not counted on this system.
func CPU() time.Duration { return 0 }

// MaxRSS is not counted on this system.
func MaxRSS() int64 { return 0 }
