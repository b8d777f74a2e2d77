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
)

// Reasons; test with errors.Is.
var (
	ErrFull      = errors.New("the stream or its disk is full")
	ErrNoMessage = errors.New("no such message")
	ErrLocked    = errors.New("another process works")
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

// Late is the stream of frames that an outage held up. It is small, so that it
// refuses soon: the prefecture takes from it what it has time for, and what
// comes now is not held up behind what comes late.
const Late = "LATE"

// LateSubjects is what the stream of late frames takes.
const LateSubjects = "late.>"

// LateBytes bounds the stream of late frames.
const LateBytes = 64 << 20

// LateSubject names the subject of late frames of a collector's source.
func LateSubject(municipality, collector, source string) string {
	return "late" + strings.TrimPrefix(FrameSubject(municipality, collector, source), "frames")
}

// FrameSubjectOf is the subject that a late frame's has among frames.
func FrameSubjectOf(late string) string { return "frames" + strings.TrimPrefix(late, "late") }

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
