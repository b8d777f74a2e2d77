package bus

import (
	"context"
	"sync"
	"time"
)

// Bucket lets so many bytes a second pass, smoothly: it never saves up more
// than a twentieth of a second. It is safe for concurrent use.
type Bucket struct {
	rate float64 // bytes a second

	mu   sync.Mutex
	next time.Time // when all that was taken has passed
}

// NewBucket makes a bucket; nil, which lets everything pass, for a rate of 0.
func NewBucket(rate float64) *Bucket {
	if rate <= 0 {
		return nil
	}
	return &Bucket{rate: rate}
}

// reserve takes n bytes and says how long to wait before they may go.
func (b *Bucket) reserve(n int) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if idle := now.Add(-time.Second / 20); b.next.Before(idle) {
		b.next = idle
	}
	wait := b.next.Sub(now)
	b.next = b.next.Add(time.Duration(float64(n) / b.rate * float64(time.Second)))
	return max(wait, 0)
}

// Wait takes n bytes and waits until they may go; false when ctx ends first.
func (b *Bucket) Wait(ctx context.Context, n int) bool {
	if b == nil {
		return true
	}
	t := time.NewTimer(b.reserve(n))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// take is Wait without an end but its own.
func (b *Bucket) take(n int) { b.Wait(context.Background(), n) }
