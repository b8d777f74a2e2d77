package format

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/internal/testkit"
)

// corpus reads a file of the corpora, or skips.
func corpus(t testing.TB, name string, line func([]byte)) {
	t.Helper()
	for b := range testkit.Lines(t, name) {
		line(b)
	}
}

// rawLine is a log line as a corpus holds it: a text, or an object that is one.
type rawLine string

func (r *rawLine) UnmarshalJSON(b []byte) error {
	if b[0] != '"' {
		*r = rawLine(b)
		return nil
	}
	return json.Unmarshal(b, (*string)(r))
}

func TestEveryWindowsEventOfTheCorporaIsRead(t *testing.T) {
	p := builtinSet(t).Parser(Options{Location: time.UTC})
	channel, id := event.MustLookup("winlog.channel"), event.MustLookup("winlog.event_id")
	x := &event.Builder{}
	for _, file := range []string{"evtx/attack-hayabusa-sample.jsonl.gz", "evtx/benign-evtx-crate.jsonl.gz", "otrf/windows.jsonl.gz", "otrf/compound.jsonl.gz"} {
		lines, bad, other, dropped := 0, 0, 0, 0
		shown := map[string]int{}
		corpus(t, file, func(b []byte) {
			if lines++; testing.Short() && lines > 20000 {
				return
			}
			var rec struct{ Event json.RawMessage }
			if err := json.Unmarshal(b, &rec); err != nil {
				t.Fatal(err)
			}
			line := string(rec.Event)
			res := answered(t, p, x, Input{Line: line})
			dropped += res.Dropped
			named := x.Str(channel) != "" || !strings.Contains(line, `"Channel":"`) && !strings.Contains(line, `"EventLog":"`)
			if res.Format == "windows-json" && named && x.Str(id) != "" && res.Reason == "" {
				return
			}
			if !strings.Contains(line, `"EventID"`) && !strings.Contains(line, `"event_id"`) {
				other++ // syslog and cloud records in the same archives
				return
			}
			bad++
			if shown[res.Reason]++; shown[res.Reason] <= 2 {
				t.Logf("%s: format %q, reason %q: %.300s", file, res.Format, res.Reason, line)
			}
		})
		t.Logf("%s: %d lines, %d not read as Windows events, %d other records, %d values dropped; %v", file, lines, bad, other, dropped, shown)
		if bad > 0 {
			t.Errorf("%s: %d of %d Windows events are not read", file, bad, lines)
		}
	}
}
