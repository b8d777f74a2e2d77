package elastic

import (
	"strings"
	"unicode/utf8"
)

// The index of a text is of words as Unicode cuts them (UAX #29): letters and
// digits of ASCII are never cut apart, nor are Katakana, and every ideograph
// and every Hiragana is a word of its own.

// brokenWords tells of a text whose words the index may have otherwise than
// that: a run longer than the longest word, or signs that join a character.
func brokenWords(s string) bool {
	run := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if run++; strings.IndexByte(" \t\r\n\"=/\\-()[]{}<>|;&%#!?+*~^$@", c) >= 0 {
				run = 0
			}
			i++
		} else {
			r, n := utf8.DecodeRuneInString(s[i:])
			if joins(r) {
				return true
			}
			run++
			i += n
		}
		if run > maxRun/2 {
			return true
		}
	}
	return false
}

// joins tells of marks that become one word with what stands before them.
func joins(r rune) bool {
	return r == 0x3099 || r == 0x309a || r == 0xff9e || r == 0xff9f || 0xfe00 <= r && r <= 0xfe0f || r == 0x200d || 0xe0000 <= r && r <= 0xe01ef
}

// piece is a part of a searched text that the index can be asked for.
type piece struct {
	text   string
	phrase bool // words that follow each other; else a part of one word
}

// pieces cuts a text into what the index can be asked for. Where the text is
// one piece and nothing else, whole says so: then the index's answer is right.
func pieces(s string) (out []piece, whole bool) {
	runes := []rune(s)
	covered := 0
	for i := 0; i < len(runes); {
		end, phrase := i, false
		switch {
		case plain(runes[i]):
			end = plainEnd(runes, i)
		case katakana(runes[i]):
			for end < len(runes) && katakana(runes[end]) {
				end++
			}
		case single(runes[i]):
			for phrase = true; end < len(runes) && single(runes[end]); end++ {
			}
		default:
			i++
			continue
		}
		out = append(out, piece{string(runes[i:min(end, i+maxPiece)]), phrase})
		covered += min(end-i, maxPiece)
		i = end
	}
	return out, len(out) == 1 && covered == len(runes) && (!out[0].phrase || len(runes) == 1)
}

// maxPiece bounds the pattern of one piece, in letters.
const maxPiece = 500

func plain(r rune) bool { return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' }

// plainEnd finds the end of letters, digits, and points between digits.
func plainEnd(runes []rune, i int) int {
	digit := func(i int) bool { return i < len(runes) && '0' <= runes[i] && runes[i] <= '9' }
	for i < len(runes) && (plain(runes[i]) || runes[i] == '.' && digit(i-1) && digit(i+1)) {
		i++
	}
	return i
}

func katakana(r rune) bool { return 0x30a1 <= r && r <= 0x30fa || r == 0x30fc }

// single tells of characters that are words of their own.
func single(r rune) bool { return 0x3041 <= r && r <= 0x3096 || 0x4e00 <= r && r <= 0x9fa5 }
