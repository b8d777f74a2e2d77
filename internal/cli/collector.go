package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"mimamori/internal/app"
	"mimamori/internal/care"
	"mimamori/soc/fleet"
)

// careFlags are those that all commands about collectors share.
type careFlags struct {
	config, data, by string
	json             bool
}

func (p *program) collector() *cobra.Command {
	f := &careFlags{}
	c := group("collector", "Invite collectors, configure them, cut them off; a running program follows within a second",
		p.invite(f), p.collectors(f), p.showCollector(f), p.revoke(f), p.withdraw(f), p.collectorConfig(f), p.sign(f))
	c.PersistentFlags().StringVar(&f.config, "config", "", "the prefecture's configuration file")
	c.PersistentFlags().StringVar(&f.data, "data", "data", "the prefecture's data folder; default: as configured")
	c.PersistentFlags().StringVar(&f.by, "by", "", "who does it; default: the user of this terminal")
	c.PersistentFlags().BoolVar(&f.json, "json", false, "print JSON")
	return c
}

// with opens the register for one command.
func (p *program) with(c *cobra.Command, f *careFlags, do func(ctx context.Context, cfg app.Config, reg *fleet.Fleet) error) (err error) {
	cfg, err := f.load(c)
	if err != nil {
		return err
	}
	if err := app.Prepare(cfg.Data); err != nil {
		return err
	}
	reg, err := app.OpenFleet(c.Context(), cfg.Data, p.now)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := reg.Close(); err == nil {
			err = cerr
		}
	}()
	return do(c.Context(), cfg, reg)
}

func (f *careFlags) load(c *cobra.Command) (app.Config, error) {
	cfg := app.DefaultConfig()
	if f.config != "" {
		var err error
		if cfg, err = app.LoadConfig(f.config); err != nil {
			return cfg, err
		}
	}
	if c.Flags().Changed("data") {
		cfg.Data = f.data
	}
	return cfg, nil
}

func (p *program) invite(f *careFlags) *cobra.Command {
	i := fleet.Invitation{}
	var urls []string
	var expires string
	c := &cobra.Command{
		Use: "invite", Args: cobra.NoArgs, Short: "Make a one-time token by which a machine becomes a collector",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.with(c, f, func(ctx context.Context, cfg app.Config, reg *fleet.Fleet) error {
				age, err := app.ParseAge(expires)
				if err != nil {
					return err
				}
				i.CreatedBy, i.Expires = app.Who(f.by), p.now().Add(age)
				t, err := app.Invite(ctx, reg, cfg, i, urls)
				if err != nil {
					return err
				}
				return p.showToken(t, f.json)
			})
		},
	}
	c.Flags().StringVar(&i.Collector, "id", "", "name of the collector: small letters, digits, hyphens")
	c.Flags().StringVar(&i.Municipality, "municipality", "", "6-digit 全国地方公共団体コード")
	c.Flags().StringVar(&i.Zone, "zone", "", "mynumber, lgwan or internet")
	c.Flags().StringSliceVar(&urls, "url", nil, "where collectors connect: tls://host:port; default bus.public of the configuration")
	c.Flags().StringVar(&expires, "expires", "7d", "how long the token is good")
	return c
}

func (p *program) showToken(t care.Token, js bool) error {
	if js {
		return p.print(map[string]any{
			"token": t.String(), "collector": t.Collector, "municipality": t.Municipality, "zone": t.Zone, "urls": t.URLs, "expires": t.Expires,
		})
	}
	end := t.Expires.Local().Format("2006-01-02 15:04 MST")
	_, err := fmt.Fprintf(p.Out, `%s

上のトークンを %s の担当者に安全な方法で渡してください（一度だけ、%s まで有効）。
担当者は収集器を置く機械で次を実行します。

    mimamori-collector enrol トークン
    mimamori-collector run

登録後、こちらで設定を送ります: mimamori collector config %s --set ファイル

Hand the token to the person in charge over a safe way (good once, until %s). There:
mimamori-collector enrol TOKEN; mimamori-collector run. Then send a configuration from here:
mimamori collector config %s --set FILE
`, t, t.Municipality, end, t.Collector, end, t.Collector)
	return err
}

func (p *program) revoke(f *careFlags) *cobra.Command {
	var why string
	c := &cobra.Command{
		Use: "revoke ID", Args: cobra.ExactArgs(1), Short: "Cut a collector off for good; its key never comes back",
		RunE: func(c *cobra.Command, args []string) error {
			return p.with(c, f, func(ctx context.Context, _ app.Config, reg *fleet.Fleet) error {
				if err := reg.Revoke(ctx, args[0], app.Who(f.by), strings.TrimSpace(why)); err != nil {
					return err
				}
				_, err := fmt.Fprintf(p.Err, "%s を失効しました。稼働中のプログラムは1秒以内に切断します。 / revoked; a running program cuts it off within a second\n", args[0])
				return err
			})
		},
	}
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	return c
}

func (p *program) withdraw(f *careFlags) *cobra.Command {
	return &cobra.Command{
		Use: "withdraw ID", Args: cobra.ExactArgs(1), Short: "Make an unused invitation void",
		RunE: func(c *cobra.Command, args []string) error {
			return p.with(c, f, func(ctx context.Context, _ app.Config, reg *fleet.Fleet) error {
				return reg.Withdraw(ctx, args[0], app.Who(f.by))
			})
		},
	}
}

func (p *program) sign(f *careFlags) *cobra.Command {
	return &cobra.Command{
		Use: "sign PACKAGE", Args: cobra.ExactArgs(1), Short: "Sign a collector's program for installation: writes PACKAGE.sig (mimamori-collector verify checks it)",
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := f.load(c)
			if err != nil {
				return err
			}
			key, err := app.OrderKey(cfg.Data)
			if err != nil {
				return err
			}
			r, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("package: %w", err)
			}
			defer r.Close()
			text, err := care.SignPackage(r, key.Private())
			if err != nil {
				return err
			}
			if err := os.WriteFile(args[0]+".sig", []byte(text), 0o644); err != nil {
				return fmt.Errorf("signature: %w", err)
			}
			return nil
		},
	}
}

// table prints rows of columns.
func (p *program) table(head string, rows ...string) error {
	w := tabwriter.NewWriter(p.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, head)
	for _, r := range rows {
		fmt.Fprintln(w, r)
	}
	return w.Flush()
}

// when writes a time for people, - for none.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}
