package sigma

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// header begins every file that an import wrote.
const header = "# Imported from Sigma"

// sealMark begins the line, the second one, that holds a hash of all others: an
// import changes and deletes only files that say what they said when it wrote
// them.
const sealMark = "# Hash of the other lines, which tells whether somebody edited them: "

// origin is who wrote a file in the folder of an import.
type origin uint8

// The origins.
const (
	byOthers origin = iota // somebody else
	byEditor               // an import, and somebody changed it since
	byImport               // an import
)

// sealed adds the hash to the text of a rule file.
func sealed(text string) string {
	first, rest, _ := strings.Cut(text, "\n")
	return first + "\n" + sealMark + sum(text) + "\n" + rest
}

// originOf tells who wrote a file. Line ends are not looked at: copying changes them.
func originOf(file string) origin {
	file = strings.ReplaceAll(strings.TrimPrefix(file, "\uFEFF"), "\r\n", "\n")
	if !strings.HasPrefix(file, header) {
		return byOthers
	}
	first, rest, _ := strings.Cut(file, "\n")
	seal, rest, _ := strings.Cut(rest, "\n")
	if hash, ok := strings.CutPrefix(seal, sealMark); ok && hash == sum(first+"\n"+rest) {
		return byImport
	}
	return byEditor
}

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:16])
}
