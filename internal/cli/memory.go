package cli

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// memoryLimit is what the collector of garbage works towards. It bounds bursts,
// not what is really in use.
const memoryLimit = 700 << 20

// limitMemory sets the limit, at least as many bytes, until stop is called, but
// where GOMEMLIMIT in the environment does. A limit that stays while more and more
// is in use would at last have half of the processors collect garbage.
func limitMemory(least int64) (stop func()) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	debug.SetMemoryLimit(least)
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for set := least; ; {
			select {
			case <-tick.C:
			case <-end:
				return
			}
			if limit := max(least, 2*inUse()); limit != set {
				debug.SetMemoryLimit(limit)
				set = limit
			}
		}
	})
	return func() {
		close(end)
		wg.Wait()
	}
}

// inUse is how many bytes were in use when garbage was last collected.
func inUse() int64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return int64(live[0].Value.Uint64())
}
