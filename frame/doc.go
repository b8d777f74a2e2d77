// Package frame defines the one unit of the spool, the wire, the archive and
// the replay: a sealed batch of log records, numbered per source, compressed,
// chained to the frame before it and signed by its collector. FORMAT.md is the
// specification of the bytes. It also holds the ledger of sequence intervals,
// which knows what arrived, what came twice and what is missing.
//
// Nothing here blocks. Hostile bytes cost at most MaxFrame and MaxUnpacked of
// memory and end in an error that wraps ErrMalformed.
package frame

import "errors"

// The bounds that every frame keeps.
const (
	MaxFrame    = 6 << 20  // bytes of a sealed frame
	MaxUnpacked = 16 << 20 // bytes of an unpacked payload
	MaxRecords  = 1 << 16  // records in a frame
	MaxLine     = 1 << 20  // bytes of a record's line; longer lines are cut and marked
	maxName     = 255      // bytes of a name in the header
)

// Reasons why a frame is refused; test with errors.Is.
var (
	ErrMalformed = errors.New("malformed frame")
	ErrSignature = errors.New("the signature does not fit the collector's key")
	ErrDigest    = errors.New("the payload does not fit its digest")
)

// Kind says what a frame carries.
type Kind uint8

// The kinds.
const (
	Lines Kind = iota // records
	Gap               // nothing: it stands for frames that the collector gave up (SealGap)
)

// Hash is a SHA-256 digest.
type Hash [32]byte

// Header describes a frame. All of it is covered by the signature.
type Header struct {
	Collector    string // id of the collector that made the frame
	Municipality string // 6-digit code
	Zone         string // mynumber, lgwan, internet or ""
	Source       string // what the collector numbers: one configured input
	Epoch        uint64 // Unix seconds at which the numbering of this source began
	First        uint64 // sequence of the first record; the rest follow without gap
	Count        uint32 // records
	Kind         Kind
	From, To     int64  // receive times of the first and last record, Unix microseconds
	Unpacked     uint32 // bytes of the payload before compression
	Digest       Hash   // SHA-256 of the compressed payload
	Prev         Hash   // Hash of the frame before it in this source and epoch; zero for the first
}

// Last is the sequence of the last record.
func (h *Header) Last() uint64 { return h.First + uint64(h.Count) - 1 }

// Key names the sequence that the frame belongs to.
func (h *Header) Key() Key { return Key{h.Collector, h.Source, h.Epoch} }

// Flags mark a record.
type Flags uint8

// The marks.
const (
	NotUTF8    Flags = 1 << iota // Line holds bytes that are no UTF-8
	Truncated                    // Line is the beginning of a longer one; Total is its length, 0 where the rest is the next record
	Dropped                      // the record was lost on the way here; Line says why
	hasCharset                   // on the wire: Charset follows
	hasMasked                    // on the wire: Masked follows
	hasHeader                    // on the wire: Header follows
)

// Record is one line as a device sent it, and how it came.
type Record struct {
	Line     string // original bytes without the line's end, but for masked spans; of several lines: with those between
	Received int64  // Unix microseconds at the collector
	Peer     string // address of the sender, "" for files
	Input    string // kind of input: syslog-udp, file, …
	File     string // path, "" where there is none
	Offset   int64  // where the line begins in File
	Total    int64  // bytes of the whole line when Truncated, 0 where nobody knows
	Charset  string // encoding of Line and Header as internal/charset names it, "" for UTF-8
	Header   string // the row that names the columns of Line; the same as Line where it is that row; "" where there is none
	Masked   uint32 // spans of Line that the collector replaced by pseudonyms
	Flags    Flags
}
