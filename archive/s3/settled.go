package s3

import (
	"io"
	"net/http"
	"sync"
)

// settled makes a call end only when nothing reads its body any more. The client
// reads a body again from its beginning when it tries again, while the transport,
// after an error or an early answer, may still be reading it.
type settled struct{ http.RoundTripper }

// RoundTrip is http.RoundTripper's.
func (s settled) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return s.RoundTripper.RoundTrip(r) //nolint:wrapcheck // it stands in between
	}
	body := &sent{ReadCloser: r.Body, closed: make(chan struct{})}
	own := r.Clone(r.Context())
	own.Body = body
	answer, err := s.RoundTripper.RoundTrip(own)
	if err != nil {
		<-body.closed   // RoundTrippers close bodies in any case
		return nil, err //nolint:wrapcheck // it stands in between
	}
	answer.Body = &answered{answer.Body, body}
	return answer, nil
}

// sent is the body of a call.
type sent struct {
	io.ReadCloser
	once   sync.Once
	closed chan struct{}
}

// Close is the transport's last word on it.
func (s *sent) Close() error {
	err := s.ReadCloser.Close()
	s.once.Do(func() { close(s.closed) })
	return err //nolint:wrapcheck // it stands in between
}

// answered is the body of an answer, behind which nothing of the call goes on.
type answered struct {
	io.ReadCloser
	call *sent
}

// Close waits for the call's own body.
func (a *answered) Close() error {
	err := a.ReadCloser.Close()
	<-a.call.closed
	return err //nolint:wrapcheck // it stands in between
}
