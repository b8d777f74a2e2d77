package collector

import (
	"bytes"
	"regexp"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"

	"mimamori/frame"
)

// Bounds of a record that is made of several lines.
const (
	defaultLines   = 500
	defaultJoined  = 128 << 10
	defaultTimeout = 5 * time.Second
	matchBytes     = 1 << 10 // of a line that an expression looks at
)

// shape is how the files of one input become records. Nothing changes it.
type shape struct {
	charset           string
	begins, continues *regexp.Regexp // multi-line: one of them
	csv               *csvShape
	maxLines          int
	maxBytes          int
	timeout           time.Duration // an unfinished record is taken after so much quiet
}

// newShape compiles what the configuration says. Its expressions were checked.
func newShape(in *Input) *shape {
	s := &shape{charset: in.Charset, maxLines: defaultLines, maxBytes: defaultJoined, timeout: defaultTimeout}
	if m := in.Multiline; m != nil {
		s.begins, s.continues = compiled(m.Begin), compiled(m.Continue)
		if m.MaxLines > 0 {
			s.maxLines = m.MaxLines
		}
		if m.MaxBytes > 0 {
			s.maxBytes = int(m.MaxBytes)
		}
		if m.Timeout > 0 {
			s.timeout = m.Timeout
		}
	}
	if c := in.CSV; c != nil {
		s.csv = newCSVShape(c)
	}
	return s
}

func compiled(re string) *regexp.Regexp {
	if re == "" {
		return nil
	}
	return regexp.MustCompile(re)
}

// joins tells that a record may have several lines.
func (s *shape) joins() bool { return s.begins != nil || s.continues != nil || s.csv != nil }

// form cuts one file's bytes into records. Records cover the file without gap
// or overlap, so that a position between two of them is all there is to keep,
// whatever limits, quiet or a restart had to do with where they were cut.
type form struct {
	*shape
	coding
	sure    bool // that the coding is the file's
	flush   bool // take what is not finished: nothing more came
	final   bool // and the file's end is a line's end
	columns columns
	buf     []byte
}

// piece is the record at the beginning of some bytes.
type piece struct {
	n, size int // bytes of its text, and with its end; 0 when that is not there
	flags   frame.Flags
	header  string
}

// next finds the first record of data, which stands at the offset of the file.
// end tells that the file has no more.
func (f *form) next(data []byte, at int64, end bool) piece {
	if f.shape == nil || !f.joins() {
		n, size := f.first(data, at, end)
		return piece{n: n, size: size}
	}
	if f.csv != nil {
		return f.row(data, at, end)
	}
	return f.group(data, at, end)
}

// first finds the first line of data.
func (f *form) first(data []byte, at int64, end bool) (n, size int) {
	if n, size = f.line(data, at); size == 0 && end && f.final {
		return len(data), len(data)
	}
	return n, size
}

// group finds the lines that belong together.
func (f *form) group(data []byte, at int64, end bool) piece {
	n, size := f.first(data, at, end)
	p := piece{n: n, size: size}
	for lines := 1; p.size > 0; lines++ {
		n, size := f.first(data[p.size:], at+int64(p.size), end)
		switch {
		case size == 0 && end && (f.final || f.flush):
			return p
		case size == 0 && len(data) <= f.maxBytes:
			return piece{}
		case size > 0 && !f.follows(data[p.size:p.size+n]):
			return p
		case size == 0, lines >= f.maxLines, p.size+n > f.maxBytes:
			p.flags = frame.Truncated // what follows is the next record: nothing is lost
			return p
		}
		p.n, p.size = p.size+n, p.size+size
	}
	return p
}

// follows tells whether a line goes on the record before it.
func (f *form) follows(line []byte) bool {
	if f.begins != nil {
		return !f.matches(f.begins, line)
	}
	return f.matches(f.continues, line)
}

// matches looks for the expression in a line, which is made legible for it.
func (f *form) matches(re *regexp.Regexp, line []byte) bool {
	line = line[:min(len(line), matchBytes)]
	switch {
	case f.wide != nil:
		f.buf = f.text(line, f.buf)
		return re.Match(f.buf)
	case ascii(re.String()), utf8.Valid(line) && bytes.IndexByte(line, escape) < 0:
		return re.Match(line)
	}
	return re.Match(legible(line, f.shape.charset))
}

const escape = 0x1b // begins what ISO-2022-JP has beside ASCII

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// legible decodes a Japanese line for an expression; what fits no charset stays.
func legible(line []byte, charset string) []byte {
	all := map[string]encoding.Encoding{"cp932": japanese.ShiftJIS, "euc-jp": japanese.EUCJP, "iso-2022-jp": japanese.ISO2022JP}
	order := []string{"cp932", "euc-jp"}
	if bytes.IndexByte(line, escape) >= 0 {
		order = []string{"iso-2022-jp"}
	}
	for _, name := range order {
		if charset != "" && charset != "auto" && charset != name {
			continue
		}
		if text, err := all[name].NewDecoder().Bytes(line); err == nil && (!bytes.ContainsRune(text, utf8.RuneError) || charset == name) {
			return text
		}
	}
	return line
}
