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
// an octet count ("123 <…") or by a newline, whichever it begins with. It keeps
// the first limit bytes of a longer message and throws the rest away.
type splitter struct {
	buf  []byte
	r, w int // what is not yet taken is buf[r:w]

	limit int            // longest line to keep
	grow  func(int) bool // asks for so many more bytes of memory, gives back when negative

	need int64 // bytes of the counted message at r, 0 when a newline ends it
	kept int   // bytes of the head of a message that is being cut, 0 when none is
	over int64 // bytes thrown away behind them
	scan int   // bytes that hold no newline

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
	} else if i := bytes.IndexByte(tail[s.scan:], '\n'); i >= 0 {
		end, skip = s.scan+i, 1
	}
	if end < 0 {
		s.hold(len(tail))
		return message{}, false
	}
	m := s.message(end)
	s.r += s.kept + end + skip
	s.counted = s.need > 0
	s.need, s.kept, s.over, s.scan = 0, 0, 0, 0
	return m, true
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
		s.w = s.r + s.kept
	case s.w-s.r > s.limit:
		s.cutAt(s.limit)
	case s.need == 0:
		s.scan = tail
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
	b := s.buf[s.r:s.w]
	digits, n := 0, int64(0)
	for digits < len(b) && digits < 12 && b[digits] >= '0' && b[digits] <= '9' {
		n = n*10 + int64(b[digits]-'0')
		digits++
	}
	switch {
	case digits > 0 && digits < 12 && digits+1 >= len(b) && (digits == len(b) || b[digits] == ' '):
		return false
	case digits > 0 && digits+1 < len(b) && b[digits] == ' ' && b[digits+1] == '<':
		if b[0] == '0' || n > maxCount {
			s.bad++
			return true
		}
		s.r += digits + 1
		s.need = n
	case s.counted && b[0] != '<' && b[0] != '\n' && b[0] != '\r' && b[0] != 0:
		s.bad++ // the count before was too small, so this begins inside a message
	}
	s.counted = false
	return true
}

// rest takes what is left when the stream has ended; it is no whole message.
func (s *splitter) rest() (message, bool) {
	if s.r == s.w {
		return message{}, false
	}
	m := s.message(s.w - s.r - s.kept)
	m.total = max(m.total, s.need)
	m.cut = true
	s.r, s.need, s.kept, s.over, s.scan = s.w, 0, 0, 0, 0
	return m, true
}
