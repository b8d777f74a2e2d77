package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"mimamori/event"
	"mimamori/internal/app"
	"mimamori/internal/measure"
	"mimamori/rules"
	"mimamori/store"
)

// BacktestResult is what backtests over one store took. The names are part of
// the command line.
type BacktestResult struct {
	Step        string        `json:"step"`
	Events      int           `json:"events"`
	RawBytes    int64         `json:"raw_bytes"` // of the lines, as they came
	Segments    int           `json:"segments"`
	Runs        []BacktestRun `json:"runs"`
	Slowest     float64       `json:"mb_per_cpu_second"` // of single rules
	MaxRSSBytes int64         `json:"max_rss_bytes"`
}

// BacktestRun is one backtest: of a rule, or of the whole library.
type BacktestRun struct {
	Name        string  `json:"name"`
	Rules       int     `json:"rules"`
	Alerts      int     `json:"alerts"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	WallSeconds float64 `json:"wall_seconds"`
	MBPerCPU    float64 `json:"mb_per_cpu_second"`
}

// usual are rules of the shapes that authors write.
func usual() [][2]string {
	return [][2]string{
		{"selective", `when: event.dataset == "openssh.sshd" && event.outcome == "failure"`},
		{"threshold-denied", "when: event.action == \"deny\"\ncorrelate: {count: 50, by: [municipality, source.ip], within: 1h}"},
		{"distinct-domains", "when: has(url.domain)\ncorrelate: {distinct: url.domain, count: 8, by: [municipality, user.name], within: 10m}"},
		{"nearly-all", "when: event.kind == \"event\"\nsuppress: {by: [municipality, event.dataset], for: 1h}"},
		{"nearly-all-counted", "when: event.kind == \"event\"\ncorrelate: {count: 100000, by: [municipality, source.ip], within: 1h}"},
		{"every-event-an-alert", `when: event.kind == "event"`},
		{"list-regex-holiday", `when: (url.path matches "^/(api|download)/.*[a-z]$" || inList(source.ip, "servers")) && holiday(@timestamp)` + "\nsuppress: {by: [municipality, source.ip], for: 1h}"},
		{"whole-line", "when: text(\"psexec\")"},
	}
}

const usualFrame = "id: %s\ntitle: {ja: 計測, en: bench}\nseverity: low\nstatus: draft\nowner: bench\n%s\nexplain: {ja: 計測, en: bench}\nrespond: {ja: [見る], en: [look]}\n"

// servers answers for the named list of the same name.
type servers map[string]bool

func (s servers) Contains(list, value string) bool { return list == "servers" && s[value] }

// Backtest fills a store with a day of lines and runs usual rules over it, each
// on its own, and then the whole library.
func Backtest(ctx context.Context, c Config) (BacktestResult, error) {
	r := BacktestResult{Step: "backtest"}
	s, err := store.Open(filepath.Join(c.Dir, "events"), store.Options{Log: c.Log, Now: c.Now})
	if err != nil {
		return r, err
	}
	err = c.fill(ctx, s, &r)
	if err == nil {
		err = s.Compact(ctx)
	}
	r.Segments = s.Stats().Segments
	for _, u := range usual() {
		if err != nil {
			break
		}
		var rule *rules.Rule
		if rule, err = rules.Parse(u[0]+".yaml", fmt.Appendf(nil, usualFrame, u[0], u[1])); err == nil {
			var set *rules.Set
			if set, err = rules.NewSet(rule); err == nil {
				err = r.run(ctx, s, u[0], set)
			}
		}
	}
	if err == nil {
		var library *rules.Set
		if library, err = app.LoadRules(nil); err == nil {
			err = r.run(ctx, s, "library", library)
		}
	}
	r.MaxRSSBytes = measure.MaxRSS()
	return r, errors.Join(err, s.Close())
}

// run is one backtest.
func (r *BacktestResult) run(ctx context.Context, s *store.Store, name string, set *rules.Set) error {
	test, use := rules.NewBacktest(set, nil, servers{"10.2.1.17": true, "10.2.3.5": true}, nil), measure.Start()
	if err := s.Scan(ctx, event.Query{}, test.Condition(), test.Fields(), test); err != nil {
		return err
	}
	out := BacktestRun{Name: name, Rules: len(set.Rules())}
	for _, report := range test.Report() {
		out.Alerts += report.Alerts
	}
	took := use()
	out.CPUSeconds, out.WallSeconds = took.CPU.Seconds(), took.Wall.Seconds()
	out.MBPerCPU = float64(r.RawBytes) / 1e6 / max(out.CPUSeconds, 1e-9)
	if out.Rules == 1 && (r.Slowest == 0 || out.MBPerCPU < r.Slowest) {
		r.Slowest = out.MBPerCPU
	}
	r.Runs = append(r.Runs, out)
	return nil
}
