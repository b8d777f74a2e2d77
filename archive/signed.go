package archive

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"strings"
)

// maxText bounds a signed text: a head over all of Japan has 200 KB.
const maxText = 4 << 20

// signText ends a text with the key that signs it and the signature over all
// before.
func signText(body []byte, key ed25519.PrivateKey) []byte {
	public, _ := key.Public().(ed25519.PublicKey)
	body = fmt.Appendf(body, "key %x\n", []byte(public))
	return fmt.Appendf(body, "signature %x\n", ed25519.Sign(key, body))
}

// openText checks a text's form and signature, and returns its lines without
// title, key and signature, and the key. The error wraps ErrMalformed or, with
// the rest read, ErrSignature.
func openText(text []byte, title string) ([]string, ed25519.PublicKey, error) {
	if len(text) > maxText {
		return nil, nil, fmt.Errorf("%w: %d bytes, more than %d", ErrMalformed, len(text), maxText)
	}
	i := bytes.LastIndex(text, []byte("\nsignature "))
	if i < 0 || !bytes.HasPrefix(text, []byte(title+"\n")) {
		return nil, nil, fmt.Errorf("%w: it does not begin with %q, or has no signature at its end", ErrMalformed, title)
	}
	signed := text[:i+1]
	lines := strings.Split(string(text[:i]), "\n")
	last := lines[len(lines)-1]
	keyHex, ok := strings.CutPrefix(last, "key ")
	public, errKey := hex.DecodeString(keyHex)
	signature, errSig := hex.DecodeString(strings.TrimSuffix(string(text[i+len("\nsignature "):]), "\n"))
	if !ok || errKey != nil || errSig != nil || len(public) != ed25519.PublicKeySize || len(lines) < 2 {
		return nil, nil, fmt.Errorf("%w: its last two lines are not key and signature", ErrMalformed)
	}
	if !ed25519.Verify(public, signed, signature) || !bytes.Equal(text, fmt.Appendf(bytes.Clone(signed), "signature %x\n", signature)) {
		return lines[1 : len(lines)-1], public, ErrSignature
	}
	return lines[1 : len(lines)-1], public, nil
}
