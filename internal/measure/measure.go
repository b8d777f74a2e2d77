// Package measure reads what this process has used, as the kernel counts it.
// It never blocks.
package measure

import "time"

// Use is CPU time and wall time spent between two moments.
type Use struct {
	CPU  time.Duration
	Wall time.Duration
}

// Start begins a measurement; call the result to end it.
func Start() func() Use {
	cpu, wall := CPU(), time.Now()
	return func() Use { return Use{CPU() - cpu, time.Since(wall)} }
}
