package cli

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"mimamori/ingest"
	"mimamori/internal/app"
)

// reparsed is what is printed at the end with --json.
type reparsed struct {
	app.Reread
	Dry bool `json:"dry_run,omitempty"`
}

func (p *program) formatsReparse() *cobra.Command {
	var r app.Reparse
	var config, data, from, to string
	var js bool
	c := &cobra.Command{
		Use: "reparse", Args: cobra.NoArgs,
		Short: "Read the lines of stored events again, the quarantined ones by default, after a format was added or mended",
		Long: `Reads the lines of stored events again, in place: an event gets what the same line would get if it came now, and keeps its
identity, its way and its times of arrival. Without --dataset and --where these are the quarantined events. The service does
it if it runs, with the format files as they are now; else this command does, by the service's configuration (--config).
^C stops it: what is done stays, and the same command goes on. Rules do not run over the events (mimamori rules backtest).`,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := serviceConfig(config, data, c.Flags().Changed("data"))
			if err != nil {
				return err
			}
			if r.From, err = p.moment(from); err != nil {
				return fmt.Errorf("--from: %w", err)
			}
			if r.To, err = p.moment(to); err != nil {
				return fmt.Errorf("--to: %w", err)
			}
			for i := range r.Formats { // the service works in another folder
				if r.Formats[i], err = filepath.Abs(r.Formats[i]); err != nil {
					return fmt.Errorf("--formats: %w", err)
				}
			}
			x := app.Rereader{Config: cfg, Here: c.Flags().Changed("config"), Log: p.log, Now: p.now, Tell: p.progress()}
			out, err := x.Run(c.Context(), r)
			return errors.Join(p.showReparsed(&reparsed{out, r.Dry}, js), err)
		},
	}
	f := c.Flags()
	f.StringVar(&data, "data", "data", "data folder; default: as configured")
	f.StringVar(&config, "config", "", `the prefecture's configuration, for when no service runs; "" if it has none`)
	f.StringVar(&from, "from", "", "earliest time of events: 2026-11-22, 2026-11-22T09:00:00+09:00, or an age such as 24h")
	f.StringVar(&to, "to", "", "first time no longer wanted, same forms")
	f.StringVar(&r.Municipality, "municipality", "", "events of this code only")
	f.StringVar(&r.Dataset, "dataset", "", "events of this dataset, quarantined or not")
	f.BoolVar(&r.Quarantine, "quarantine", false, "quarantined events only (of --dataset, --where)")
	f.StringVar(&r.Where, "where", "", "events for which this condition holds, quarantined or not")
	f.BoolVar(&r.Dry, "dry-run", false, "change nothing; show what would change, with examples field by field")
	f.BoolVar(&r.Force, "force", false, "also where a line was read better before than now")
	f.StringSliceVar(&r.Formats, "formats", nil, "folders of formats beside the configured ones")
	f.BoolVar(&js, "json", false, "print one JSON object")
	return c
}

// serviceConfig is the configuration of the service whose work a command asks for.
func serviceConfig(config, data string, named bool) (app.Config, error) {
	cfg := app.DefaultConfig()
	if config != "" {
		var err error
		if cfg, err = app.LoadConfig(config); err != nil {
			return cfg, err
		}
	}
	if config == "" || named {
		cfg.Data = data
	}
	return cfg, nil
}

// progress shows how far the work is, not more often than every two seconds.
func (p *program) progress() func(app.Reread) {
	var shown time.Time
	var state string
	return func(r app.Reread) {
		now := p.now()
		if r.State == state && (r.State == app.Waiting || now.Sub(shown) < 2*time.Second) {
			return
		}
		shown, state = now, r.State
		if r.State == app.Waiting {
			fmt.Fprintln(p.Err, "サービスの応答を待っています（^C で取り消し） / waiting for the service; ^C withdraws the request")
			return
		}
		fmt.Fprintf(p.Err, "読み直し %d / %d 件 / events read again\n", r.Read, r.Total)
	}
}

// errStopped ends the command after ^C.
var errStopped = errors.New("途中で止めました。済んだ分は残ります。同じコマンドで残りを続けられます / stopped: what is done stays, and the same command goes on with the rest")

func (p *program) showReparsed(r *reparsed, js bool) error {
	var stopped error
	if r.State == app.Stopped {
		stopped = errStopped
	}
	if js {
		return errors.Join(p.print(r), stopped)
	}
	if r.Report == nil {
		return stopped
	}
	out := bufio.NewWriter(p.Out)
	changed := "変更 changed"
	if r.Dry {
		changed = "変更予定 would change"
	}
	fmt.Fprintf(out, "読んだ read %d, %s %d, 変更なし same %d, そのまま残した left %d\n", r.Report.Read, changed, r.Report.Changed, r.Report.Same, r.Report.Left.Sum())
	for _, part := range []struct {
		title string
		tally map[string]uint64
	}{
		{"隔離から出たもの（書式別） / out of quarantine, by format", r.Report.Released},
		{"隔離のまま（理由別） / still quarantined, by reason", r.Report.Quarantined},
		{"そのまま残したもの（理由別） / left as they are, by reason", r.Report.Left},
		{"変わった項目（イベント数） / fields that change, in how many events", r.Report.Fields},
	} {
		showTally(out, part.title, part.tally)
	}
	if r.Dry {
		showExamples(out, r.Report.Examples)
	}
	if r.Stale {
		fmt.Fprint(out, "\n稼働中のサービスは、新しい行をまだ起動時の書式で読んでいます。設定の formats: を確かめ、サービスを再起動してください。\n"+
			"The service still reads new lines by the formats that it started with: look at formats: in its configuration, and restart it.\n")
	}
	return errors.Join(out.Flush(), stopped)
}

// showTally lists words, the most frequent first.
func showTally(out *bufio.Writer, title string, tally map[string]uint64) {
	if len(tally) == 0 {
		return
	}
	words := slices.SortedFunc(maps.Keys(tally), func(a, b string) int { return cmp.Or(cmp.Compare(tally[b], tally[a]), cmp.Compare(a, b)) })
	fmt.Fprintf(out, "\n%s\n", title)
	for _, w := range words[:min(len(words), 40)] {
		fmt.Fprintf(out, "  %8d  %s\n", tally[w], harmless(w))
	}
	if more := len(words) - 40; more > 0 {
		fmt.Fprintf(out, "            … %d\n", more)
	}
}

func showExamples(out *bufio.Writer, list []ingest.Example) {
	for i := range list {
		x := &list[i]
		fmt.Fprintf(out, "\n例 example %d  %s/%s/%d/%d  %s\n  %s\n", i+1, x.Ref.Collector, x.Ref.Source, x.Ref.Epoch, x.Ref.Seq, x.Format, harmless(x.Line))
		for _, f := range x.Fields {
			fmt.Fprintf(out, "    %-32s %s → %s\n", f.Field, orNone(harmless(f.Old)), orNone(harmless(f.New)))
		}
	}
}

// harmless takes out of a device's text what would steer a terminal.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

func orNone(s string) string { return cmp.Or(s, "（なし none）") }
