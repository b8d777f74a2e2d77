package collector

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

const bodyChunk = 64 << 10

// lease is the memory that one request has of its source's share.
type lease struct {
	total *atomic.Int64
	held  int64
}

// add takes n more bytes, or gives them back when n is negative.
func (m *lease) add(n int) error {
	if m.total.Add(int64(n)) > httpMemory && n > 0 {
		m.total.Add(int64(-n))
		return errNoMemory
	}
	m.held += int64(n)
	return nil
}

func (m *lease) release() { m.total.Add(-m.held) }

// fill reads to the end, at most limit bytes; errTooLarge beyond. What it holds
// is never more than twice what has come, whatever size was promised.
func (m *lease) fill(r io.Reader, promised int64, limit int) ([]byte, error) {
	if promised > int64(limit) {
		return nil, errTooLarge
	}
	size := bodyChunk
	if promised >= 0 {
		size = int(min(promised+1, bodyChunk))
	}
	var buf []byte
	for {
		if len(buf) == cap(buf) {
			if buf != nil {
				size = min(2*cap(buf), limit+1)
			}
			if promised >= int64(len(buf)) {
				size = min(size, int(promised)+1)
			}
			if err := m.add(size); err != nil {
				return nil, err
			}
			old := cap(buf)
			buf = append(make([]byte, 0, size), buf...)
			_ = m.add(-old)
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > limit:
			_ = m.add(-cap(buf))
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return nil, fmt.Errorf("body: %w", err)
		}
	}
}

// read takes the body off the connection, as it was sent, at most limit bytes.
func (in *httpInput) read(w http.ResponseWriter, r *http.Request, m *lease, limit int) ([]byte, error) {
	s := &steady{r: r.Body, control: http.NewResponseController(w), end: time.Now().Add(in.slow)}
	defer func() { _ = s.control.SetReadDeadline(time.Time{}) }()
	b, err := m.fill(s, r.ContentLength, limit)
	if _, ok := errors.AsType[refusal](err); err != nil && !ok {
		return nil, errCutBody
	}
	if errors.Is(err, errTooLarge) { // a sender that is cut off while it sends does not see why, and tries again
		_, _ = io.CopyN(io.Discard, s, httpUnpacked)
	}
	return b, err
}

// steady reads a body whose sender must not be too slow.
type steady struct {
	r       io.Reader
	control *http.ResponseController
	end     time.Time
}

// Read moves the deadline by what has come.
func (s *steady) Read(b []byte) (int, error) {
	if err := s.control.SetReadDeadline(s.end); err != nil {
		return 0, fmt.Errorf("body: %w", err)
	}
	n, err := s.r.Read(b)
	s.end = s.end.Add(time.Duration(n) * time.Second / httpRate)
	return n, err // io.EOF is the end
}
