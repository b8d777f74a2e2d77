package archive

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"mimamori/internal/whole"
)

const (
	keySuffix    = ".key"
	erasedSuffix = ".erased"
	keyTitle     = "mimamori archive key v1"
	keyBytes     = 32
	maxKeyFile   = 64 << 10
)

// Keys are the data keys of an archive: a folder of files, each one key wrapped
// by the operator's, CODE-YYYY-MM.N.key. That folder and copies of it are the
// only places where they are. A month has a second key when the service started
// anew with the public half of the operator's key, and so can't read the first.
type Keys struct {
	dir      string
	operator Operator

	mu      sync.Mutex
	current map[period]uint64 // number of the key that new frames get
	open    map[keyName]cipher.AEAD
}

// period is what one Destroy erases.
type period struct{ municipality, month string }

type keyName struct {
	period
	number uint64
}

func (n keyName) file() string {
	return fmt.Sprintf("%s-%s.%d%s", n.municipality, n.month, n.number, keySuffix)
}

// label binds a key to its place: it is wrapped with the key.
func (n keyName) label() string {
	return fmt.Sprintf("%s\n%s %s %d\n", keyTitle, n.municipality, n.month, n.number)
}

// OpenKeys makes the folder if need be. Without an operator only Erased works.
func OpenKeys(dir string, operator Operator) (*Keys, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("archive: keys: %w", err)
	}
	return &Keys{dir: dir, operator: operator, current: map[period]uint64{}, open: map[keyName]cipher.AEAD{}}, nil
}

// forWriting is the key for new frames, and its number. It is on disk.
func (k *Keys) forWriting(p period) (cipher.AEAD, uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if n, ok := k.current[p]; ok {
		return k.open[keyName{p, n}], n, nil
	}
	newest, err := k.newest(p)
	if err != nil {
		return nil, 0, err
	}
	if newest > 0 {
		aead, err := k.read(keyName{p, newest})
		if err == nil {
			k.current[p] = newest
			return aead, newest, nil
		}
		if !errors.Is(err, ErrLocked) && !errors.Is(err, ErrErased) && !errors.Is(err, errReserved) {
			return nil, 0, err
		}
	}
	return k.make(keyName{p, newest + 1})
}

// errReserved is a number that another process took just now, or one that
// ended before it had written the key.
var errReserved = errors.New("the key's file is empty: another process is writing it, or ended before it could")

// newest is the highest number that a month ever had, 0 for none.
func (k *Keys) newest(p period) (uint64, error) {
	names, err := filepath.Glob(filepath.Join(k.dir, p.municipality+"-"+p.month+".*"+keySuffix))
	if err != nil {
		return 0, fmt.Errorf("archive: keys: %w", err)
	}
	newest, err := k.erasedTo(p)
	for _, name := range names {
		parts := strings.Split(filepath.Base(name), ".")
		if n, err := strconv.ParseUint(parts[1], 10, 64); err == nil && len(parts) == 3 {
			newest = max(newest, n)
		}
	}
	return newest, err
}

// make draws a key and keeps it; mu is held.
func (k *Keys) make(n keyName) (cipher.AEAD, uint64, error) {
	key := make([]byte, keyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, 0, fmt.Errorf("archive: %w", err)
	}
	if k.operator == nil {
		return nil, 0, ErrLocked
	}
	n, err := k.reserve(n)
	if err != nil {
		return nil, 0, fmt.Errorf("archive: keys: %w", err)
	}
	wrapped, err := k.operator.Wrap([]byte(n.label() + hex.EncodeToString(key) + "\n"))
	if err != nil {
		return nil, 0, err
	}
	if err := whole.Bytes(filepath.Join(k.dir, n.file()), wrapped); err != nil {
		return nil, 0, fmt.Errorf("archive: keys: %w", err)
	}
	aead, err := newAEAD(key)
	if err == nil {
		k.open[n], k.current[n.period] = aead, n.number
	}
	return aead, n.number, err
}

// reserve takes the first number from n on that nobody has: a backup makes keys
// beside the service.
func (k *Keys) reserve(n keyName) (keyName, error) {
	for ; ; n.number++ {
		f, err := os.OpenFile(filepath.Join(k.dir, n.file()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			err = f.Close()
		}
		return n, err //nolint:wrapcheck // make does
	}
}

// forReading is the key of an entry. The error wraps ErrErased, ErrNoKey or
// ErrLocked.
func (k *Keys) forReading(e *Entry) (cipher.AEAD, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.read(keyName{period{e.Municipality, e.Month()}, e.Key})
}

func (k *Keys) read(n keyName) (cipher.AEAD, error) {
	if aead, ok := k.open[n]; ok {
		return aead, nil
	}
	wrapped, err := os.ReadFile(filepath.Join(k.dir, n.file()))
	if errors.Is(err, fs.ErrNotExist) {
		to, err := k.erasedTo(n.period)
		if err == nil && n.number <= to {
			err = fmt.Errorf("%w: %s %s", ErrErased, n.municipality, n.month)
		} else if err == nil {
			err = fmt.Errorf("%w: %s", ErrNoKey, filepath.Join(k.dir, n.file()))
		}
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("archive: keys: %w", err)
	}
	if len(wrapped) == 0 {
		return nil, fmt.Errorf("%s: %w", n.file(), errReserved)
	}
	if k.operator == nil {
		return nil, ErrLocked
	}
	plain, err := k.operator.Unwrap(wrapped)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.file(), err)
	}
	key, err := parseKey(string(plain), n)
	if err != nil {
		return nil, err
	}
	aead, err := newAEAD(key)
	if err == nil {
		k.open[n] = aead
	}
	return aead, err
}

// parseKey reads what was wrapped, which must be the key of that name.
func parseKey(plain string, n keyName) ([]byte, error) {
	text, ok := strings.CutPrefix(plain, n.label())
	key, err := hex.DecodeString(strings.TrimSuffix(text, "\n"))
	if !ok || err != nil || len(key) != keyBytes {
		return nil, fmt.Errorf("%w: %s does not hold the key that its name says", ErrMalformed, n.file())
	}
	return key, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return aead, nil
}
