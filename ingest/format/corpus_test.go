package format

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
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
			x.Reset()
			res := p.Parse(Input{Line: line}, x)
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

// core are the fields that the comparison covers.
func core(name string) bool {
	for _, p := range []string{"source.", "destination.", "user.", "url.", "process."} {
		if strings.HasPrefix(name, p) {
			return !slices.Contains([]string{"url.registered_domain", "url.top_level_domain", "url.subdomain"}, name)
		}
	}
	return name == "@timestamp"
}

func flatten(out map[string]any, prefix string, v any) {
	if m, ok := v.(map[string]any); ok {
		for k, v := range m {
			flatten(out, prefix+k+".", v)
		}
		return
	}
	out[strings.TrimSuffix(prefix, ".")] = v
}

// norm spells a value so that spellings of one thing are equal.
func norm(field string, v any) string {
	s := ""
	switch v := v.(type) {
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, norm(field, e))
		}
		slices.Sort(all)
		return strings.Join(slices.Compact(all), "\x00")
	case float64:
		s = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		s = strings.TrimSpace(fmt.Sprint(v))
	}
	if field == "@timestamp" {
		for _, l := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
			if at, err := time.Parse(l, s); err == nil {
				return strconv.FormatInt(at.UnixMilli(), 10)
			}
		}
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return a.String()
	}
	if strings.Contains(field, "hash") || strings.HasSuffix(field, ".name") || strings.HasSuffix(field, ".hostname") || strings.HasSuffix(field, ".domain") || strings.HasSuffix(field, ".mac") || strings.HasSuffix(field, ".address") {
		return strings.ToLower(s)
	}
	return s
}

// tally counts how our values compare with the expected ones.
type tally struct{ equal, missing, different int }

// compare counts one case; it returns what is not equal.
func (n *tally) compare(x *event.Builder, expected map[string]any) (out []string) {
	want := map[string]any{}
	flatten(want, "", expected)
	for f, v := range want {
		if !core(f) || v == nil || v == "" {
			continue
		}
		ours, found := event.Value{}, false
		if field, ok := event.Lookup(f); ok {
			ours, found = x.Get(field)
		}
		var mine any = ours.Text()
		if ours.Kind() == event.List {
			var all []any
			for _, s := range ours.List() {
				all = append(all, s)
			}
			mine = all
		}
		switch {
		case !found:
			n.missing++
		case norm(f, v) == norm(f, mine):
			n.equal++
			continue
		default:
			n.different++
		}
		out = append(out, fmt.Sprintf("%s: expected %v, ours %q", f, v, ours.Text()))
	}
	return out
}

// TestExpectedFieldsOfTheParserCorpus compares with what another SIEM's parser
// finds in the same lines. The floors hold what is reached, a little below.
func TestExpectedFieldsOfTheParserCorpus(t *testing.T) {
	floors := map[string]float64{
		"Fortinet/fortigate": 88, "Squid/squid": 72, "OpenSSH/openssh": 88, "CEF/cef": 70, "Windows/windows": 66, "Beats/winlogbeat": 85,
		"Palo Alto Networks/paloalto-ngfw": 90, "Cisco/cisco-secure-firewall": 78, "Cisco/cisco-ios": 85, "Checkpoint/checkpoint": 91, "Juniper/juniper-ngfw": 97, "SonicWall/sonicwall-fw": 88,
	}
	per := map[string]*tally{}
	p := builtinSet(t).Parser(Options{Location: time.UTC})
	x := &event.Builder{}
	show := os.Getenv("MIMAMORI_SHOW")
	corpus(t, "parsers/sekoia-intake.jsonl.gz", func(b []byte) {
		var c struct {
			Case, Vendor, Product string
			Raw                   json.RawMessage
			Expected              map[string]any
		}
		if err := json.Unmarshal(b, &c); err != nil {
			t.Fatal(err)
		}
		name := c.Vendor + "/" + c.Product
		if _, ok := floors[name]; !ok {
			return
		}
		line := string(c.Raw)
		if c.Raw[0] == '"' {
			if err := json.Unmarshal(c.Raw, &line); err != nil {
				t.Fatal(err)
			}
		}
		if per[name] == nil {
			per[name] = &tally{}
		}
		x.Reset()
		res := p.Parse(Input{Line: line}, x)
		unequal := per[name].compare(x, c.Expected)
		if show != "" && strings.Contains(name, show) {
			t.Logf("%s: format %q, reason %q\n%s", c.Case, res.Format, res.Reason, strings.Join(unequal, "\n"))
		}
	})
	for name, n := range per {
		share := 100 * float64(n.equal) / float64(n.equal+n.missing+n.different)
		t.Logf("%-20s %5.1f %%  equal %d missing %d different %d", name, share, n.equal, n.missing, n.different)
		if share < floors[name] {
			t.Errorf("%s: %.1f %% of the expected fields, the floor is %.1f %%", name, share, floors[name])
		}
	}
}
