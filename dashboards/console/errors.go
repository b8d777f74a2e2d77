package console

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"

	"mimamori/event"
	"mimamori/soc"
)

// pageError is an error that a person is told about: the texts key.what,
// key.why and key.now.
type pageError struct {
	status int
	key    string
	err    error // the cause, for the log; may be nil
}

// Error describes the error for the log.
func (e *pageError) Error() string {
	if e.err != nil {
		return e.key + ": " + e.err.Error()
	}
	return e.key
}

// Unwrap returns the cause.
func (e *pageError) Unwrap() error { return e.err }

func errNotFound() error { return &pageError{status: http.StatusNotFound, key: "error.notfound"} }

// classify maps any error to what a person is told, once, here.
func classify(err error) *pageError {
	var pe *pageError
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &pe):
		return pe
	case errors.Is(err, fs.ErrNotExist):
		return &pageError{http.StatusNotFound, "error.notfound", err}
	case errors.Is(err, context.DeadlineExceeded):
		return &pageError{http.StatusGatewayTimeout, "error.slow", err}
	case errors.As(err, &tooLong):
		return &pageError{http.StatusRequestEntityTooLarge, "error.toolong", err}
	case errors.Is(err, event.ErrTooLarge):
		return &pageError{http.StatusUnprocessableEntity, "error.toolarge", err}
	case errors.Is(err, soc.ErrInvalid):
		return &pageError{http.StatusBadRequest, "error.invalid", err}
	}
	return &pageError{http.StatusInternalServerError, "error.internal", err}
}

// fail shows the error page and logs the cause under the same id.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, v *view, err error) {
	pe := classify(err)
	b := make([]byte, 4)
	rand.Read(b) // never fails
	id := hex.EncodeToString(b)
	level := slog.LevelInfo
	if pe.status >= 500 {
		level = slog.LevelError
	}
	user := ""
	if v.User != nil {
		user = v.User.Name
	}
	if !errors.Is(r.Context().Err(), context.Canceled) { // else the reader has gone
		c.log.Log(r.Context(), level, "page failed", "id", id, "status", pe.status, "method", r.Method, "path", r.URL.Path, "user", user, "err", pe.Error())
	}
	c.render(w, r, v, pe.status, errorPage(v, pe, id))
}

// parseForm reads a posted form; what can't be read is the sender's mistake.
func parseForm(r *http.Request) error {
	err := r.ParseForm()
	var tooLong *http.MaxBytesError
	if err == nil || errors.As(err, &tooLong) {
		return err
	}
	return &pageError{http.StatusBadRequest, "error.invalid", err}
}
