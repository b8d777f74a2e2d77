package status

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics reads the account when Prometheus asks.
type metrics struct {
	report func() Report
	desc   map[string]*prometheus.Desc
}

// NewMetrics makes a collector of metrics from reports.
func NewMetrics(report func() Report) prometheus.Collector {
	m := &metrics{report, map[string]*prometheus.Desc{}}
	for _, d := range descriptions {
		m.desc[d.name] = prometheus.NewDesc("mimamori_collector_"+d.name, d.help, d.labels, nil)
	}
	return m
}

type description struct {
	name, help string
	labels     []string
}

var descriptions = func() []description {
	source := []string{"source", "zone", "kind"}
	with := func(label string) []string { return append(source[:3:3], label) }
	return []description{
		{"info", "Version and platform; always 1.", []string{"version", "platform", "collector", "municipality"}},
		{"start_time_seconds", "When the process began.", nil},
		{"config_version", "Version of the configuration, 0 for a local file.", nil},
		{"lines_total", "Lines on disk in the spool since the start.", source},
		{"bytes_total", "Bytes of these lines.", source},
		{"dropped_total", "Lines lost, by reason.", with("reason")},
		{"masked_total", "Values masked.", with("what")},
		{"truncated_total", "Lines of which only the beginning is kept.", source},
		{"refused_total", "Connections and requests refused.", source},
		{"last_line_timestamp_seconds", "When the newest line came.", source},
		{"last_sequence", "Newest sequence on disk in the spool.", source},
		{"spool_frames", "Frames that wait for the prefecture.", nil},
		{"spool_bytes", "Bytes that wait for the prefecture.", nil},
		{"spool_limit_bytes", "What the spool may hold.", nil},
		{"spool_oldest_timestamp_seconds", "When the oldest line that waits came.", nil},
		{"spool_full", "1 while inputs wait for room.", nil},
		{"sending", "1 while frames get away.", nil},
		{"clock_offset_seconds", "Clock minus the prefecture's.", nil},
		{"certificate_not_after_timestamp_seconds", "When a certificate ends.", []string{"what", "subject"}},
	}
}()

// Describe names all metrics.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range m.desc {
		ch <- d
	}
}

// Collect reads the account once.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	r := m.report()
	send := func(kind prometheus.ValueType, name string, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(m.desc[name], kind, value, labels...)
	}
	gauge := func(name string, value float64, labels ...string) {
		send(prometheus.GaugeValue, name, value, labels...)
	}
	when := func(name string, at time.Time, labels ...string) {
		if !at.IsZero() {
			gauge(name, float64(at.UnixMilli())/1000, labels...)
		}
	}
	gauge("info", 1, r.Version, r.Platform, r.Collector, r.Municipality)
	when("start_time_seconds", r.Started)
	gauge("config_version", float64(r.Config))
	gauge("spool_frames", float64(r.Spool.Frames))
	gauge("spool_bytes", float64(r.Spool.Bytes))
	gauge("spool_limit_bytes", float64(r.Spool.MaxBytes))
	when("spool_oldest_timestamp_seconds", r.Spool.Oldest)
	gauge("spool_full", yes(r.Spool.Full))
	gauge("sending", yes(r.Sending == Fine || r.Sending == Behind))
	gauge("clock_offset_seconds", r.Offset)
	named := map[[2]string]bool{}
	for _, c := range r.Certificates {
		if key := [2]string{c.What, c.Subject}; !named[key] {
			named[key] = true
			when("certificate_not_after_timestamp_seconds", c.NotAfter, c.What, c.Subject)
		}
	}
	for i := range r.Sources {
		s := &r.Sources[i]
		count := func(name string, n uint64, more ...string) {
			send(prometheus.CounterValue, name, float64(n), append([]string{s.Source, s.Zone, s.Kind}, more...)...)
		}
		count("lines_total", s.Lines)
		count("bytes_total", s.Bytes)
		count("truncated_total", s.Truncated)
		count("refused_total", s.Refused)
		for reason, n := range s.Dropped {
			count("dropped_total", n, reason)
		}
		for what, n := range s.Masked {
			count("masked_total", n, what)
		}
		when("last_line_timestamp_seconds", s.LastLine, s.Source, s.Zone, s.Kind)
		gauge("last_sequence", float64(s.Last), s.Source, s.Zone, s.Kind)
	}
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
