package cli

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// TestTheLimitFollowsWhatIsInUse: with more in use than the limit, garbage would
// be collected without end.
func TestTheLimitFollowsWhatIsInUse(t *testing.T) {
	was := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(was) })
	const held = 64 << 20
	hold := make([]byte, held)
	defer limitMemory(held / 2)()
	for end := time.Now().Add(time.Minute); ; runtime.Gosched() {
		runtime.GC()
		limit := debug.SetMemoryLimit(-1)
		if limit >= 2*held {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the limit is %d bytes while %d are in use", limit, held)
		}
	}
	runtime.KeepAlive(hold)
}

func TestTheLimitOfTheEnvironmentStays(t *testing.T) {
	was := debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() { debug.SetMemoryLimit(was) })
	t.Setenv("GOMEMLIMIT", "1GiB")
	defer limitMemory(1 << 20)()
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		t.Errorf("%d bytes", limit)
	}
}
