package collector

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync/atomic"
)

// ackIDs are the numbers that a sender with a channel may ask about. Each is
// given with a 200, which is given when all is on disk: whatever number a
// sender asks about, the answer is yes, and nothing need be remembered.
type ackIDs struct{ last atomic.Int64 }

func (a *ackIDs) next() int64 { return a.last.Add(1) }

// ackBody bounds what is read of a question: some 8,000 numbers.
const ackBody = 64 << 10

// answerAck answers which requests are on disk.
func (in *httpInput) answerAck(w http.ResponseWriter, r *http.Request) {
	known, err := in.askedFor(w, r)
	in.note(w, r, err)
	if err != nil {
		answerHEC(w, r, outcome{err: err})
		return
	}
	answerJSON(w, http.StatusOK, map[string]any{"acks": known})
}

func (in *httpInput) askedFor(w http.ResponseWriter, r *http.Request) (map[string]bool, error) {
	if err := in.admit(r); err != nil {
		return nil, err
	}
	if r.Method != http.MethodPost {
		return nil, errNoPost
	}
	m := &lease{total: &in.memory}
	defer m.release()
	b, err := in.read(w, r, m, ackBody)
	if err != nil {
		return nil, err
	}
	var q struct {
		Acks []int64 `json:"acks"`
	}
	if json.Unmarshal(b, &q) != nil {
		return nil, errFormat
	}
	known := map[string]bool{}
	for _, id := range q.Acks {
		known[strconv.FormatInt(id, 10)] = true
	}
	return known, nil
}

// answerHealth tells whether lines would be taken now.
func (in *httpInput) answerHealth(w http.ResponseWriter, r *http.Request) {
	if r.Context().Err() != nil || in.handed.stuck() {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		answerJSON(w, http.StatusServiceUnavailable, hecText{Text: "HEC is unhealthy, queues are full", Code: 18})
		return
	}
	answerJSON(w, http.StatusOK, hecText{Text: "HEC is healthy", Code: 17})
}

// givenFile is the name of the source that a sender of raw lines gives, most
// often a path.
func givenFile(r *http.Request) string {
	const longest = 1024
	s := r.URL.Query().Get("source")
	return s[:min(len(s), longest)]
}
