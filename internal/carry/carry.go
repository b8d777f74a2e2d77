// Package carry is the file in which frames travel where there is no line: out
// of an isolated zone, through a data diode or on a medium that somebody
// carries. A file is encrypted to the prefecture (age, X25519), numbered and
// signed by its collector; the frames in it are signed by themselves, so that a
// file that comes twice, late or out of order does no harm.
//
// Reading costs bounded memory: one frame at a time, and no more of them than
// MaxFile allows. Nothing here blocks.
package carry

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"time"

	"filippo.io/age"

	"mimamori/frame"
)

// Suffix is how the names of carried files end.
const Suffix = ".carry"

const (
	magic     = "MMCARRY1"
	context   = "mimamori carry v1\x00"
	maxHeader = 4096
)

// MaxFile bounds the frames of one file, in bytes.
const MaxFile = 256 << 20

// Reasons why a file is refused; test with errors.Is.
var (
	ErrMalformed = errors.New("this is no whole carried file")
	ErrSignature = errors.New("the file's signature does not fit its collector's key")
	ErrNotOurs   = errors.New("the file is encrypted to somebody else, or damaged")
)

// Header says who made a file, and which of its files it is.
type Header struct {
	Collector    string    `json:"collector"`
	Municipality string    `json:"municipality"`
	Number       uint64    `json:"number"` // 1, 2, 3 …: a missing one is a file that did not arrive
	Created      time.Time `json:"created"`
}

// Name is the file's name.
func (h Header) Name() string {
	return fmt.Sprintf("%s-%s-%08d%s", h.Municipality, h.Collector, h.Number, Suffix)
}

// Writer makes one file.
type Writer struct {
	out io.WriteCloser // encrypts
	sum hash.Hash
}

// NewWriter begins a file for a recipient as Recipient spells it.
func NewWriter(w io.Writer, recipient string, h Header) (*Writer, error) {
	to, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		return nil, fmt.Errorf("carry: %q is no recipient (age1…); the prefecture shows it with mimamori ingest recipient: %w", recipient, err)
	}
	out, err := age.Encrypt(w, to)
	if err != nil {
		return nil, fmt.Errorf("carry: %w", err)
	}
	c := &Writer{out: out, sum: sha256.New()}
	head, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("carry: %w", err)
	}
	if err := c.write([]byte(magic)); err != nil {
		return nil, err
	}
	return c, c.block(head)
}

func (c *Writer) write(b []byte) error {
	c.sum.Write(b)
	if _, err := c.out.Write(b); err != nil {
		return fmt.Errorf("carry: %w", err)
	}
	return nil
}

// block writes a length and so many bytes.
func (c *Writer) block(b []byte) error {
	if err := c.write(binary.BigEndian.AppendUint32(nil, uint32(len(b)))); err != nil {
		return err
	}
	return c.write(b)
}

// Add puts a frame into the file.
func (c *Writer) Add(f []byte) error {
	return c.block(f)
}

// Close ends the file with its signature. It does not close the writer below.
func (c *Writer) Close(key ed25519.PrivateKey) error {
	if err := c.block(nil); err != nil {
		return err
	}
	signature := ed25519.Sign(key, c.sum.Sum([]byte(context)))
	if _, err := c.out.Write(signature); err != nil {
		return fmt.Errorf("carry: %w", err)
	}
	if err := c.out.Close(); err != nil {
		return fmt.Errorf("carry: %w", err)
	}
	return nil
}

// Reader reads one file.
type Reader struct {
	Header
	in    io.Reader
	sum   hash.Hash
	bytes int
	ended bool
}

// NewReader opens a file with the prefecture's identity. Errors wrap
// ErrMalformed or ErrNotOurs.
func NewReader(r io.Reader, identity *Identity) (*Reader, error) {
	in, err := age.Decrypt(r, identity.id)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotOurs, err)
	}
	c := &Reader{in: in, sum: sha256.New()}
	head := make([]byte, len(magic))
	if err := c.read(head); err != nil {
		return nil, err
	}
	if string(head) != magic {
		return nil, fmt.Errorf("%w: it does not begin with %s", ErrMalformed, magic)
	}
	b, err := c.block(maxHeader)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &c.Header); err != nil {
		return nil, fmt.Errorf("%w: its header: %w", ErrMalformed, err)
	}
	return c, nil
}

func (c *Reader) read(b []byte) error {
	if _, err := io.ReadFull(c.in, b); err != nil {
		return fmt.Errorf("%w: it ends too early: %w", ErrMalformed, err)
	}
	c.sum.Write(b)
	return nil
}

func (c *Reader) block(most int) ([]byte, error) {
	var n [4]byte
	if err := c.read(n[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(n[:])
	if int64(size) > int64(most) {
		return nil, fmt.Errorf("%w: a block of %d bytes, more than %d", ErrMalformed, size, most)
	}
	b := make([]byte, size)
	return b, c.read(b)
}

// Next returns the next frame, io.EOF behind the last one; then Verify tells
// whether the file is whole.
func (c *Reader) Next() ([]byte, error) {
	if c.ended {
		return nil, io.EOF
	}
	b, err := c.block(frame.MaxFrame)
	if err != nil {
		return nil, err
	}
	if c.bytes += len(b); c.bytes > MaxFile {
		return nil, fmt.Errorf("%w: more than %d bytes of frames", ErrMalformed, MaxFile)
	}
	if c.ended = len(b) == 0; c.ended {
		return nil, io.EOF
	}
	return b, nil
}

// Verify checks, once Next has returned io.EOF, the signature and that nothing
// follows. Errors wrap ErrMalformed or ErrSignature.
func (c *Reader) Verify(public ed25519.PublicKey) error {
	signed := c.sum.Sum([]byte(context))
	rest, err := io.ReadAll(io.LimitReader(c.in, ed25519.SignatureSize+1))
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	case !c.ended || len(rest) != ed25519.SignatureSize:
		return fmt.Errorf("%w: %d bytes in place of a signature", ErrMalformed, len(rest))
	case len(public) != ed25519.PublicKeySize || !ed25519.Verify(public, signed, rest):
		return ErrSignature
	}
	return nil
}

// Identity is the prefecture's key for carried files.
type Identity struct{ id *age.X25519Identity }

// LoadOrMakeIdentity reads the identity at path, or makes one there, readable by
// its owner alone.
func LoadOrMakeIdentity(path string) (*Identity, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return makeIdentity(path)
	}
	if err != nil {
		return nil, fmt.Errorf("carry: identity: %w", err)
	}
	id, err := age.ParseX25519Identity(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, fmt.Errorf("carry: %s is no identity: %w", path, err)
	}
	return &Identity{id}, nil
}

func makeIdentity(path string) (*Identity, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("carry: identity: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) { // another process was faster
		return LoadOrMakeIdentity(path)
	}
	if err != nil {
		return nil, fmt.Errorf("carry: identity: %w", err)
	}
	_, err = io.Copy(f, bytes.NewBufferString(id.String()+"\n"))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("carry: identity: %w", err)
	}
	return &Identity{id}, nil
}

// Recipient is what collectors encrypt to: age1 and 58 characters. It is no
// secret.
func (i *Identity) Recipient() string { return i.id.Recipient().String() }
