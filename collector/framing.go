package collector

import "bytes"

// Sizes of a connection's buffer.
const (
	smallBuffer = 4 << 10  // to begin with
	freeBuffer  = 16 << 10 // what every connection may take
	maxCount    = 64 << 20 // an octet count above this is nonsense
)

// message is one syslog message: a view that lasts until the next read.
type message struct {
	line  []byte
	total int64 // bytes it had, more than line holds where it was cut
	cut   bool  // line is not the whole message
}

// splitter cuts a stream into messages by RFC 6587: each message is framed by
// an octet count ("123 <…") or by a newline, whichever it begins with. NUL ends
// a message too where the next one's priority ("<13>") follows, and from then on
// wherever it stands, until a newline ends one. The splitter keeps the first
// limit bytes of a longer message and throws the rest away.
type splitter struct {
	buf  []byte
	r, w int // what is not yet taken is buf[r:w]

	limit int            // longest line to keep
	grow  func(int) bool // asks for so many more bytes of memory, gives back when negative

	need int64 // bytes of the counted message at r, 0 when a newline ends it
	kept int   // bytes of the head of a message that is being cut, 0 when none is
	over int64 // bytes thrown away behind them
	scan int   // bytes that hold no end
	nul  bool  // NUL ended the message before

	counted bool  // the message before was a counted one
	bad     int64 // counts that made no sense
}

// space is where to read to; it is never empty.
func (s *splitter) space() []byte {
	if s.r == s.w {
		s.r, s.w = 0, 0
		if len(s.buf) > freeBuffer {
			s.grow(freeBuffer - len(s.buf))
			s.buf = make([]byte, freeBuffer)
		}
	}
	if s.w < len(s.buf) {
		return s.buf[s.w:]
	}
	if s.r > 0 {
		s.w = copy(s.buf, s.buf[s.r:s.w])
		s.r = 0
		return s.buf[s.w:]
	}
	size := max(smallBuffer, 2*len(s.buf))
	if size > freeBuffer && !s.grow(size-max(len(s.buf), freeBuffer)) {
		s.cutAt(len(s.buf) * 3 / 4) // no memory: cut here
		return s.buf[s.w:]
	}
	buf := make([]byte, size)
	s.w = copy(buf, s.buf[s.r:s.w])
	s.buf = buf
	return s.buf[s.w:]
}

// close gives the memory back.
func (s *splitter) close() {
	if len(s.buf) > freeBuffer {
		s.grow(freeBuffer - len(s.buf))
	}
	s.buf, s.r, s.w = nil, 0, 0
}

// idle tells whether the stream stands between two messages.
func (s *splitter) idle() bool { return s.r == s.w && s.kept == 0 && s.need == 0 }

// next takes a message off the stream, false when more must be read first.
func (s *splitter) next() (message, bool) {
	if s.r == s.w || s.kept == 0 && s.need == 0 && s.scan == 0 && !s.begin() {
		return message{}, false
	}
	tail := s.buf[s.r+s.kept : s.w]
	end, skip := -1, 0
	if s.need > 0 {
		if rest := s.need - s.over - int64(s.kept); int64(len(tail)) >= rest {
			end = int(rest)
		}
	} else {
		end, skip = s.ending(tail), 1
	}
	if end < 0 {
		s.hold(len(tail))
		return message{}, false
	}
	m := s.message(end)
	s.nul = skip == 1 && tail[end] == 0
	s.r += s.kept + end + skip
	s.counted = s.need > 0
	s.need, s.kept, s.over, s.scan = 0, 0, 0, 0
	return m, true
}

// ending finds the end of a message that has no count, -1 when it is not there
// yet.
func (s *splitter) ending(tail []byte) int {
	line := tail
	lf := bytes.IndexByte(tail[s.scan:], '\n')
	if lf >= 0 {
		lf += s.scan
		line = tail[:lf]
	}
	for at := s.scan; ; at++ {
		i := bytes.IndexByte(line[at:], 0)
		if at += i; i < 0 || !s.nul && (s.kept > 0 || at > s.limit-3) { // so near the limit, where pieces begin would decide
			break
		}
		if s.nul || at+2 < len(line) && line[at+1] == '<' && line[at+2] >= '0' && line[at+2] <= '9' {
			return at
		}
		if lf < 0 && at+2 >= len(line) { // what follows will tell
			s.scan = at
			return -1
		}
	}
	if lf < 0 {
		s.scan = len(tail)
	}
	return lf
}

// message makes the message that ends so many bytes behind what is kept.
func (s *splitter) message(end int) message {
	m := message{total: int64(s.kept) + s.over + int64(end)}
	if s.kept > 0 {
		m.line = s.buf[s.r : s.r+s.kept]
	} else {
		m.line = s.buf[s.r : s.r+min(end, s.limit)]
	}
	if m.cut = int64(len(m.line)) < m.total; !m.cut {
		m.line = bytes.TrimRight(m.line, "\r\n\x00")
	}
	return m
}

// hold keeps what has come of an unfinished message, or its head.
func (s *splitter) hold(tail int) {
	switch {
	case s.kept > 0:
		s.over += int64(tail)
		s.w, s.scan = s.r+s.kept, 0
	case s.w-s.r > s.limit:
		s.cutAt(s.limit)
	}
}

// cutAt keeps the first n bytes of the message that is coming in.
func (s *splitter) cutAt(n int) {
	s.kept, s.over, s.scan = n, int64(s.w-s.r-n), 0
	s.w = s.r + n
}

// begin looks at the first bytes of a message for an octet count; false means
// that they do not yet tell.
func (s *splitter) begin() bool {
	for s.r < s.w && s.buf[s.r] == 0 { // left of an end like "\n\x00"
		s.r++
	}
	if s.r == s.w {
		return false
	}
	b := s.buf[s.r:s.w]
	head, n, more := octets(b)
	switch {
	case more:
		return false
	case head > 0 && (n <= 0 || n > maxCount):
		s.bad++
		return true
	case head > 0:
		s.r += head
		s.need = n
	case s.counted && b[0] != '<' && b[0] != '\n' && b[0] != '\r':
		s.bad++ // the count before was too small, so this begins inside a message
	}
	s.counted = false
	return true
}

const mark3 = "\xef\xbb\xbf" // byte order mark

// octets reads an octet count: how many bytes it takes, 0 when there is none,
// and its value, 0 when it makes no sense. A byte order mark may stand before
// it or before the message's priority. more means that b is too short to tell.
func octets(b []byte) (head int, n int64, more bool) {
	mark, more := prefixOf(b, mark3)
	if more {
		return 0, 0, true
	}
	from := 0
	if mark {
		from = len(mark3)
	}
	to := from
	for to < len(b) && to-from < 12 && b[to] >= '0' && b[to] <= '9' {
		n = n*10 + int64(b[to]-'0')
		to++
	}
	switch {
	case to-from == 12:
		return 0, 0, false
	case to == len(b):
		return 0, 0, true
	case to == from || b[to] != ' ':
		return 0, 0, false
	}
	if b[from] == '0' {
		n = 0
	}
	rest := b[to+1:]
	if mark, more = prefixOf(rest, mark3); mark {
		rest = rest[len(mark3):]
	}
	if more || len(rest) == 0 {
		return 0, 0, true
	}
	if rest[0] != '<' {
		return 0, 0, false
	}
	return to + 1, n, false
}

// prefixOf tells whether b begins with the prefix, or is too short to tell.
func prefixOf(b []byte, prefix string) (yes, more bool) {
	n := min(len(b), len(prefix))
	if string(b[:n]) != prefix[:n] {
		return false, false
	}
	return n == len(prefix), n > 0 && n < len(prefix)
}

// rest takes what is left when the stream has ended; it is no whole message,
// unless NUL ends it.
func (s *splitter) rest() (message, bool) {
	if s.r == s.w {
		return message{}, false
	}
	m := s.message(s.w - s.r - s.kept)
	if m.total = max(m.total, s.need); m.cut || s.need > 0 || s.buf[s.w-1] != 0 {
		m.cut = true
	}
	s.r, s.need, s.kept, s.over, s.scan = s.w, 0, 0, 0, 0
	return m, true
}
