package frame

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
)

// window bounds each source's compressor; frames are seldom larger.
const window = 512 << 10

// lengthBytes is what the length of the lines takes at the head of a payload.
const lengthBytes = 4

// Writer numbers the records of one source and seals them into frames. It is
// used by one goroutine.
type Writer struct {
	head Header // First is the next sequence to give
	key  ed25519.PrivateKey
	enc  *zstd.Encoder

	dict   map[string]named
	recent [3]named // peer, input and file of the last record: mostly the next one's, too
	names  []byte
	meta   []byte
	lines  []byte // begins with room for their length
	last   Record
	packed []byte
}

// named is a string with its number in the frame's dictionary.
type named struct {
	text string
	n    uint64
}

// NewWriter begins a source. head gives Collector, Municipality, Zone, Source,
// Epoch and, when an earlier run is continued, First (the next sequence) and
// Prev; the rest is ignored.
func NewWriter(head Header, key ed25519.PrivateKey) (*Writer, error) {
	for _, s := range []string{head.Collector, head.Municipality, head.Zone, head.Source} {
		if len(s) > maxName {
			return nil, fmt.Errorf("frame: name %.20q… is longer than %d bytes", s, maxName)
		}
	}
	if head.Collector == "" || head.Source == "" {
		return nil, fmt.Errorf("frame: a writer needs a collector and a source")
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("frame: zstd: %w", err)
	}
	head.Count, head.First = 0, max(head.First, 1)
	return &Writer{head: head, key: key, enc: enc, dict: map[string]named{"": {}}, lines: make([]byte, lengthBytes)}, nil
}

// Add gives the record the next sequence, which it returns. A line longer than
// MaxLine is cut and marked. The record's strings are copied.
func (w *Writer) Add(r *Record) uint64 {
	line, flags, total := r.Line, r.Flags, r.Total
	if len(line) > MaxLine {
		if flags&Truncated == 0 {
			total = int64(len(line))
		}
		line, flags = line[:MaxLine], flags|Truncated
	}
	if r.Charset != "" || !utf8.ValidString(line) {
		flags |= NotUTF8
	}
	if r.Charset != "" {
		flags |= hasCharset
	}
	if r.Masked > 0 {
		flags |= hasMasked
	}
	if r.Header != "" {
		flags |= hasHeader
	}
	if w.head.Count == 0 {
		w.head.From = r.Received
		w.last = Record{Received: r.Received}
	}
	w.meta = append(w.meta, byte(flags))
	w.meta = binary.AppendVarint(w.meta, r.Received-w.last.Received)
	for i, s := range [...]string{r.Peer, r.Input, r.File} {
		if w.recent[i].text != s {
			w.recent[i] = w.name(s)
		}
		w.meta = binary.AppendUvarint(w.meta, w.recent[i].n)
	}
	if flags&hasCharset != 0 {
		w.meta = binary.AppendUvarint(w.meta, w.name(r.Charset).n)
	}
	if flags&hasMasked != 0 {
		w.meta = binary.AppendUvarint(w.meta, uint64(r.Masked))
	}
	if flags&hasHeader != 0 {
		w.meta = binary.AppendUvarint(w.meta, w.name(r.Header).n)
	}
	w.meta = binary.AppendVarint(w.meta, r.Offset-w.last.Offset)
	if flags&Truncated != 0 {
		w.meta = binary.AppendUvarint(w.meta, uint64(total))
	}
	w.meta = binary.AppendUvarint(w.meta, uint64(len(line)))
	w.lines = append(w.lines, line...)
	w.last.Received, w.last.Offset = r.Received, r.Offset+int64(len(line))+1
	w.head.Count++
	w.head.To = r.Received
	return w.head.First + uint64(w.head.Count) - 1
}

// name gives a copy of the string its number in the frame's dictionary.
func (w *Writer) name(s string) named {
	s = s[:min(len(s), MaxLine)]
	if had, ok := w.dict[s]; ok {
		return had
	}
	d := named{text: strings.Clone(s), n: uint64(len(w.dict))}
	w.dict[d.text] = d
	w.names = binary.AppendUvarint(w.names, uint64(len(s)))
	w.names = append(w.names, s...)
	return d
}

// Count is how many records wait to be sealed.
func (w *Writer) Count() int { return int(w.head.Count) }

// Size is how many bytes they take before compression.
func (w *Writer) Size() int { return len(w.meta) + len(w.lines) + len(w.names) }

// Full tells whether the frame must be sealed before n more bytes of line fit.
func (w *Writer) Full(n int) bool {
	return w.head.Count >= MaxRecords || w.head.Count > 0 && w.Size()+n+4096 > MaxUnpacked/4
}

// Seal makes a signed frame of the records added since the last Seal, and nil
// when there are none. The frame owns its bytes.
func (w *Writer) Seal() (*Frame, error) {
	if w.head.Count == 0 {
		return nil, nil //nolint:nilnil // nothing to seal is no error
	}
	// The lines are first, so that they need not be copied once more.
	binary.BigEndian.PutUint32(w.lines, uint32(len(w.lines)-lengthBytes))
	w.lines = binary.AppendUvarint(w.lines, uint64(len(w.dict)-1))
	w.lines = append(append(w.lines, w.names...), w.meta...)
	body := w.lines
	if len(body) > MaxUnpacked {
		return nil, fmt.Errorf("frame: %d bytes of records do not fit a frame", len(body))
	}
	w.packed = w.enc.EncodeAll(body, w.packed[:0])
	h := w.head
	h.Kind, h.Unpacked = Lines, uint32(len(body))
	f := sign(h, w.packed, w.key)
	if len(f.Bytes) > MaxFrame {
		return nil, fmt.Errorf("frame: %d sealed bytes, more than %d", len(f.Bytes), MaxFrame)
	}
	h = f.Header
	w.head.First, w.head.Count, w.head.Prev = h.Last()+1, 0, f.Hash()
	w.meta, w.lines, w.names = w.meta[:0], w.lines[:lengthBytes], w.names[:0]
	clear(w.dict)
	w.dict[""], w.recent = named{}, [3]named{}
	return f, nil
}

// sign makes the wire form of a header and its payload.
func sign(h Header, payload []byte, key ed25519.PrivateKey) *Frame {
	h.Digest = sha256.Sum256(payload)
	out := appendHeader(make([]byte, 0, 512+len(payload)), &h)
	signed := len(out)
	out = append(out, ed25519.Sign(key, append([]byte(context), out...))...)
	sealed := len(out)
	out = append(out, payload...)
	return &Frame{Header: h, Bytes: out, signed: out[:signed], sealed: out[:sealed], payload: out[sealed:]}
}
