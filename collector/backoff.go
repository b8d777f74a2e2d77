package collector

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff waits longer each time, with jitter, so that many collectors do not
// come back at once.
type backoff struct {
	least, most time.Duration
	next        time.Duration
}

// wait pauses; false when ctx ends first.
func (b *backoff) wait(ctx context.Context) bool {
	b.next = min(max(2*b.next, b.least), b.most)
	return wait(ctx, b.next/2+rand.N(b.next/2+1)) //nolint:gosec // jitter, no secret
}

// reset makes the next pause a short one.
func (b *backoff) reset() { b.next = 0 }
