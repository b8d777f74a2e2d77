package care

import (
	"encoding/json"
	"fmt"
)

// Ask is a collector's wish to send frames that an outage held up. Last is the
// number, in the prefecture's stream, of the last one it sent since its last
// turn; 0 where it sent none.
type Ask struct {
	Last uint64 `json:"last,omitempty"`
}

// Turn answers an Ask once the prefecture has time: how many bytes of frames the
// collector may send before it asks again. The last of them may go beyond.
type Turn struct {
	Bytes int `json:"bytes"`
}

// mostTurn bounds what a collector believes.
const mostTurn = 64 << 20

// ParseTurn reads an answer.
func ParseTurn(b []byte) (Turn, error) {
	var t Turn
	if err := json.Unmarshal(b, &t); err != nil {
		return Turn{}, fmt.Errorf("care: turn: %w", err)
	}
	if t.Bytes < 1 || t.Bytes > mostTurn {
		return Turn{}, fmt.Errorf("care: turn: %d bytes", t.Bytes)
	}
	return t, nil
}
