package collector

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"

	"mimamori/frame"
)

// unpackedBytes is how much of what was unpacked last is kept, so that reading
// a little further back does not begin anew.
const unpackedBytes = frame.MaxLine + 3*batchBytes

var errStopped = errors.New("the collector is stopping")

// unpacked is the content of a gzip file. It is unpacked as it is read, so that
// memory stays bounded whatever it unpacks to.
type unpacked struct {
	content
	stop func() bool // ends a long skip

	zip    *gzip.Reader
	window []byte // the last bytes before at
	at     int64
	err    error // what ended the unpacking
}

func isGzip(name string) bool { return strings.HasSuffix(name, ".gz") }

// ReadAt reads unpacked bytes. Reading far back begins anew.
func (u *unpacked) ReadAt(p []byte, off int64) (n int, err error) {
	if u.zip == nil || off < u.at-int64(len(u.window)) {
		if err := u.begin(); err != nil {
			return 0, err
		}
	}
	for {
		if from := off + int64(n) - (u.at - int64(len(u.window))); from < int64(len(u.window)) {
			n += copy(p[n:], u.window[from:])
		}
		switch {
		case n == len(p):
			return n, nil
		case u.err != nil:
			return n, u.err
		case u.stop():
			return n, errStopped
		}
		u.more()
	}
}

func (u *unpacked) begin() error {
	u.window, u.at, u.err = u.window[:0], 0, nil
	zip, err := gzip.NewReader(io.NewSectionReader(u.content, 0, 1<<62))
	if err != nil {
		return u.failed(err)
	}
	u.zip = zip
	return nil
}

// more unpacks a little more.
func (u *unpacked) more() {
	const step = 64 << 10
	if u.window == nil {
		u.window = make([]byte, 0, 2*unpackedBytes)
	}
	if cap(u.window)-len(u.window) < step {
		u.window = u.window[:copy(u.window, u.window[len(u.window)-unpackedBytes:])]
	}
	n, err := io.ReadFull(u.zip, u.window[len(u.window):len(u.window)+step])
	u.window, u.at = u.window[:len(u.window)+n], u.at+int64(n)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && u.ended():
		u.err = io.EOF
	default:
		u.err = u.failed(err)
	}
}

// ended tells an end of the content from a file that was cut: ReadFull calls
// both unexpected.
func (u *unpacked) ended() bool {
	_, err := u.zip.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

func (u *unpacked) failed(err error) error {
	if errors.Is(err, io.EOF) { // not even a header: to the reader of lines that is no end
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("gzip: the file is cut or damaged; what could be unpacked is read: %w", err)
}

// length unpacks to the end.
func (u *unpacked) length() (int64, error) {
	for {
		if _, err := u.ReadAt(make([]byte, 1), u.at); errors.Is(err, io.EOF) {
			return u.at, nil
		} else if err != nil {
			return 0, err
		}
	}
}

// packedID is the digest by which a packed file is known, without unpacking it.
func packedID(f content, info os.FileInfo) (string, error) {
	b := make([]byte, headBytes+tailBytes)
	n, err := f.ReadAt(b[:headBytes], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("file: %w", err)
	}
	m, err := f.ReadAt(b[n:n+tailBytes], max(0, info.Size()-tailBytes))
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("file: %w", err)
	}
	return digest(fmt.Append(b[:n+m], info.Size())), nil
}
