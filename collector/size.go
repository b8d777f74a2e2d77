package collector

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes. In YAML it is a number with or without one of the
// units B, KiB, MiB, GiB and TiB.
type Size int64

// UnmarshalYAML reads a size; the error says what is allowed.
func (s *Size) UnmarshalYAML(b []byte) error {
	text := strings.Trim(strings.TrimSpace(string(b)), `"'`)
	number := strings.TrimRight(text, "BKMGTi ")
	unit := strings.TrimSpace(text[len(number):])
	shift, ok := map[string]int{"": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}[unit]
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !ok || !(n >= 0) || n*math.Pow(2, float64(shift)) > math.MaxInt64/2 {
		return fmt.Errorf("%q is no size; write a number and B, KiB, MiB, GiB or TiB, such as 512KiB", text)
	}
	*s = Size(n * math.Pow(2, float64(shift)))
	return nil
}

// String writes the size with the largest unit that divides it.
func (s Size) String() string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	n, i := int64(s), 0
	for n != 0 && n%1024 == 0 && i < len(units)-1 {
		n, i = n/1024, i+1
	}
	return strconv.FormatInt(n, 10) + units[i]
}
