package demo

import (
	"context"
	"encoding/json"
	"time"

	"mimamori/internal/bus"
)

// beatEvery is how often the demo's collectors say how they are: more often
// than real ones, so that the console shows it soon.
const beatEvery = 5 * time.Second

// beats sends the town's heartbeats until ctx ends.
func (t *town) beats(ctx context.Context) error {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		b, err := json.Marshal(t.col.Heartbeat())
		if err != nil {
			return err
		}
		ask, cancel := context.WithTimeout(ctx, beatEvery)
		_, _ = t.line.Request(ask, bus.CareSubject(t.Code, t.Host), b) // the next one tells more
		cancel()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
