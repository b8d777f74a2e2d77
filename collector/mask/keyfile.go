package mask

import (
	"bytes"
	"crypto/rand"
	hexenc "encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"mimamori/internal/whole"
)

// KeySize is the size of a town's key in bytes.
const KeySize = 32

var errKey = errors.New("it does not hold a key of 64 hexadecimal digits")

// LoadOrMakeKey reads the town's key at path, or makes one there that only its
// owner can read. It is a line of 64 hexadecimal digits. Copy it to the town's
// other collectors before they start, so that equal numbers get equal
// pseudonyms in all of them; give it to nobody else.
func LoadOrMakeKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("mask: key: %w", err)
	}
	key, err := hexenc.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) != KeySize {
		return nil, fmt.Errorf("mask: key: %s: %w; restore it from another collector of the town, or remove it to have a new one made (numbers then get other pseudonyms)", path, errKey)
	}
	return key, nil
}

// makeKey writes a new key, whole or not at all.
func makeKey(path string) ([]byte, error) {
	key := make([]byte, KeySize)
	rand.Read(key) // never fails
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("mask: key: %w", err)
	}
	if err := whole.Bytes(path, []byte(hexenc.EncodeToString(key)+"\n")); err != nil {
		return nil, fmt.Errorf("mask: key: %w", err)
	}
	return key, nil
}
