// Package care is what collectors and the prefecture say to each other besides
// frames: enrolment by a one-time token, orders (signed configurations), and
// heartbeats. It holds the messages, their signatures and the subjects they
// travel on; both ends import it. Nothing here blocks or keeps anything.
package care
