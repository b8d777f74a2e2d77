package draft

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/ingest/format"
)

// keyInfo is a key of the samples.
type keyInfo struct {
	name   string
	lines  int      // of those looked at, that have it
	values []string // different ones, not empty
}

// maxValues bounds the values of a key that are looked at.
const maxValues = 60

// head is the beginning of a file of this format.
func (d *drafter) head() string {
	s := "name: " + d.Name + "\nmodule: " + d.Module + "\ndataset: " + d.dataset + "\n"
	if d.cut.extends() {
		return "extends: " + d.cut.kind + "\ngeneric: false\n" + s
	}
	return s + d.cut.line() + "\n"
}

// probe has the engine itself cut the samples, and gathers their keys.
func (d *drafter) probe() error {
	set, err := d.load(d.head()+"recognise: [{by-name: true}]\n", false)
	if err != nil {
		return fmt.Errorf("draft: %w", err)
	}
	byName := map[string]*keyInfo{}
	step := max(1, len(d.lines)/maxProbed)
	read := 0
	for i := 0; i < len(d.lines); i += step {
		s := &d.lines[i]
		s.keys = map[string]string{}
		e := set.Explain(d.input(s.whole), format.Options{Location: d.Zone, Format: d.Name})
		if e.Format == "" {
			continue
		}
		read++
		for _, st := range e.Steps {
			if st.Stage != "map" || st.Key == "" {
				continue
			}
			k := byName[st.Key]
			if k == nil {
				k = &keyInfo{name: st.Key}
				byName[st.Key] = k
				d.keys = append(d.keys, k)
			}
			if _, again := s.keys[st.Key]; !again {
				k.lines++
			}
			s.keys[st.Key] = st.Value
			if v := st.Value; !isNothing(v) && len(k.values) < maxValues && !slices.Contains(k.values, v) {
				k.values = append(k.values, v)
			}
		}
	}
	if read == 0 {
		return fmt.Errorf("draft: the samples cannot be cut as %s", d.cut.kind)
	}
	return nil
}

func (d *drafter) input(line string) format.Input {
	return format.Input{Line: line, Header: d.header, Received: d.received()}
}

// received is when lines of tests are received.
func (d *drafter) received() time.Time {
	if !d.recv.IsZero() {
		return d.recv
	}
	return format.TestTime()
}

// timeLayouts are spellings that the engine does not know by itself.
var timeLayouts = []string{
	"02.01.2006 15:04:05", "02-01-2006 15:04:05", "20060102 15:04:05", "20060102150405", "20060102T150405", "2006.01.02 15:04:05", "02/01/2006 15:04:05", "01/02/2006 15:04:05",
	"01/02/06 15:04:05", "2006/01/02-15:04:05", "2006-01-02 15:04:05 -0700 MST", "20060102",
}

// findTimes finds the keys that hold the event's own time, by having the engine
// read them.
func (d *drafter) findTimes() error {
	if d.cut.extends() {
		return nil
	}
	for _, spec := range d.timeSpecs() {
		good, late, err := d.triesTime(spec)
		if err != nil {
			return err
		}
		if good == 0 {
			continue
		}
		d.times = append(d.times, spec)
		if late {
			d.recv = d.Now.UTC().Truncate(time.Second)
		}
		break
	}
	if len(d.times) == 0 {
		d.note("no key holds a time that can be read: events bear the time of their syslog header, or of receipt")
	}
	return nil
}

// timeSpecs lists what may stand in `time:`, the most likely first.
func (d *drafter) timeSpecs() (out []string) {
	var dates, clocks, zones, alone []string
	for _, k := range d.keys {
		name := strings.ToLower(k.name)
		if k.lines*2 < d.probed() || len(k.values) == 0 || !hasDigit(k.values[0]) {
			continue
		}
		switch v := k.values[0]; {
		case strings.Contains(name, "zone") || name == "tz":
			if strings.IndexAny(v, "+-") == 0 && len(k.values) < 4 {
				zones = append(zones, k.name)
			}
		case isClock(v):
			clocks = append(clocks, k.name)
		case isDay(v):
			dates = append(dates, k.name)
		case namedTime(name) || isStamp(v):
			alone = append(alone, k.name)
		}
	}
	slices.SortStableFunc(alone, func(a, b string) int { return rankTime(a) - rankTime(b) })
	zone := ""
	if len(zones) > 0 {
		zone = " " + zones[0] + "?"
	}
	for _, a := range alone {
		out = append(out, quote(a))
	}
	for _, day := range dates {
		for _, clock := range clocks {
			if !strings.Contains(day+clock, " ") {
				out = append(out, quote(day+" "+clock+zone))
			}
		}
	}
	for _, spec := range slices.Clone(out) {
		for _, layout := range timeLayouts {
			out = append(out, "{from: "+strings.Replace(spec, zone, "", 1)+", layout: "+quote(layout)+"}")
		}
	}
	return out
}

func (d *drafter) probed() (n int) {
	for i := range d.lines {
		if len(d.lines[i].keys) > 0 {
			n++
		}
	}
	return n
}

func hasDigit(s string) bool { return strings.ContainsAny(s, "0123456789") }

// isStamp: 2026-11-01T09:15:02 and its like.
func isStamp(s string) bool {
	return len(s) >= 16 && len(s) <= 40 && strings.HasPrefix(s, "20") && strings.Count(s, ":") >= 2 && strings.Trim(s[:10], "0123456789-/.") == ""
}

// isClock: 09:15:02, isDay: 2026-11-01, 01.11.2026, 20261101.
func isClock(s string) bool {
	return strings.Count(s, ":") >= 1 && len(s) <= 15 && strings.Trim(s, "0123456789:.") == ""
}

func isDay(s string) bool {
	sep := strings.Count(s, "-") + strings.Count(s, "/") + strings.Count(s, ".")
	return sep == 2 && len(s) <= 10 && strings.Trim(s, "0123456789-/.") == "" || len(s) == 8 && strings.HasPrefix(s, "20") && strings.Trim(s, "0123456789") == ""
}

// timeWords show a key whose value is a time, the likeliest first.
var timeWords = []string{"eventtime", "event_time", "timestamp", "@timestamp", "datetime", "time", "ts", "rt", "date", "日時", "stamp", "start", "occurred", "created", "end"}

func rankTime(key string) int {
	key = strings.ToLower(key)
	for i, w := range timeWords {
		if key == w {
			return i
		}
	}
	for i, w := range timeWords {
		if len(w) > 2 && strings.Contains(key, w) {
			return len(timeWords) + i
		}
	}
	return 10 * len(timeWords)
}

func namedTime(key string) bool {
	return rankTime(key) < 10*len(timeWords) && !strings.Contains(key, "timeout") && !strings.Contains(key, "elapsed") && !strings.Contains(key, "duration")
}

// triesTime has the engine read the samples' times as spec says: how many it can
// read, and whether some are later than tests are usually received.
func (d *drafter) triesTime(spec string) (good int, late bool, err error) {
	set, err := d.load(d.head()+"recognise: [{by-name: true}]\ntime: ["+spec+"]\n", false)
	if err != nil {
		return 0, false, fmt.Errorf("draft: %w", err)
	}
	p := set.Parser(format.Options{Location: d.Zone, Format: d.Name})
	x := &event.Builder{}
	stamp, bad, tried := event.MustLookup("@timestamp"), 0, 0
	for i := range d.lines {
		s := &d.lines[i]
		if len(s.keys) == 0 {
			continue
		}
		for _, received := range []time.Time{d.received(), d.Now} {
			x.Reset()
			tried++
			in := d.input(s.whole)
			in.Received = received
			res := p.Parse(in, x)
			at, _ := x.Get(stamp)
			switch {
			case res.Reason == "" && at.Int() != received.UnixNano():
				good++
			case res.Reason != "" && received.Equal(d.Now):
				bad++
			case res.Reason != "":
				late = true
			}
		}
	}
	if bad > 0 || good*2 < tried/2 {
		return 0, false, nil
	}
	return good, late, nil
}
