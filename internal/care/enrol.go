package care

import (
	"crypto/ed25519"
	"errors"
	"fmt"
)

const (
	holderDomain = "mimamori enrol: I hold the invitation v1\x00"
	keyDomain    = "mimamori enrol: I hold the key v1\x00"
)

// ErrProof says that who asks for enrolment does not hold the keys it names.
var ErrProof = errors.New("the request for enrolment is not signed by its keys")

// Request asks for enrolment. The new key never leaves the collector: Proof
// shows that it is there.
type Request struct {
	Invitation string `json:"invitation"`
	Public     string `json:"public"` // the collector's own NKey
	Holder     []byte `json:"holder"` // signature by the invitation's key
	Proof      []byte `json:"proof"`  // signature by the collector's own key
}

// NewRequest signs a request with the invitation's key and the collector's own.
func NewRequest(invitation, public string, holder, own ed25519.PrivateKey) Request {
	r := Request{Invitation: invitation, Public: public}
	r.Holder = ed25519.Sign(holder, r.bytes(holderDomain))
	r.Proof = ed25519.Sign(own, r.bytes(keyDomain))
	return r
}

// ParseRequest reads a request for enrolment.
func ParseRequest(b []byte) (Request, error) {
	var r Request
	if len(b) > 4096 {
		return r, fmt.Errorf("%w: %d bytes", ErrProof, len(b))
	}
	if err := strict(b, &r); err != nil {
		return Request{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	return r, nil
}

// Verify checks both signatures; the error is ErrProof.
func (r Request) Verify(holder, own ed25519.PublicKey) error {
	if !ed25519.Verify(holder, r.bytes(holderDomain), r.Holder) || !ed25519.Verify(own, r.bytes(keyDomain), r.Proof) {
		return ErrProof
	}
	return nil
}

func (r Request) bytes(domain string) []byte {
	return []byte(domain + r.Invitation + "\x00" + r.Public)
}

// Welcome answers a request for enrolment.
type Welcome struct {
	Refused string `json:"refused,omitempty"` // why not, for a person
	After   uint64 `json:"after"`             // orders up to this version are of the past
}
