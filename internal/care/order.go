package care

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// MaxOrder is the largest sealed order, in bytes.
const MaxOrder = 1 << 20

// orderDomain keeps a signature on an order from passing for one on anything else.
const orderDomain = "mimamori order v1\x00"

// ErrOrder says that bytes are no order of this prefecture.
var ErrOrder = errors.New("this is no order of the prefecture")

// Order is a configuration that the prefecture signs for one collector.
type Order struct {
	Collector    string    `json:"collector"`
	Municipality string    `json:"municipality"`
	Version      uint64    `json:"version"` // from 1, rises with every order for this collector
	Issued       time.Time `json:"issued"`
	Text         string    `json:"text"` // the configuration as YAML
}

// Seal signs the order: 64 bytes of Ed25519 signature, then the order as JSON.
func (o Order) Seal(key ed25519.PrivateKey) ([]byte, error) {
	payload, err := json.Marshal(o)
	if err == nil {
		err = o.check()
	}
	if err == nil && len(payload)+ed25519.SignatureSize > MaxOrder {
		err = fmt.Errorf("%d bytes: an order has at most %d", len(payload), MaxOrder)
	}
	if err != nil {
		return nil, fmt.Errorf("order: %w", err)
	}
	return append(ed25519.Sign(key, append([]byte(orderDomain), payload...)), payload...), nil
}

// Open reads a sealed order that key has signed. Any error wraps ErrOrder.
// Whether the order is for the reader, and newer, is the reader's to check.
func Open(sealed []byte, key ed25519.PublicKey) (Order, error) {
	var o Order
	if len(key) != ed25519.PublicKeySize || len(sealed) <= ed25519.SignatureSize || len(sealed) > MaxOrder {
		return o, fmt.Errorf("%w: %d bytes", ErrOrder, len(sealed))
	}
	signature, payload := sealed[:ed25519.SignatureSize], sealed[ed25519.SignatureSize:]
	if !ed25519.Verify(key, append([]byte(orderDomain), payload...), signature) {
		return o, fmt.Errorf("%w: the signature is not by its key", ErrOrder)
	}
	if err := strict(payload, &o); err != nil {
		return Order{}, fmt.Errorf("%w: %w", ErrOrder, err)
	}
	if err := o.check(); err != nil {
		return Order{}, fmt.Errorf("%w: %w", ErrOrder, err)
	}
	return o, nil
}

func (o *Order) check() error {
	if o.Collector == "" || o.Municipality == "" || o.Version == 0 || o.Issued.IsZero() {
		return errors.New("collector, municipality, version and time of issue must be there")
	}
	return nil
}

// strict reads one JSON object, whose keys must all be known, and nothing after it.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return nil
}
