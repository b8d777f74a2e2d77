package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mimamori/internal/bus"
)

// serveMetrics answers Prometheus on the listener of its own, until ctx ends.
func (a *App) serveMetrics(ctx context.Context) error {
	if a.metrics == nil {
		<-ctx.Done()
		return nil
	}
	r := prometheus.NewRegistry()
	r.MustRegister(newGauges(a), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m := http.NewServeMux()
	m.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: 10 * time.Second}))
	server := &http.Server{Handler: m, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(a.metrics); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// gauges reads the program's own accounts when Prometheus asks.
type gauges struct {
	app  *App
	desc map[string]*prometheus.Desc
}

func newGauges(a *App) *gauges {
	g := &gauges{a, map[string]*prometheus.Desc{}}
	town := []string{"municipality"}
	sink := []string{"sink"}
	collector := []string{"municipality", "collector"}
	device := []string{"municipality", "collector", "source", "device", "dataset", "zoned"}
	for _, d := range []struct {
		name, help string
		labels     []string
	}{
		{"events_per_minute", "Events of the last 60 s.", town},
		{"records_received", "Records that arrived, each once, since ever.", town},
		{"records_stored", "Of these, stored.", town},
		{"records_quarantined", "Of these, not readable by any format.", town},
		{"records_lost", "Records missing, or dropped at a collector.", town},
		{"frames_rejected", "Frames refused since ever.", nil},
		{"chains_broken", "Breaks of a chain since ever.", nil},
		{"frames_behind", "Frames in the stream that are not yet stored.", nil},
		{"stream_bytes", "Bytes of the stream of frames.", nil},
		{"stream_refuses", "1 while the stream of frames takes nothing.", nil},
		{"commit_timestamp_seconds", "When events were last made durable.", nil},
		{"detection_delay_seconds", "From the newest line behind the last alert to the alert.", nil},
		{"rule_events_late", "Events that came too late to be counted by a correlation rule, since ever; an event is counted once for each such rule.", nil},
		{"rule_groups_evicted", "Groups that a rule forgot because it had too many, since ever.", nil},
		{"pipeline_failing", "1 while something of the pipeline is tried again.", nil},
		{"enrichment_files_failed", "Files of assets, places and indicators that cannot be read.", nil},
		{"segments_set_aside", "Segments that cannot be read.", nil},
		{"sink_events_behind", "Stored events that an engine has not had, about.", sink},
		{"sink_lag_seconds", "Age of the oldest of these.", sink},
		{"sink_late", "1 while that is beyond its bound.", sink},
		{"sink_failing", "1 while an engine takes nothing.", sink},
		{"sink_events_lost", "Events that went by age before an engine had them, since ever.", sink},
		{"sink_events_refused", "Events that an engine did not take, since the program began.", sink},
		{"archive_failing", "1 while frames cannot be moved to their day, or to the second place.", nil},
		{"archive_journal_bytes", "Bytes of frames that are not yet in the file of their day.", nil},
		{"heartbeat_timestamp_seconds", "When a collector was last heard.", collector},
		{"collector_clock_offset_seconds", "A collector's clock minus ours.", collector},
		{"collector_spool_frames", "Frames that wait at a collector.", collector},
		{"collector_spool_full", "1 while a collector has no room.", collector},
		{"collector_certificate_not_after_timestamp_seconds", "When a collector's first certificate ends.", collector},
		{"sources", "Expected sources by how they stand.", []string{"municipality", "phase"}},
		{"clock_skew_seconds", "Receipt less claimed time of a device that is off by a minute or more, beside what is repaired; above zero it is behind.", device},
		{"clock_repair_seconds", "What is added to a device's times.", device},
		{"formats_changed", "Devices whose log is not what it used to be.", town},
		{"lines_unwatched", "Lines whose clock or format is not watched, since there are too many devices.", nil},
		{"sources_unwatched", "Sources beyond those that can be watched.", nil},
	} {
		g.desc[d.name] = prometheus.NewDesc("mimamori_"+d.name, d.help, d.labels, nil)
	}
	return g
}

// Describe names all metrics.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range g.desc {
		ch <- d
	}
}

// Collect reads the accounts once.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	set := func(name string, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(g.desc[name], prometheus.GaugeValue, value, labels...)
	}
	g.pipeline(set)
	g.store(set)
	g.stream(set)
	g.fleet(set)
}

type setter func(name string, value float64, labels ...string)

func (g *gauges) pipeline(set setter) {
	p := g.app.pipeline.Status()
	type sums struct{ received, stored, aside, lost uint64 }
	towns := map[string]*sums{}
	for _, e := range p.Entries {
		t := towns[e.Municipality]
		if t == nil {
			t = &sums{}
			towns[e.Municipality] = t
		}
		t.received, t.stored, t.aside, t.lost = t.received+e.Received(), t.stored+e.Stored, t.aside+e.Quarantined, t.lost+e.Lost()+e.Dropped
	}
	for code, t := range towns {
		set("records_received", float64(t.received), code)
		set("records_stored", float64(t.stored), code)
		set("records_quarantined", float64(t.aside), code)
		set("records_lost", float64(t.lost), code)
	}
	for code, t := range p.Towns {
		set("events_per_minute", float64(t.PerMinute), code)
	}
	for _, c := range p.Clocks[:min(len(p.Clocks), 200)] {
		zoned := strconv.FormatBool(!c.Bare)
		set("clock_skew_seconds", c.Skew.Seconds(), c.Municipality, c.Collector, c.Source, c.Device, c.Dataset, zoned)
		set("clock_repair_seconds", c.Repair.Seconds(), c.Municipality, c.Collector, c.Source, c.Device, c.Dataset, zoned)
	}
	changed := map[string]int{}
	for _, d := range p.Drifts {
		changed[d.Municipality]++
	}
	for code, n := range changed {
		set("formats_changed", float64(n), code)
	}
	set("lines_unwatched", float64(p.Unwatched))
	set("frames_rejected", float64(p.Rejected))
	set("chains_broken", float64(p.Broken))
	set("detection_delay_seconds", p.AlertDelay.Seconds())
	set("rule_events_late", float64(g.app.rules.late.Load()))
	set("rule_groups_evicted", float64(g.app.rules.evicted.Load()))
	set("pipeline_failing", truth(p.Err != ""))
	set("enrichment_files_failed", float64(g.app.enricher.Failed()))
	if g.app.archive != nil {
		s := g.app.archive.Status()
		set("archive_failing", truth(s.Err != ""))
		set("archive_journal_bytes", float64(s.Journal))
	}
	if !p.CommittedAt.IsZero() {
		set("commit_timestamp_seconds", float64(p.CommittedAt.UnixMilli())/1000)
	}
}

func (g *gauges) store(set setter) {
	stats := g.app.store.Stats()
	set("segments_set_aside", float64(len(stats.SetAside)))
	for _, s := range g.app.sinkStates(stats.Sinks) {
		set("sink_events_behind", float64(s.Behind), s.Name)
		set("sink_lag_seconds", s.lag.Seconds(), s.Name)
		set("sink_late", truth(s.alarm), s.Name)
		set("sink_failing", truth(s.Err != ""), s.Name)
		set("sink_events_lost", float64(s.Lost), s.Name)
		set("sink_events_refused", float64(s.refused), s.Name)
	}
}

func (g *gauges) stream(set setter) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	var state bus.StreamState
	state, err := g.app.frames.State(ctx)
	refusal := g.app.refusal.Load()
	set("stream_refuses", truth(err != nil || refusal != nil && refusal.err != nil))
	if err != nil {
		return
	}
	set("stream_bytes", float64(state.Bytes))
	if committed := g.app.pipeline.Status().Committed; committed > 0 && state.Last >= committed {
		set("frames_behind", float64(state.Last-committed))
	}
}

func (g *gauges) fleet(set setter) {
	k := g.app.known.Load()
	if k == nil {
		return
	}
	phases := map[[2]string]int{}
	for _, s := range k.states {
		phases[[2]string{s.Municipality, string(s.Phase)}]++
	}
	for p, n := range phases {
		set("sources", float64(n), p[0], p[1])
	}
	set("sources_unwatched", float64(k.refused))
	for _, m := range g.app.roster.members() {
		b, ok := k.beats[m.ID]
		if !ok {
			continue
		}
		set("heartbeat_timestamp_seconds", float64(b.At.UnixMilli())/1000, m.Municipality, m.ID)
		set("collector_clock_offset_seconds", b.Offset, m.Municipality, m.ID)
		set("collector_spool_frames", float64(b.Spool.Frames), m.Municipality, m.ID)
		set("collector_spool_full", truth(b.Spool.Full), m.Municipality, m.ID)
		var first time.Time
		for _, c := range b.Certificates {
			if first.IsZero() || c.NotAfter.Before(first) {
				first = c.NotAfter
			}
		}
		if !first.IsZero() {
			set("collector_certificate_not_after_timestamp_seconds", float64(first.Unix()), m.Municipality, m.ID)
		}
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
