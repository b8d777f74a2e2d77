package archive

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"mimamori/frame"
)

const manifestTitle = "mimamori archive manifest v1"

// link names a day by the hash of its manifest.
type link struct {
	Day  string
	Hash frame.Hash
}

// line names the day before, or none.
func (l link) line() string {
	if l.Day == "" {
		return "previous none\n"
	}
	return fmt.Sprintf("previous %s %x\n", l.Day, l.Hash)
}

// textHash is the hash of a signed text, without its signature: what the text
// after it names.
func textHash(text []byte) frame.Hash {
	return sha256.Sum256(text[:bytes.LastIndex(text, []byte("\nsignature "))+1])
}

// manifest is the account of a municipality's day.
type manifest struct {
	Municipality, Day string
	Previous          link // the zero one for the first
	Frames            uint64
	Bytes             int64
	Root              frame.Hash
	Collectors        map[string]string // hex of the public keys of those that sent, each followed by ",", by id
	Key               ed25519.PublicKey

	hash frame.Hash // what the day after names
}

// text is the manifest, signed.
func (m *manifest) text(key ed25519.PrivateKey) []byte {
	b := fmt.Appendf(nil, "%s\nmunicipality %s\nday %s\n", manifestTitle, m.Municipality, m.Day)
	b = fmt.Appendf(b, "%sframes %d\nbytes %d\nroot %x\n", m.Previous.line(), m.Frames, m.Bytes, m.Root)
	for _, id := range slices.Sorted(maps.Keys(m.Collectors)) {
		b = fmt.Appendf(b, "collector %s %s\n", m.Collectors[id], id)
	}
	return signText(b, key)
}

// parseManifest reads a manifest and checks its signature, by whatever key. It
// returns its hash, which the day after names. The error wraps ErrMalformed or,
// with all the rest read, ErrSignature.
func parseManifest(text []byte) (m manifest, hash frame.Hash, err error) {
	lines, key, bad := openText(text, manifestTitle)
	if key == nil {
		return m, hash, bad
	}
	m.Key, m.Collectors = key, map[string]string{}
	take := func(name string) string {
		if len(lines) == 0 || err != nil {
			return ""
		}
		v, ok := strings.CutPrefix(lines[0], name+" ")
		if !ok {
			err = fmt.Errorf("%w: line %q, expected %q", ErrMalformed, lines[0], name)
		}
		lines = lines[1:]
		return v
	}
	m.Municipality, m.Day = take("municipality"), take("day")
	m.Previous.Day, m.Previous.Hash = parseLink(take("previous"))
	m.Frames, _ = strconv.ParseUint(take("frames"), 10, 64)
	m.Bytes, _ = strconv.ParseInt(take("bytes"), 10, 64)
	_, m.Root = parseLink("x " + take("root"))
	for len(lines) > 0 && err == nil {
		public, id, _ := strings.Cut(take("collector"), " ")
		m.Collectors[id] = public
	}
	hash = textHash(text)
	m.hash = hash
	if err == nil && (!isCode(m.Municipality) || !isDay(m.Day) || m.Frames == 0 || m.Bytes <= 0) {
		err = fmt.Errorf("%w: a manifest of %q, %q with %d frames", ErrMalformed, m.Municipality, m.Day, m.Frames)
	}
	if err == nil {
		err = bad
	}
	return m, hash, err
}

// parseLink reads a name and a hash; what is no hash is the zero one.
func parseLink(s string) (string, frame.Hash) {
	var h frame.Hash
	name, text, ok := strings.Cut(s, " ")
	if b, err := hex.DecodeString(text); ok && err == nil && len(b) == len(h) {
		copy(h[:], b)
		return name, h
	}
	return "", h
}

// publics are the keys of a collector on that day; more than one when it got
// another.
func (m *manifest) publics(id string) []ed25519.PublicKey {
	var out []ed25519.PublicKey
	for text := range strings.SplitSeq(m.Collectors[id], ",") {
		if b, err := hex.DecodeString(text); err == nil && len(b) == ed25519.PublicKeySize {
			out = append(out, b)
		}
	}
	return out
}
