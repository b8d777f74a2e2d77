// Package cli is the command line of mimamori: it reads flags, calls the
// packages that do the work, and prints their answers. Results go to standard
// output, logs and mistakes to standard error. A command ends with an error,
// and the process with exit status 1, whenever its answer is not right in
// full. Nothing here queues: input is read no faster than it is worked on.
package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"mimamori/internal/care"
)

// IO is where a command reads and writes.
type IO struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// program is what all commands share.
type program struct {
	IO
	log *slog.Logger
	now func() time.Time
}

// Run executes one command line. The error is what a person should read.
func Run(ctx context.Context, args []string, std IO) error {
	defer limitMemory(memoryLimit)()
	p := &program{IO: std, now: time.Now}
	p.log = slog.New(slog.NewTextHandler(std.Err, &slog.HandlerOptions{Level: slog.LevelInfo}))
	root := &cobra.Command{
		Use:           "mimamori",
		Short:         "Log pipeline and light SIEM for the security cloud of local governments (自治体情報セキュリティクラウド)",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       care.Version(),
	}
	root.SetArgs(args)
	root.SetIn(std.In)
	root.SetOut(std.Out)
	root.SetErr(std.Err)
	p.profiling(root)
	root.AddCommand(p.up(), p.demo(), p.collector(), p.formats(), p.rules(), p.query(), p.sqlBoxCommand(), p.ledger(), p.archive(), p.erasure(), p.clocks(), p.ingestCommand(), p.storeCommand(), p.replay(), p.bench())
	return root.ExecuteContext(ctx)
}

// print writes v as one JSON object on a line.
func (p *program) print(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	_, err = fmt.Fprintf(p.Out, "%s\n", b)
	return err
}

// group makes a command that only holds others.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(subs...)
	return c
}
