package archive

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"mimamori/internal/whole"
)

// LoadOrMakeSigner reads the key that signs, a seed in hex, or makes one there,
// readable by its owner alone.
func LoadOrMakeSigner(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("archive: signing key: %w", err)
		}
		return key, whole.Bytes(path, fmt.Appendf(nil, "%x\n", key.Seed()))
	}
	if err != nil {
		return nil, fmt.Errorf("archive: signing key: %w", err)
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("archive: %s holds no signing key (64 hexadecimal digits)", path)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
