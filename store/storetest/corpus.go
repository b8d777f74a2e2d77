package storetest

import (
	"strconv"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/internal/sample"
)

// began is when the corpus begins: 22:00 in Japan, before a holiday.
var began = time.Date(2026, 11, 2, 13, 0, 0, 0, time.UTC)

// corpus makes the lines of three towns, crudely cut into fields, and the odd
// events.
func corpus() *event.Batch {
	b, x := &event.Batch{}, new(event.Builder)
	for i, town := range sample.Towns(3) {
		m := sample.New(town, uint64(i+1), began)
		at := began
		for n := range 300 {
			at = at.Add(time.Duration(40+n*n%97) * time.Second)
			m.SetTime(at)
			line, kind := m.Append(nil)
			cut(x, string(line), kind)
			set(x, "@timestamp", event.Time(at.UnixNano()+int64(n%7)))
			set(x, "municipality", event.String(town.Code))
			set(x, "collector", event.String(town.Host))
			b.Append(x, event.Ref{Collector: town.Host, Source: []string{"fw", "proxy", "pc"}[kind%3], Epoch: 1793577600, Seq: uint64(n + 1)})
		}
	}
	oddEvents(b, x)
	return b
}

// Traffic makes n events of one town in batches of 2,000, to measure by.
func Traffic(n int) []*event.Batch {
	town := sample.Towns(1)[0]
	m, x := sample.New(town, 1, began), new(event.Builder)
	var out []*event.Batch
	at := began
	for seq := range n {
		if seq%2_000 == 0 {
			out = append(out, &event.Batch{})
		}
		at = at.Add(20 * time.Millisecond)
		m.SetTime(at)
		line, kind := m.Append(nil)
		cut(x, string(line), kind)
		set(x, "@timestamp", event.Time(at.UnixNano()))
		set(x, "municipality", event.String(town.Code))
		set(x, "collector", event.String(town.Host))
		out[len(out)-1].Append(x, event.Ref{Collector: town.Host, Source: "s", Epoch: 1793577600, Seq: uint64(seq + 1)})
	}
	return out
}

func set(x *event.Builder, name string, v event.Value) {
	if f, ok := event.Intern(name); ok {
		x.Set(f, v)
	}
}

// cut takes a few fields out of a line, as a format would.
func cut(x *event.Builder, line string, kind sample.Kind) {
	set(x, "event.original", event.String(line))
	switch kind {
	case sample.FortiGate:
		set(x, "event.dataset", event.String("fortinet.fortigate.traffic"))
		set(x, "event.category", event.Strings([]string{"network"}))
		names := map[string]string{"srcip": "source.ip", "dstip": "destination.ip", "srcport": "source.port", "dstport": "destination.port", "sentbyte": "source.bytes", "action": "event.action"}
		for part := range strings.FieldsSeq(line) {
			key, value, ok := strings.Cut(part, "=")
			if !ok {
				continue
			}
			name, known := names[key]
			if !known {
				name = "fortinet.fortigate." + key
			}
			f, _ := event.Intern(name)
			if v, ok := event.ParseAs(f.Type(), strings.Trim(value, `"`)); ok && !strings.Contains(name, "<") {
				x.Set(f, v)
			}
		}
	case sample.Squid:
		set(x, "event.dataset", event.String("squid.access"))
		set(x, "event.category", event.Strings([]string{"network", "web"}))
		set(x, "message", event.String(line))
		for i, part := range strings.Fields(line) {
			if strings.HasPrefix(part, "http") {
				set(x, "url.original", event.String(part))
			}
			if n, err := strconv.ParseInt(part, 10, 64); err == nil && i > 3 {
				set(x, "http.response.bytes", event.Int(n))
			}
		}
	default:
		set(x, "event.dataset", event.String("windows.sysmon_operational"))
		set(x, "event.category", event.Strings([]string{"process"}))
		set(x, "message", event.String("Process Create: "+line[:min(40, len(line))]))
		set(x, "user.name", event.String([]string{"sato", "Sato", "tanaka"}[len(line)%3]))
		set(x, "process.pid", event.Int(int64(len(line))))
		set(x, "event.risk_score", event.Float(float64(len(line)%40)/4))
	}
}
