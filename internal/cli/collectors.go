package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mimamori/collector"
	"mimamori/internal/app"
	"mimamori/soc/fleet"
)

// collectorRow is one collector, as printed.
type collectorRow struct {
	ID           string          `json:"id"`
	Municipality string          `json:"municipality"`
	Zone         string          `json:"zone"`
	State        string          `json:"state"` // invited, enrolled, revoked
	Public       string          `json:"public_key,omitempty"`
	Enrolled     time.Time       `json:"enrolled,omitzero"`
	By           string          `json:"by"`
	Invitation   string          `json:"invitation,omitempty"`
	Expires      time.Time       `json:"invitation_expires,omitzero"`
	Revoked      time.Time       `json:"revoked,omitzero"`
	RevokedBy    string          `json:"revoked_by,omitempty"`
	Why          string          `json:"why,omitempty"`
	Config       uint64          `json:"config,omitempty"` // newest version
	ConfigState  fleet.State     `json:"config_state,omitempty"`
	Reason       string          `json:"config_reason,omitempty"`
	Heard        time.Time       `json:"heard,omitzero"` // newest heartbeat
	Heartbeat    json.RawMessage `json:"heartbeat,omitempty"`
}

// rows gathers what is known of all collectors, or of one.
func (p *program) rows(ctx context.Context, reg *fleet.Fleet, only string) ([]collectorRow, error) {
	all, err := reg.Collectors(ctx)
	if err != nil {
		return nil, err
	}
	invitations, err := reg.Invitations(ctx)
	if err != nil {
		return nil, err
	}
	beats, err := reg.Beats(ctx)
	if err != nil {
		return nil, err
	}
	out := []collectorRow{}
	for _, c := range all {
		if only != "" && c.ID != only {
			continue
		}
		r := collectorRow{
			ID: c.ID, Municipality: c.Municipality, Zone: c.Zone, State: "enrolled", Public: c.Public, Enrolled: c.Enrolled, By: c.EnrolledBy,
			Revoked: c.Revoked, RevokedBy: c.RevokedBy, Why: c.Why,
		}
		if !c.Revoked.IsZero() {
			r.State = "revoked"
		} else if err := describe(ctx, reg, &r, beats[c.ID]); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	for _, i := range invitations {
		if (only == "" || i.Collector == only) && i.Used.IsZero() && p.now().Before(i.Expires) {
			out = append(out, collectorRow{ID: i.Collector, Municipality: i.Municipality, Zone: i.Zone, State: "invited", Public: i.Public, Invitation: i.ID, By: i.CreatedBy, Expires: i.Expires})
		}
	}
	return out, nil
}

// describe adds configuration and heartbeat.
func describe(ctx context.Context, reg *fleet.Fleet, r *collectorRow, b fleet.Beat) error {
	configs, err := reg.Configs(ctx, r.ID)
	if err != nil {
		return err
	}
	if len(configs) > 0 {
		r.Config, r.ConfigState, r.Reason = configs[0].Version, configs[0].State, configs[0].Reason
	}
	r.Heard, r.Heartbeat = b.At, b.JSON
	return nil
}

func (p *program) collectors(f *careFlags) *cobra.Command {
	return &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: "List collectors: invited, enrolled, revoked",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.with(c, f, func(ctx context.Context, _ app.Config, reg *fleet.Fleet) error {
				rows, err := p.rows(ctx, reg, "")
				if err != nil {
					return err
				}
				if f.json {
					return p.print(rows)
				}
				var lines []string
				for _, r := range rows {
					config := "-"
					if r.Config > 0 {
						config = fmt.Sprintf("%d %s", r.Config, r.ConfigState)
					}
					lines = append(lines, strings.Join([]string{r.ID, r.Municipality, r.Zone, r.State, config, when(r.Heard), r.By}, "\t"))
				}
				return p.table("id\tmunicipality\tzone\tstate\tconfig\theard\tby", lines...)
			})
		},
	}
}

func (p *program) showCollector(f *careFlags) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Args: cobra.ExactArgs(1), Short: "Show what is known of a collector, and its journal",
		RunE: func(c *cobra.Command, args []string) error {
			return p.with(c, f, func(ctx context.Context, _ app.Config, reg *fleet.Fleet) error {
				rows, err := p.rows(ctx, reg, args[0])
				if err != nil {
					return err
				}
				if len(rows) == 0 {
					return fmt.Errorf("%s: %w", args[0], fleet.ErrUnknown)
				}
				journal, err := reg.Journal(ctx, args[0], 100)
				if err != nil {
					return err
				}
				if f.json {
					return p.print(map[string]any{"enrolments": rows, "journal": journal})
				}
				b, err := json.MarshalIndent(rows, "", "  ")
				if err != nil {
					return fmt.Errorf("output: %w", err)
				}
				fmt.Fprintf(p.Out, "%s\n\n", b)
				var lines []string
				for _, e := range journal {
					lines = append(lines, strings.Join([]string{when(e.At), e.By, e.What, e.Detail}, "\t"))
				}
				return p.table("at\tby\twhat\tdetail", lines...)
			})
		},
	}
}

// configFlags are those of the command config.
type configFlags struct {
	set, note string
	restore   uint64
	version   uint64
	history   bool
}

func (p *program) collectorConfig(f *careFlags) *cobra.Command {
	o := &configFlags{}
	c := &cobra.Command{
		Use: "config ID", Args: cobra.ExactArgs(1), Short: "Show, set or restore a collector's configuration",
		RunE: func(c *cobra.Command, args []string) error {
			return p.with(c, f, func(ctx context.Context, _ app.Config, reg *fleet.Fleet) error {
				if o.set != "" || o.restore != 0 {
					return p.setConfig(ctx, reg, args[0], app.Who(f.by), o)
				}
				all, err := reg.Configs(ctx, args[0])
				if err != nil {
					return err
				}
				if o.history {
					return p.configHistory(all, f.json)
				}
				text, err := textOf(all, o.version)
				if err == nil {
					_, err = fmt.Fprint(p.Out, text)
				}
				return err
			})
		},
	}
	c.Flags().StringVar(&o.set, "set", "", "send this file's text as the next version: the keys of collector.yaml, without who the collector is")
	c.Flags().Uint64Var(&o.restore, "restore", 0, "send the text of an older version as the next version")
	c.Flags().StringVar(&o.note, "note", "", "why, for the history")
	c.Flags().Uint64Var(&o.version, "version", 0, "show this version; default: the newest")
	c.Flags().BoolVar(&o.history, "history", false, "list the versions")
	c.MarkFlagsMutuallyExclusive("set", "restore", "version", "history")
	return c
}

// setConfig keeps a text as the next version, if a collector could take it.
func (p *program) setConfig(ctx context.Context, reg *fleet.Fleet, id, by string, o *configFlags) error {
	name, text := o.set, []byte(nil)
	if o.restore > 0 {
		all, err := reg.Configs(ctx, id)
		if err != nil {
			return err
		}
		old, err := textOf(all, o.restore)
		if err != nil {
			return err
		}
		name, text = fmt.Sprintf("version %d", o.restore), []byte(old)
	} else {
		var err error
		if text, err = os.ReadFile(o.set); err != nil {
			return fmt.Errorf("configuration: %w", err)
		}
	}
	rows, err := p.rows(ctx, reg, id)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.State != "enrolled" {
			continue
		}
		if err := collector.CheckOrder(name, text, collector.Config{Collector: id, Municipality: r.Municipality, Zone: r.Zone}); err != nil {
			return err
		}
	}
	version, err := reg.SetConfig(ctx, fleet.Config{Collector: id, Text: string(text), CreatedBy: by, Note: o.note})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Out, "%s: 版 %d を送ります（収集器が試し、うまくいかなければ自動で元に戻ります） / version %d is on its way; the collector tries it and goes back by itself if it fails\n",
		id, version, version)
	return err
}

// textOf finds a version, the newest for 0.
func textOf(all []fleet.Config, version uint64) (string, error) {
	for _, c := range all {
		if version == 0 || c.Version == version {
			return c.Text, nil
		}
	}
	return "", fleet.ErrNoConfig
}

func (p *program) configHistory(all []fleet.Config, js bool) error {
	if js {
		return p.print(all)
	}
	var lines []string
	for _, c := range all {
		reason, _, _ := strings.Cut(c.Reason, "\n")
		lines = append(lines, strings.Join([]string{fmt.Sprint(c.Version), string(c.State), when(c.Created), c.CreatedBy, c.Note, reason}, "\t"))
	}
	return p.table("version\tstate\tset\tby\tnote\treason", lines...)
}
