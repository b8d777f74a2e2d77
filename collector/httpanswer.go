package collector

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// refusal is why a request is not taken: as HTTP status, as Splunk's code and
// as gRPC's (which OTLP wants).
type refusal struct {
	status, hec, grpc int
	text              string // for the sender's administrator
	splunk            string // Splunk's words for the code
}

// Error is what the sender is told.
func (r refusal) Error() string { return r.text }

// Why a request is refused. Nothing of it is kept.
var (
	errNoToken   = refusal{401, 2, 16, "a token is required: Authorization: Bearer TOKEN", "Token is required"}
	errBadScheme = refusal{401, 3, 16, "the Authorization header must be Bearer, Splunk or Basic", "Invalid authorization"}
	errBadToken  = refusal{403, 4, 7, "the token is none of this input's", "Invalid token"}
	errNoData    = refusal{400, 5, 3, "there is nothing in the body", "No data"}
	errFormat    = refusal{400, 6, 3, "the body is not of the format that this path takes", "Invalid data format"}
	errUnpack    = refusal{400, 6, 3, "the body cannot be unpacked, or asks for a window above 8 MiB", "Invalid data format"}
	errCutBody   = refusal{408, 6, 4, "the body did not come whole in time", "Invalid data format"}
	errEncoding  = refusal{415, 6, 3, "Content-Encoding must be gzip, deflate or zstd", "Invalid data format"}
	errType      = refusal{415, 6, 3, "Content-Type must be application/json or application/x-protobuf", "Invalid data format"}
	errTooLarge  = refusal{413, 27, 3, "the body is too large, packed or unpacked; send less at a time", "Request entity too large"}
	errNoPath    = refusal{404, 404, 5, "nothing is taken under this path", "The requested URL was not found on this server."}
	errNoPost    = refusal{405, 405, 12, "lines are taken by POST only", "Method Not Allowed"}
	errPutOff    = refusal{503, 9, 14, "lines cannot be taken for now; send them again later", "Server is busy"}
	errNoMemory  = refusal{503, 9, 14, "too much comes at a time; send it again later", "Server is busy"}
	errEnding    = refusal{503, 9, 14, "the collector stops, or the sender has hung up; send it again later", "Server is busy"}
	errLost      = refusal{503, 9, 14, "the collector stopped before all was on disk; send it again", "Server is busy"}
)

// retryAfter is how many seconds a sender that is put off should wait.
const retryAfter = 5

// outcome is what became of a request.
type outcome struct {
	records int
	cut     int // lines of which only the beginning is kept
	ack     int64
	err     error // a refusal; nil: all is on disk
}

// asRefusal maps an error to what the sender is told.
func asRefusal(err error) refusal {
	if r, ok := errors.AsType[refusal](err); ok {
		return r
	}
	return errPutOff
}

// note counts and logs a request that was not taken.
func (in *httpInput) note(w http.ResponseWriter, r *http.Request, err error) {
	if err == nil {
		return
	}
	why := asRefusal(err)
	if why.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		if n := in.count.putOff.Add(1); n&(n-1) == 0 {
			in.log.Warn("request put off", "peer", peer(r), "path", r.URL.Path, "err", why, "put_off", n)
		}
		return
	}
	if why.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.Header().Set("Connection", "close") // what is left of the body is not read
	if why == errFormat || why == errUnpack {
		in.count.badFraming.Add(1)
	}
	if n := in.count.refused.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th …
		in.log.Warn("request refused", "peer", peer(r), "path", r.URL.Path, "status", why.status, "err", why, "refused", n)
	}
}

// answerLines answers a request of lines.
func answerLines(w http.ResponseWriter, _ *http.Request, o outcome) {
	if o.err != nil {
		answerJSON(w, asRefusal(o.err).status, map[string]any{"error": o.err.Error()})
		return
	}
	answerJSON(w, http.StatusOK, map[string]any{"stored": o.records})
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers always have a JSON form
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // a sender that is gone cannot be told
}
