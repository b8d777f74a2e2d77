// Package archive keeps frames as they came, encrypted, so that years later
// somebody who trusts nobody can see that none was changed, moved, left out or
// added. docs/archive.md describes the files and how to check them.
//
// A frame is sealed once, as a record, under the data key of its municipality
// and month. Append writes the records of a commit to one journal and syncs it
// once; Run moves them to a file per municipality and day and, when a day is
// over, signs its manifest, which names the day before, and a head over all
// municipalities. What is read back knows what is there: a frame that comes
// again after a crash is recognised. A month whose keys were destroyed on purpose
// has a certificate (Certify), which heads name and Verify tells.
//
// Append blocks while the disk does, and returns an error when the disk
// refuses; then nothing of that call is kept, and its caller tries again. Run
// tries again by itself and says so in Status; until it succeeds the journal
// grows. Damaged or hostile files cost bounded memory and end in an error or a
// finding.
package archive

import (
	"crypto/ed25519"
	"errors"
	"time"

	"mimamori/frame"
	"mimamori/internal/calendar"
)

// Reasons of errors; test with errors.Is.
var (
	ErrErased    = errors.New("the data key was destroyed: what it protected was erased")
	ErrLocked    = errors.New("the operator's key is not at hand")
	ErrNoKey     = errors.New("there is no such data key")
	ErrMalformed = errors.New("malformed")
	ErrSignature = errors.New("the signature does not fit")
)

// Arrival is a frame that was accepted.
type Arrival struct {
	Frame  *frame.Frame
	At     time.Time         // when the stream took it; zero: now
	Public ed25519.PublicKey // of the collector, as it was checked
}

// The files of an archive. Those of a municipality are in a folder named after
// its code, YYYY-MM-DD.frames, .index and .manifest.
const (
	framesSuffix   = ".frames"   // records one after the other
	indexSuffix    = ".index"    // their leaves, 32 bytes each
	manifestSuffix = ".manifest" // of a day that is over: text, signed
	headSuffix     = ".head"     // text, signed
	headsDir       = "heads"
	journalDir     = "journal"
	publicFile     = "archive.pub" // hex of the key that signs
	stateFile      = "state.json"
	lockFile       = "lock"
	tmpSuffix      = ".tmp"
)

const (
	dayLayout = "2006-01-02"
	monthLen  = len("2006-01")
)

// dayOf is the day of a moment in Japan.
func dayOf(t time.Time) string { return t.In(calendar.JST()).Format(dayLayout) }

// isDay tells whether a text is a day as dayOf writes it.
func isDay(s string) bool {
	t, err := time.Parse(dayLayout, s)
	return err == nil && t.Format(dayLayout) == s
}

// isCode tells whether a text is a municipality's code, and so safe as the name
// of a folder.
func isCode(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) == 6
}
