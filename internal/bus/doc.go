// Package bus is the only place that knows NATS: an embedded server with
// JetStream (in process, listening or not), connections by URL and NKey, and
// durable streams.
//
// Every publish waits until the message is on disk (sync_interval: always), so
// a nil error means durable. A full stream refuses with ErrFull; it never
// discards. A lost connection is redialled for ever with jitter; calls made
// meanwhile fail when their context ends, and the caller repeats them.
package bus

import (
	"errors"
	"strings"

	"mimamori/internal/lock"
)

// Reasons; test with errors.Is.
var (
	ErrFull      = errors.New("the stream or its disk is full")
	ErrNoMessage = errors.New("no such message")
	ErrDamaged   = errors.New("the message is damaged on disk")
	ErrLocked    = lock.ErrHeld
	ErrNobody    = errors.New("nobody listens")
	ErrDenied    = errors.New("the server does not know this key")
)

// MaxMessage is the largest message, in bytes: a frame and its header.
const MaxMessage = 8 << 20

// Frames is the stream of sealed frames at the prefecture.
const Frames = "FRAMES"

// FramesSubjects is what the stream of frames takes.
const FramesSubjects = "frames.>"

// ProbeSubject is for messages that only ask whether the stream of frames takes
// any. No collector may publish to it, and whoever reads frames skips it.
const ProbeSubject = "frames.probe"

// FrameSubject names the subject that a collector's source publishes to.
func FrameSubject(municipality, collector, source string) string {
	return strings.Join([]string{"frames", token(municipality), token(collector), token(source)}, ".")
}

// token makes a name safe as one token of a subject.
func token(s string) string {
	if s == "" {
		return "_"
	}
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == '.' || r == '*' || r == '>' || r == 0x7f {
			return '_'
		}
		return r
	}, s)
}
