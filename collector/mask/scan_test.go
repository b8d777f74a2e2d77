package mask

import (
	"testing"

	"pgregory.net/rapid"
)

// TestRunsOfDigitsAreWhatABytewiseLookSays compares the places at which digits
// are looked at with a naive search.
func TestRunsOfDigitsAreWhatABytewiseLookSays(t *testing.T) {
	some := rapid.OneOf(rapid.ByteRange('0', '9'), rapid.ByteRange('0', '9'), rapid.ByteRange('0', '9'), rapid.Byte())
	rapid.Check(t, func(rt *rapid.T) {
		line := string(rapid.SliceOfN(some, 0, 300).Draw(rt, "line"))
		mask := digitsOf(line)
		for i := range 64 {
			if want := i < len(line) && digit(line[i]); (mask>>i&1 == 1) != want {
				rt.Fatalf("%q: byte %d is taken for a digit: %v", line, i, !want)
			}
		}
		seen := map[int]bool{}
		s := &scanner{line: line, all: true, look: func(from int) int { seen[from] = true; return from }}
		s.digits()
		for i := range line {
			end := i
			for end < len(line) && digit(line[end]) {
				end++
			}
			begins := i == 0 || !digit(line[i-1])
			if want := begins && end-i == 12; want && !seen[i] {
				rt.Fatalf("%q: the twelve digits at %d are not looked at", line, i)
			}
		}
	})
}
