package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"mimamori/internal/app"
	"mimamori/internal/demo"
)

func (p *program) up() *cobra.Command {
	var file, data, listen string
	c := &cobra.Command{
		Use: "up", Args: cobra.NoArgs, Short: "Run the prefecture's program: bus, ingest, rules, store, alerts and console in one process",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg := app.DefaultConfig()
			if file != "" {
				var err error
				if cfg, err = app.LoadConfig(file); err != nil {
					return err
				}
			}
			if c.Flags().Changed("data") {
				cfg.Data = data
			}
			if c.Flags().Changed("listen") {
				cfg.Console.Listen = listen
			}
			return p.serve(c.Context(), cfg)
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration file")
	c.Flags().StringVar(&data, "data", "data", "folder of everything that is kept")
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "address of the console")
	return c
}

// serve runs the program, and again when it says that a restart helps.
func (p *program) serve(ctx context.Context, cfg app.Config) error {
	if err := app.Prepare(cfg.Data); err != nil {
		return err
	}
	cfg.SQLBox = sqlBox()
	for {
		a, err := app.New(ctx, cfg, p.log, p.now)
		if err != nil {
			return err
		}
		p.welcome(a)
		if err := a.Run(ctx); !errors.Is(err, app.ErrRestart) {
			return err
		}
		p.log.Warn("starting anew", "reason", app.ErrRestart)
	}
}

// welcome tells where the console is, and how to become its first administrator.
func (p *program) welcome(a *app.App) {
	fmt.Fprintf(p.Err, "コンソール / console: %s\n", a.URL())
	if url := a.SetupURL(); url != "" {
		fmt.Fprintf(p.Err, "最初の管理者の登録（一度だけ使えます） / first administrator, once: %s\n", url)
	}
	if addr := a.BusAddr(); addr != "" {
		fmt.Fprintf(p.Err, "収集器の接続先 / collectors connect to: %s\n", addr)
	}
}

func (p *program) demo() *cobra.Command {
	cfg := demo.Config{}
	var js bool
	c := &cobra.Command{
		Use: "demo", Args: cobra.NoArgs, Short: "The same with simulated municipalities that send over real syslog and files",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg.Log, cfg.Now, cfg.Welcome, cfg.SQLBox = p.log, p.now, p.welcome, sqlBox()
			if !cfg.Once {
				return demo.Live(c.Context(), cfg)
			}
			r, err := demo.Once(c.Context(), cfg)
			if err != nil {
				return err
			}
			if js {
				return p.print(r)
			}
			fmt.Fprintf(p.Out, "送信 sent %d, 受信 received %d, 保存 stored %d, アラート alerts %d, 損失 lost %d, 重複 duplicates %d, %.1f s, CPU %.1f s\n",
				r.Sent, r.Received, r.Stored, r.Alerts, r.Lost, r.Duplicates, r.Seconds, r.CPUSeconds)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&cfg.Data, "data", filepath.Join("data", "demo"), "data folder")
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1:8080", "address of the console")
	f.IntVar(&cfg.Towns, "towns", 6, "how many municipalities to simulate, at most 19")
	f.IntVar(&cfg.Rate, "rate", 30, "lines a second of each municipality")
	f.BoolVar(&cfg.Once, "once", false, "send --events lines as fast as they are taken, report, and end")
	f.IntVar(&cfg.Events, "events", 100_000, "lines to send with --once")
	f.BoolVar(&js, "json", false, "with --once: print one JSON object")
	return c
}
