package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"mimamori/internal/app"
	"mimamori/internal/measure"
)

// replayOptions are the flags of store rebuild and of replay.
type replayOptions struct {
	app.Replay
	config, data, from, to, aside string
	js                            bool
}

func (o *replayOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.data, "data", "data", "data folder; default: as configured")
	f.StringVar(&o.config, "config", "", `the prefecture's configuration, for when no service runs; "" if it has none`)
	f.StringVar(&o.from, "from", "", "what arrived from here on: 2026-11-22, 2026-11-22T09:00:00+09:00, or an age such as 24h")
	f.StringVar(&o.to, "to", "", "and before this, same forms")
	f.StringVar(&o.Municipality, "municipality", "", "of this code only")
	f.StringVar(&o.Collector, "collector", "", "of this collector only")
	f.StringVar(&o.Source, "source", "", "of this source only")
	f.DurationVar(&o.Around, "around", 24*time.Hour, "read so much before and behind, for what clocks and rules knew")
	f.IntVar(&o.Rate, "rate", 20_000, "events a second at most; 0 is no limit")
	f.StringVar(&o.Operator, "operator", "", "the operator's key file of the archive, where the configured one is not on this machine")
	f.StringVar(&o.Passphrase, "passphrase", "", "file with the passphrase of that key file")
	f.BoolVar(&o.js, "json", false, "print one JSON object")
}

func (p *program) storeRebuild() *cobra.Command {
	o := replayOptions{}
	o.Missing = true
	c := &cobra.Command{
		Use: "rebuild", Args: cobra.NoArgs,
		Short: "Bring back from the archive what the event store has lost",
		Long: `Brings back the events that came and that the event store does not have: of files that were damaged, set aside or deleted, or
all of them. It reads all files first; one with a damaged page is set aside where the archive has all that it held. The events
have the identity, times and fields that they had, read by today's formats and tables. The service does it if it runs; else
this command does, by the service's configuration (--config). ^C or a crash stops it: the same command goes on with the rest.
Months whose key was destroyed stay away and are named. If the ledger is lost too, stop the service first.`,
		RunE: func(c *cobra.Command, _ []string) error { return p.runReplay(c, &o) },
	}
	o.flags(c)
	return c
}

func (p *program) replay() *cobra.Command {
	o := replayOptions{}
	c := &cobra.Command{
		Use: "replay", Args: cobra.NoArgs,
		Short: "Take a range of the archive again, into place after a format was mended, or aside to compare",
		Long: `In place, the events of the range that are stored are read again (as formats reparse does: identity and judged times stay), those
that are missing are stored, and with --rules the rules see all of it: an alert that was recorded is never there twice, and
one that only the replay finds says so in its title. The service does it if it runs; else this command does (--config).
With --aside DIR events and alerts go into a new folder and nothing else changes; the alerts are compared with the recorded
ones, and mimamori query --data DIR searches the events. The same command goes on where it was stopped.`,
		RunE: func(c *cobra.Command, _ []string) error { return p.runReplay(c, &o) },
	}
	o.flags(c)
	c.Flags().StringVar(&o.aside, "aside", "", "new folder for events and alerts; nothing of the running system changes")
	c.Flags().BoolVar(&o.Rules, "rules", false, "in place: let the rules see it, too (aside they always do)")
	return c
}

// runReplay lets it be done and shows the account.
func (p *program) runReplay(c *cobra.Command, o *replayOptions) error {
	cfg, err := serviceConfig(o.config, o.data, c.Flags().Changed("data"))
	if err != nil {
		return err
	}
	if o.From, err = p.moment(o.from); err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	if o.To, err = p.moment(o.to); err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	for _, path := range []*string{&o.Operator, &o.Passphrase} { // the service works in another folder
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return fmt.Errorf("--operator: %w", err)
		}
	}
	x := app.Rereader{Config: cfg, Here: c.Flags().Changed("config"), Log: p.log, Now: p.now, Tell: p.progress()}
	use := measure.Start()
	out, err := p.replayed(c.Context(), &x, o)
	took := use()
	if out.Replay == nil {
		return err
	}
	if o.js {
		return errors.Join(p.print(&out), notWhole(&out), err)
	}
	if out.Report != nil {
		r := out.Report
		fmt.Fprintf(p.Out, "保存済みを読み直し read again %d, 変更 changed %d, 変更なし same %d, そのまま残した left %d\n", r.Read, r.Changed, r.Same, r.Left.Sum())
	}
	p.showReplay(out.Replay)
	if seen := out.Replay.Seen; seen > 0 && took.Wall > 0 {
		fmt.Fprintf(p.Out, "%d events read in %.1f s\n", seen, took.Wall.Seconds())
	}
	return errors.Join(notWhole(&out), err)
}

func (p *program) replayed(ctx context.Context, x *app.Rereader, o *replayOptions) (app.Reread, error) {
	if o.aside != "" {
		return x.ReplayAside(ctx, o.Replay, o.aside)
	}
	return x.Replay(ctx, o.Replay)
}

// notWhole ends a command whose answer is not right in full.
func notWhole(out *app.Reread) error {
	switch {
	case out.State == app.Stopped:
		return errStopped
	case !out.Replay.Whole():
		return errors.New("全部は揃いませんでした（上を参照） / not everything was there: see above")
	}
	return nil
}
