package care

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// tokenPrefix begins every token, so that people and programs know one.
const tokenPrefix = "mimamori1"

const (
	tokenSum = 4       // bytes of SHA-256 at the end, against a token cut short
	maxToken = 1 << 16 // characters
)

// ErrToken says that a text is no whole token.
var ErrToken = errors.New("this is no whole enrolment token")

// Token is an invitation as it is handed to the one who installs a collector.
// Whoever holds it may enrol one collector under the name in it, once, until it
// expires. The prefecture keeps no copy of the seed.
type Token struct {
	Invitation   string    `json:"i"`
	Seed         string    `json:"s"` // of the NKey that opens the connection for enrolment
	URLs         []string  `json:"u"`
	CA           []byte    `json:"a,omitempty"` // the authority to trust, a certificate in DER; nil: the system's
	Municipality string    `json:"m"`
	Collector    string    `json:"c"`
	Zone         string    `json:"z"`
	OrderKey     string    `json:"o"` // public NKey that signs orders
	Expires      time.Time `json:"e"`
}

// String writes the token as one word: prefix, base64url of JSON and checksum.
func (t Token) String() string {
	b, err := json.Marshal(t)
	if err != nil { // strings, bytes and a time always have a JSON form
		panic(err)
	}
	sum := sha256.Sum256(b)
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(append(b, sum[:tokenSum]...))
}

// ParseToken reads a token as String writes it; blanks and line breaks that
// pasting may have brought in are ignored. Any error wraps ErrToken.
func ParseToken(s string) (Token, error) {
	if len(s) > maxToken {
		return Token{}, fmt.Errorf("%w: %d characters", ErrToken, len(s))
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
	coded, ok := strings.CutPrefix(s, tokenPrefix)
	if !ok {
		return Token{}, fmt.Errorf("%w: it begins with %s", ErrToken, tokenPrefix)
	}
	b, err := base64.RawURLEncoding.DecodeString(coded)
	if err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if len(b) <= tokenSum {
		return Token{}, fmt.Errorf("%w: it is cut short", ErrToken)
	}
	b, sum := b[:len(b)-tokenSum], b[len(b)-tokenSum:]
	if want := sha256.Sum256(b); !bytes.Equal(sum, want[:tokenSum]) {
		return Token{}, fmt.Errorf("%w: characters are missing or changed; paste all of it", ErrToken)
	}
	var t Token
	if err := strict(b, &t); err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if t.Invitation == "" || t.Seed == "" || len(t.URLs) == 0 || t.Municipality == "" || t.Collector == "" || t.Zone == "" || t.OrderKey == "" {
		return Token{}, fmt.Errorf("%w: a part of it is empty", ErrToken)
	}
	return t, nil
}
