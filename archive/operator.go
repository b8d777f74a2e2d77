package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"filippo.io/age"

	"mimamori/internal/whole"
)

// Operator is the key that a person holds and that data keys are wrapped by.
// Age is one; a smart card or HSM (PKCS#11) is another implementation, which
// encrypts and decrypts some 100 bytes.
type Operator interface {
	Wrap(plain []byte) ([]byte, error)
	Unwrap(wrapped []byte) ([]byte, error) // ErrLocked without the secret half
}

// Age wraps by age (X25519), so that wrapped keys are ordinary age files. It may
// hold the public half only.
type Age struct {
	to age.Recipient
	id age.Identity // nil without the secret half
}

// Recipient is an operator whose secret half is elsewhere: age1….
func Recipient(text string) (*Age, error) {
	to, err := age.ParseX25519Recipient(strings.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("archive: %.80q is no recipient (age1…): %w", text, err)
	}
	return &Age{to: to}, nil
}

// Identity is an operator with its secret half, from the text of a key file:
// AGE-SECRET-KEY-1…, or the same encrypted by a passphrase as age -p does, for
// which passphrase is asked.
func Identity(text []byte, passphrase func() (string, error)) (*Age, error) {
	if bytes.HasPrefix(text, []byte("age-encryption.org/")) {
		secret, err := passphrase()
		if err != nil {
			return nil, err
		}
		by, err := age.NewScryptIdentity(secret)
		if err != nil {
			return nil, fmt.Errorf("archive: passphrase: %w", err)
		}
		if text, err = decrypt(text, by); err != nil {
			return nil, fmt.Errorf("archive: the key file does not open with this passphrase: %w", err)
		}
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		id, err := age.ParseX25519Identity(line)
		if err != nil {
			return nil, fmt.Errorf("archive: the key file holds no identity (AGE-SECRET-KEY-1…): %w", err)
		}
		return &Age{id.Recipient(), id}, nil
	}
	return nil, errors.New("archive: the key file is empty")
}

// LoadOrMakeOperator reads the key file at path, or makes one there, readable by
// its owner alone. A file that holds a recipient (age1…) is the public half.
func LoadOrMakeOperator(path string, passphrase func() (string, error)) (*Age, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return nil, fmt.Errorf("archive: key: %w", err)
		}
		text = fmt.Appendf(nil, "# Mimamori: the operator's key of the archive. Without it the archive is unreadable for ever.\n# %s\n%s\n", id.Recipient(), id)
		return &Age{id.Recipient(), id}, whole.Bytes(path, text)
	}
	if err != nil {
		return nil, fmt.Errorf("archive: key: %w", err)
	}
	if t := strings.TrimSpace(string(text)); strings.HasPrefix(t, "age1") {
		return Recipient(t)
	}
	a, err := Identity(text, passphrase)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// Public is the recipient of this operator.
func (a *Age) Public() string { return fmt.Sprint(a.to) }

// Wrap encrypts.
func (a *Age) Wrap(plain []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, a.to)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("archive: wrapping a data key: %w", err)
	}
	return out.Bytes(), nil
}

// Unwrap decrypts. The error wraps ErrLocked when only the public half is there.
func (a *Age) Unwrap(wrapped []byte) ([]byte, error) {
	if a.id == nil {
		return nil, ErrLocked
	}
	return decrypt(wrapped, a.id)
}

func decrypt(b []byte, by age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(b), by)
	if _, other := errors.AsType[*age.NoIdentityMatchError](err); other { // wrapped by a key that the operator had before
		err = fmt.Errorf("%w: %w", ErrLocked, err)
	}
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return plain, nil
}
