package collector

import (
	"bytes"
	"net/http"

	"mimamori/frame"
)

// linesCutter is for bodies of lines: NDJSON, plain text in any charset that
// keeps the newline, and what Splunk calls raw.
func linesCutter(*http.Request) (cutter, error) { return cutLines, nil }

// cutLines makes a bodyLine of each line that is not empty. The last one may lack
// its newline: that the body came whole is known by its length.
func cutLines(b *body, emit func(bodyLine) error) error {
	var h held
	return b.chunks(func(part []byte, last bool) error {
		for {
			i := bytes.IndexByte(part, '\n')
			if i < 0 && !last {
				h.keep(part)
				return nil
			}
			line := part
			if i >= 0 {
				line, part = part[:i], part[i+1:]
			}
			if p := h.end(line); len(p.line) > 0 {
				if err := emit(p); err != nil {
					return err
				}
			}
			if i < 0 {
				return nil
			}
		}
	})
}

// held is the beginning of a bodyLine whose end has not come yet, at most
// frame.MaxLine bytes of it.
type held struct {
	buf   []byte
	total int64
}

func (h *held) keep(b []byte) {
	h.buf = append(h.buf, b[:min(len(b), frame.MaxLine-len(h.buf))]...)
	h.total += int64(len(b))
}

// end makes a bodyLine of what is held and the bytes behind it.
func (h *held) end(b []byte) bodyLine {
	p := bodyLine{line: b[:min(len(b), frame.MaxLine)], total: int64(len(b))}
	if h.total > 0 {
		h.keep(b)
		p = bodyLine{line: h.buf, total: h.total}
		h.buf, h.total = h.buf[:0], 0
	}
	if int64(len(p.line)) == p.total {
		p.line = bytes.TrimSuffix(p.line, []byte("\r"))
		p.total = int64(len(p.line))
	}
	return p
}
