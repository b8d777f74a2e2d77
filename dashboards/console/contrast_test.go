package console

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// Text on its ground needs a contrast of 4.5 (WCAG 2.2, 1.4.3); the pairs are
// those of app.css.
func TestColoursHaveEnoughContrast(t *testing.T) {
	css := string(must(os.ReadFile("assets/tokens.css"))) + string(must(os.ReadFile("assets/app.css")))
	colours := map[string]string{}
	for _, m := range regexp.MustCompile(`(--[a-z0-9-]+):\s*(#[0-9a-f]{6}|var\((--[a-z0-9-]+)\));`).FindAllStringSubmatch(css, -1) {
		colours[m[1]] = m[2]
		if m[3] != "" {
			colours[m[1]] = colours[m[3]]
		}
	}
	for _, pair := range [][2]string{
		{"--ink", "--ground"},
		{"--quiet", "--ground"},
		{"--quiet", "--paper"},
		{"--quiet", "--color-primitive-blue-50"},
		{"--link", "--paper"},
		{"--link", "--color-primitive-blue-50"},
		{"--paper", "--critical"},
		{"--paper", "--link"},
		{"--high", "--color-primitive-orange-50"},
		{"--medium", "--color-primitive-yellow-50"},
		{"--low", "--color-primitive-blue-50"},
		{"--info", "--paper"},
		{"--good", "--paper"},
		{"--good", "--color-primitive-green-50"},
		{"--critical", "--color-primitive-red-50"},
		{"--color-primitive-orange-1000", "--color-primitive-orange-50"},
		{"--color-primitive-orange-900", "--paper"},
		{"--quiet", "--color-primitive-red-50"},
		{"--quiet", "--color-primitive-orange-50"},
		{"--color-primitive-red-1000", "--color-primitive-red-50"},
		{"--critical", "--paper"},
	} {
		a, b := luminance(t, colours[pair[0]]), luminance(t, colours[pair[1]])
		if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
			t.Errorf("%s on %s: %.2f", pair[0], pair[1], ratio)
		}
	}
}

// luminance is the relative luminance of #rrggbb, as WCAG 2.2 defines it.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) != 7 {
		t.Fatalf("no colour: %q", hex)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n := must(strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8))
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
