package bus

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nats-io/nkeys"

	"mimamori/internal/whole"
)

// Key is an NKey: the Ed25519 key pair by which a collector connects and signs.
type Key struct {
	pair   nkeys.KeyPair
	public string
	seed   []byte
}

// NewKey makes a fresh user key.
func NewKey() (*Key, error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, fmt.Errorf("bus: new key: %w", err)
	}
	seed, err := pair.Seed()
	if err != nil {
		return nil, fmt.Errorf("bus: new key: %w", err)
	}
	return parseSeed(seed)
}

// ParseKey reads a key from its seed as Seed spells it.
func ParseKey(seed string) (*Key, error) { return parseSeed([]byte(seed)) }

func parseSeed(seed []byte) (*Key, error) {
	pair, err := nkeys.FromSeed(seed)
	if err != nil {
		return nil, fmt.Errorf("bus: key: %w", err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("bus: key: %w", err)
	}
	return &Key{pair, public, seed}, nil
}

// LoadKey reads a key that Save wrote. The error wraps fs.ErrNotExist where
// there is no file.
func LoadKey(path string) (*Key, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("bus: key: %w", err)
	}
	k, err := parseSeed(bytes.TrimSpace(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// Save writes the key's seed, readable by its owner alone, whole or not at all.
func (k *Key) Save(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("bus: key: %w", err)
	}
	if err := whole.Bytes(path, append(bytes.Clone(k.seed), '\n')); err != nil {
		return fmt.Errorf("bus: key: %w", err)
	}
	return nil
}

// LoadOrMakeKey reads the key at path, or makes one there.
func LoadOrMakeKey(path string) (*Key, error) {
	if _, err := os.Stat(path); err == nil {
		return LoadKey(path)
	}
	k, err := NewKey()
	if err != nil {
		return nil, err
	}
	return k, k.Save(path)
}

// Seed returns the secret as NATS spells it: SU and 56 characters.
func (k *Key) Seed() string { return string(k.seed) }

// Public returns the public key as NATS spells it: U and 55 characters.
func (k *Key) Public() string { return k.public }

// Private returns the key for signing frames.
func (k *Key) Private() ed25519.PrivateKey {
	_, raw, err := nkeys.DecodeSeed(k.seed)
	if err != nil { // the seed was checked when the key was made
		panic(err)
	}
	return ed25519.NewKeyFromSeed(raw)
}

// ParsePublic reads a public key as Public spells it.
func ParsePublic(s string) (ed25519.PublicKey, error) {
	raw, err := nkeys.Decode(nkeys.PrefixByteUser, []byte(s))
	if err != nil {
		return nil, fmt.Errorf("bus: %q is no public user key (U…): %w", s, err)
	}
	return ed25519.PublicKey(raw), nil
}
