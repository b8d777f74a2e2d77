package collector

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// mark is how far an input has read: in a file, or by a cursor of its own.
type mark struct {
	id     int // the file within this run
	Pos    position
	cursor cursor
}

// cursor is a place in a source that names places itself, such as a journal or
// a Windows event channel. A mark with a cursor's name is no file's.
type cursor struct{ name, at string }

// position is a mark as it is kept in the spool.
type position struct {
	Path   string `json:"path"`           // name under which the file was first found
	Offset int64  `json:"offset"`         // behind the last line that is in the spool; 0 forgets the file
	Head   string `json:"head"`           // digest of the file's first bytes, at most headBytes
	Tail   string `json:"tail"`           // digest of the last bytes before Offset, at most tailBytes
	Next   bool   `json:"next,omitempty"` // the file that took its place is known too

	Charset string   `json:"charset,omitempty"` // UTF-16, as it was found
	Lines   int      `json:"lines,omitempty"`   // CSV: of the preamble, passed
	Header  [2]int64 `json:"header,omitzero"`   // CSV: where the header stands, and its length
	Packed  string   `json:"packed,omitempty"`  // gzip: digest of the packed file
	Done    bool     `json:"done,omitempty"`    // gzip: all of it was read
}

// How many bytes tell a file from others.
const (
	headBytes = 256
	tailBytes = 64
)

// digest is a short hash, enough to tell a file from its neighbours.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// state is what an input must know to go on after a restart.
type state struct {
	Files   []position        `json:"files,omitempty"`
	Cursors map[string]string `json:"cursors,omitempty"`
}

// marks gathers the newest position of each file and the newest cursors.
type marks struct {
	files   map[int]position
	cursors map[string]string
}

// newMarks begins with the cursors of an earlier run; files are found anew.
func newMarks(from state) marks {
	m := marks{map[int]position{}, map[string]string{}}
	maps.Copy(m.cursors, from.Cursors)
	return m
}

func (m marks) take(list []mark) {
	for _, x := range list {
		switch {
		case x.cursor.name != "":
			m.cursors[x.cursor.name] = x.cursor.at
		case x.Pos.Offset == 0:
			delete(m.files, x.id)
		default:
			m.files[x.id] = x.Pos
		}
	}
}

func (m marks) state() state {
	var s state
	for _, id := range slices.Sorted(maps.Keys(m.files)) {
		s.Files = append(s.Files, m.files[id])
	}
	if len(m.cursors) > 0 {
		s.Cursors = m.cursors
	}
	return s
}

var errEntry = errors.New("a message of the spool cannot be read")

// appendEntry makes a message of the spool: the length of the state, the state
// as JSON, the frame. (A header would be the place for the state, but JetStream
// bounds headers at 64 KiB, which is some 400 files.)
func appendEntry(b []byte, s state, frame []byte) ([]byte, error) {
	js, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(js)))
	return append(append(b, js...), frame...), nil
}

// entryFrame returns the frame in a message of the spool.
func entryFrame(b []byte) ([]byte, error) {
	if len(b) < 4 || int64(len(b)-4) < int64(binary.BigEndian.Uint32(b)) {
		return nil, errEntry
	}
	return b[4+binary.BigEndian.Uint32(b):], nil
}

// entryState returns the state in a message of the spool.
func entryState(b []byte) (state, error) {
	f, err := entryFrame(b)
	if err != nil {
		return state{}, err
	}
	var s state
	if err := json.Unmarshal(b[4:len(b)-len(f)], &s); err != nil {
		return state{}, fmt.Errorf("%w: %w", errEntry, err)
	}
	return s, nil
}
