package care

import (
	"encoding/json"
	"fmt"
)

// MaxHeartbeat is the largest heartbeat, in bytes.
const MaxHeartbeat = 1 << 20

// ParseHeartbeat reads a heartbeat. Keys that a younger collector may have
// added are ignored.
func ParseHeartbeat(b []byte) (Heartbeat, error) {
	var h Heartbeat
	if len(b) > MaxHeartbeat {
		return h, fmt.Errorf("heartbeat: %d bytes, at most %d", len(b), MaxHeartbeat)
	}
	if err := json.Unmarshal(b, &h); err != nil {
		return Heartbeat{}, fmt.Errorf("heartbeat: %w", err)
	}
	return h, nil
}
