package care

import (
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

const packageDomain = "mimamori package v1\x00"

// ErrPackage says that a package is not what was signed.
var ErrPackage = errors.New("the package is not what this key has signed")

// SignPackage signs a program's package: one line of text for the file beside
// it. The signature is Ed25519 over "mimamori package v1", a zero byte and the
// package's SHA-512.
func SignPackage(r io.Reader, key ed25519.PrivateKey) (string, error) {
	sum, err := packageSum(r)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(ed25519.Sign(key, sum)) + "\n", nil
}

// VerifyPackage checks a package against its signature; the error wraps
// ErrPackage unless the package cannot be read.
func VerifyPackage(r io.Reader, signature string, key ed25519.PublicKey) error {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(signature))
	if err != nil {
		return fmt.Errorf("%w: the signature is no base64: %w", ErrPackage, err)
	}
	sum, err := packageSum(r)
	if err != nil {
		return err
	}
	if !ed25519.Verify(key, sum, b) {
		return ErrPackage
	}
	return nil
}

func packageSum(r io.Reader) ([]byte, error) {
	h := sha512.New()
	if _, err := io.Copy(h, r); err != nil {
		return nil, fmt.Errorf("package: %w", err)
	}
	return h.Sum([]byte(packageDomain)), nil
}
