package bus

import (
	"errors"
	"testing"
)

// TestWithoutALineTheErrorSaysSo: people read it on the collector's page.
func TestWithoutALineTheErrorSaysSo(t *testing.T) {
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Dial(t.Context(), DialConfig{URLs: []string{"nats://127.0.0.1:1"}, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Request(t.Context(), "care.312011.town", nil); !errors.Is(err, ErrOffline) {
		t.Errorf("request: %v", err)
	}
	if _, err := c.Publish(t.Context(), "frames.312011.town.fw", nil); !errors.Is(err, ErrOffline) {
		t.Errorf("publish: %v", err)
	}
	if _, err := c.Start(t.Context(), "frames.312011.town.fw", nil); !errors.Is(err, ErrOffline) {
		t.Errorf("start: %v", err)
	}
}
