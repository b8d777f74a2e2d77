package charset

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// The Japanese of the rule library and the README, which nobody wrote for this
// test, cut into phrases of a few characters and into lines.
func TestWordsOfOtherTextsAreRecognised(t *testing.T) {
	files, _ := filepath.Glob("../../rules/library/*.yaml")
	files = append(files, "../../README.ja.md")
	phrase := regexp.MustCompile(`[\p{Han}\p{Katakana}\p{Hiragana}ー]{2,}`)
	var phrases []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		phrases = append(phrases, phrase.FindAllString(string(b), -1)...)
	}
	if len(phrases) < 300 {
		t.Fatalf("only %d phrases", len(phrases))
	}
	alone, source := map[string]map[string]int{}, map[string]map[string]int{}
	for _, name := range []string{UTF8, CP932, EUCJP, ISO2022JP} {
		alone[name], source[name] = map[string]int{}, map[string]int{}
		var d Detector
		for _, p := range phrases {
			line, ok := encode(name, p)
			if !ok {
				continue
			}
			one, many := Guess(string(line)), d.Observe(string(line))
			alone[name][short(one)]++
			source[name][short(many)]++
		}
	}
	right(t, alone, 0.98)
	right(t, source, 0.999)
}

// short names UTF-8, which an observation leaves empty.
func short(name string) string {
	if name == "" {
		return UTF8
	}
	return name
}
