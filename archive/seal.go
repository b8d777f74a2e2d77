package archive

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"

	"filippo.io/age"
)

// stanzaType marks what was sealed for a month. Its arguments are municipality,
// month, and the number of the data key.
const stanzaType = "mimamori-month"

// Mixed stands for a municipality where something of several is sealed together.
// Its keys are destroyed with those of any of them, and are made anew.
const Mixed = "000000"

// Seal returns a writer whose bytes go to w encrypted, as an age file: it opens
// with the data key of a municipality's month, and so no more once that is erased.
// The caller closes it. The error wraps ErrErased where the month is erased and
// nothing has come for it since: what is left of it gets no new key.
func (k *Keys) Seal(w io.Writer, municipality, month string) (io.WriteCloser, error) {
	out, err := age.Encrypt(w, &sealing{k, period{municipality, month}})
	if err != nil {
		return nil, fmt.Errorf("archive: sealing: %w", err)
	}
	return out, nil
}

// Open reads what Seal wrote. The error wraps ErrErased once the month is
// erased, ErrLocked or ErrNoKey.
func (k *Keys) Open(r io.Reader) (io.Reader, error) {
	in, err := age.Decrypt(r, (*opening)(k))
	if err != nil {
		return nil, fmt.Errorf("archive: opening what was sealed: %w", err)
	}
	return in, nil
}

// sealing is the data key of a month as an age.Recipient.
type sealing struct {
	keys *Keys
	period
}

// Wrap implements age.Recipient.
func (s *sealing) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	if !isCode(s.municipality) || !isDay(s.month+"-01") {
		return nil, fmt.Errorf("archive: %q %q is no municipality and month (312011 2026-11)", s.municipality, s.month)
	}
	if err := s.keys.sealable(s.period); err != nil {
		return nil, err
	}
	aead, n, err := s.keys.forWriting(s.period)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce) // never fails
	return []*age.Stanza{{
		Type: stanzaType, Args: []string{s.municipality, s.month, strconv.FormatUint(n, 10)},
		Body: aead.Seal(nonce, nonce, fileKey, sealLabel(keyName{s.period, n})),
	}}, nil
}

// sealable refuses a month whose keys are all destroyed: what a backup still
// finds of it is about to go, and must not get a key that nobody destroys.
func (k *Keys) sealable(p period) error {
	if p.municipality == Mixed {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	newest, err := k.newest(p)
	if err != nil {
		return err
	}
	if to, err := k.erasedTo(p); err != nil || to > 0 && to == newest {
		return errors.Join(err, fmt.Errorf("%w: %s %s", ErrErased, p.municipality, p.month))
	}
	return nil
}

// sealLabel binds a file's key to the data key, and tells it from a frame.
func sealLabel(n keyName) []byte {
	return fmt.Appendf(nil, "mimamori sealed file v1\n%s %s %d\n", n.municipality, n.month, n.number)
}

// opening is Keys as an age.Identity.
type opening Keys

// Unwrap implements age.Identity.
func (o *opening) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	k := (*Keys)(o)
	if len(stanzas) != 1 || stanzas[0].Type != stanzaType {
		return nil, age.ErrIncorrectIdentity
	}
	s := stanzas[0]
	if len(s.Args) != 3 || len(s.Body) < nonceSize+gcmTag || !isCode(s.Args[0]) || !isDay(s.Args[1]+"-01") {
		return nil, fmt.Errorf("%w: a sealed file names no municipality and month", ErrMalformed)
	}
	number, err := strconv.ParseUint(s.Args[2], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: a sealed file: %w", ErrMalformed, err)
	}
	n := keyName{period{s.Args[0], s.Args[1]}, number}
	k.mu.Lock()
	aead, err := k.read(n)
	k.mu.Unlock()
	if err != nil {
		return nil, err
	}
	fileKey, err := aead.Open(nil, s.Body[:nonceSize], s.Body[nonceSize:], sealLabel(n))
	if err != nil {
		return nil, fmt.Errorf("%w: a sealed file does not open with its data key: %w", ErrMalformed, err)
	}
	return fileKey, nil
}
