package store

import "time"

// Grid is the bars of a histogram over [from, to), times in nanoseconds: at most
// n, of one round width, aligned to midnight in Japan. It returns their width,
// the start of the first, and how many there are.
func Grid(from, to int64, n int) (width time.Duration, start, bars int64) {
	w, start, bars := grid(from, to, max(1, min(n, 10_000)))
	return time.Duration(w), start, bars
}
