package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"mimamori/ingest/inbox"
	"mimamori/internal/app"
	"mimamori/internal/carry"
)

// ingestCommand is for frames that come as files.
func (p *program) ingestCommand() *cobra.Command {
	return group("ingest", "Frames that come as files, from zones without a line", p.importFiles(), p.carried(), p.recipient())
}

func (p *program) importFiles() *cobra.Command {
	var data string
	var js bool
	var patience time.Duration
	c := &cobra.Command{
		Use: "import DIR|FILE...", Args: cobra.MinimumNArgs(1), Short: "Take carried files; one that comes twice does no harm",
		RunE: func(c *cobra.Command, args []string) error {
			dir := app.InboxDir(data)
			files, err := carriedFiles(args)
			if err != nil {
				return err
			}
			began := p.now()
			for _, f := range files {
				if err := inbox.Put(dir, f); err != nil {
					return err
				}
			}
			list, err := p.await(c.Context(), dir, began, files, patience)
			if js {
				err = errors.Join(p.print(list), err)
			} else {
				err = errors.Join(p.showTaken(list), err)
			}
			for _, t := range list {
				if t.Refused != "" {
					err = errors.Join(err, fmt.Errorf("%s: %s", t.File, t.Refused))
				}
			}
			return err
		},
	}
	c.Flags().StringVar(&data, "data", "data", "data folder")
	c.Flags().BoolVar(&js, "json", false, "print a JSON list")
	c.Flags().DurationVar(&patience, "wait", time.Minute, "how long to wait until the running program has taken them")
	return c
}

// carriedFiles lists the files that the arguments name.
func carriedFiles(args []string) ([]string, error) {
	var out []string
	for _, a := range args {
		info, err := os.Stat(a)
		if err != nil {
			return nil, fmt.Errorf("import: %w", err)
		}
		if !info.IsDir() {
			out = append(out, a)
			continue
		}
		names, err := filepath.Glob(filepath.Join(a, "*"+carry.Suffix))
		if err != nil {
			return nil, fmt.Errorf("import: %w", err)
		}
		out = append(out, names...)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("import: there is no *%s file", carry.Suffix)
	}
	return out, nil
}

// await waits until the program has taken the files.
func (p *program) await(ctx context.Context, dir string, began time.Time, files []string, patience time.Duration) ([]inbox.Taken, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		list, err := inbox.Read(dir)
		if err != nil {
			return nil, err
		}
		list = slices.DeleteFunc(list, func(t inbox.Taken) bool { return t.At.Before(began.Add(-time.Second)) })
		waiting := slices.DeleteFunc(slices.Clone(files), func(f string) bool {
			_, err := os.Stat(filepath.Join(dir, filepath.Base(f)))
			return errors.Is(err, os.ErrNotExist)
		})
		if len(waiting) == 0 {
			return list, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return list, fmt.Errorf("%d files wait in %s: they are taken when mimamori up runs on this data folder", len(waiting), dir)
		}
	}
}

func (p *program) carried() *cobra.Command {
	var data string
	var js bool
	c := &cobra.Command{
		Use: "carried", Args: cobra.NoArgs, Short: "List the carried files that came, and the numbers that did not",
		RunE: func(*cobra.Command, []string) error {
			list, err := inbox.Read(app.InboxDir(data))
			if err != nil {
				return err
			}
			if js {
				return p.print(list)
			}
			if err := p.showTaken(list); err != nil {
				return err
			}
			for who, numbers := range missingFiles(list) {
				fmt.Fprintf(p.Out, "%s: files that did not come: %v\n", who, numbers)
			}
			return nil
		},
	}
	c.Flags().StringVar(&data, "data", "data", "data folder")
	c.Flags().BoolVar(&js, "json", false, "print a JSON list")
	return c
}

// missingFiles names, by collector, the numbers below the highest that did not
// come, the first 100 of them.
func missingFiles(list []inbox.Taken) map[string][]uint64 {
	have, most := map[string]map[uint64]bool{}, map[string]uint64{}
	for _, t := range list {
		if t.Refused != "" {
			continue
		}
		if have[t.Collector] == nil {
			have[t.Collector] = map[uint64]bool{}
		}
		have[t.Collector][t.Number] = true
		most[t.Collector] = max(most[t.Collector], t.Number)
	}
	out := map[string][]uint64{}
	for who, n := range most {
		for i := uint64(1); i < n && len(out[who]) < 100; i++ {
			if !have[who][i] {
				out[who] = append(out[who], i)
			}
		}
	}
	return out
}

func (p *program) showTaken(list []inbox.Taken) error {
	w := tabwriter.NewWriter(p.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "file\tcollector\tnumber\tframes\trecords\ttaken\tnote")
	for _, t := range list {
		note := t.Refused
		if t.Again {
			note = "came before"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%s\t%s\n", t.File, t.Collector, t.Number, t.Frames, t.Records, t.At.Format(time.DateTime), note)
	}
	return w.Flush()
}

func (p *program) recipient() *cobra.Command {
	var data string
	c := &cobra.Command{
		Use: "recipient", Args: cobra.NoArgs, Short: "Print what collectors encrypt carried files to (carry.recipient in collector.yaml)",
		RunE: func(*cobra.Command, []string) error {
			if err := app.Prepare(data); err != nil {
				return err
			}
			id, err := carry.LoadOrMakeIdentity(app.IdentityFile(data))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(p.Out, id.Recipient())
			return err
		},
	}
	c.Flags().StringVar(&data, "data", "data", "data folder")
	return c
}
