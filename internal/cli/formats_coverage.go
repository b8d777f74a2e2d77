package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"mimamori/event"
	"mimamori/ingest/format"
	"mimamori/ingest/format/cluster"
	"mimamori/store"
)

// maxShapes bounds the shapes of unknown lines that are told apart.
const maxShapes = 2000

// coverage gathers lines that no format takes, or takes badly.
type coverage struct {
	p      *program
	parser *format.Parser
	shapes *cluster.Shapes
	lines  int // that were looked at
	bad    int // of these
}

func (p *program) formatsCoverage() *cobra.Command {
	var s source
	var dirs, from []string
	var data, since, header string
	var limit, top int
	var js bool
	c := &cobra.Command{
		Use: "coverage [--from FILE]... | --data DIR | < lines", Args: cobra.NoArgs,
		Short: "Show the shapes of lines that no format takes, or takes badly: how many, why, an example, where from",
		RunE: func(c *cobra.Command, _ []string) error {
			parser, err := s.parser(dirs, p.now)
			if err != nil {
				return err
			}
			cov := &coverage{p: p, parser: parser, shapes: cluster.New(maxShapes)}
			if data != "" {
				q := event.Query{Text: "has(quarantine)", Limit: 2000}
				if q.From, err = p.moment(since); err != nil {
					return fmt.Errorf("--since: %w", err)
				}
				err = cov.fromStore(c.Context(), filepath.Join(data, "events"), q, limit)
			}
			if data == "" && len(from) == 0 {
				from = []string{"-"}
			}
			for _, path := range from {
				if err == nil {
					err = cov.fromFile(&s, path, header)
				}
			}
			if err != nil {
				return err
			}
			return cov.show(top, js)
		},
	}
	s.flags(c)
	f := c.Flags()
	f.StringSliceVar(&dirs, "formats", nil, "folders of formats beside the built-in ones")
	f.StringSliceVar(&from, "from", nil, "files of log lines, - for standard input")
	f.StringVar(&header, "header", "", "header line of the files that the lines are rows of")
	f.StringVar(&data, "data", "", "data folder: the quarantined events that are stored there")
	f.StringVar(&since, "since", "", "with --data, the earliest time, or an age such as 24h")
	f.IntVar(&limit, "limit", 200_000, "with --data, the most events to look at, newest first")
	f.IntVar(&top, "top", 50, "shapes to show")
	f.BoolVar(&js, "json", false, "print one JSON object")
	return c
}

// fromFile reads lines and keeps those that no format reads well.
func (c *coverage) fromFile(s *source, path, header string) error {
	in, err := c.p.open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	x := new(event.Builder)
	return s.each(in, func(_ int, line string) error {
		x.Reset()
		c.lines++
		if res := c.parser.Parse(format.Input{Line: line, Header: header, Received: c.p.now()}, x); res.Reason != "" {
			c.add(res.Format, res.Reason, line, path)
		}
		return nil
	})
}

// add counts a bad line.
func (c *coverage) add(name, reason, line, source string) {
	c.bad++
	if name != "" {
		reason = name + ": " + reason
	}
	app, body := c.parser.Body(line)
	c.shapes.Add(cluster.Line{Group: reason, App: app, Body: body, Whole: line, Source: source})
}

// fromStore reads quarantined events, page by page.
func (c *coverage) fromStore(ctx context.Context, dir string, q event.Query, limit int) error {
	s, err := store.Open(dir, store.Options{Log: c.p.log, Now: c.p.now, ReadOnly: true})
	if err != nil {
		return err
	}
	fields := newStoredFields()
	for c.bad < limit {
		page, err := s.Search(ctx, q)
		if err != nil {
			return errors.Join(err, s.Close())
		}
		c.lines = int(page.Total)
		for i := range page.Batch.Events {
			c.stored(&page.Batch.Events[i], &fields)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	return s.Close()
}

// storedFields are what is asked of a stored event.
type storedFields struct {
	original, dataset, quarantine event.Field
	source                        []event.Field
}

func newStoredFields() storedFields {
	f := event.MustLookup
	return storedFields{f("event.original"), f("event.dataset"), f("quarantine"), []event.Field{f("municipality"), f("collector"), f("input")}}
}

func (c *coverage) stored(ev *event.Event, f *storedFields) {
	reasons, _ := ev.Get(f.quarantine)
	reason := strings.Join(reasons.List(), "; ")
	var source []string
	for _, s := range f.source {
		if v := ev.Str(s); v != "" {
			source = append(source, v)
		}
	}
	name := ev.Str(f.dataset)
	if name == "unknown" {
		name = ""
	}
	c.add(name, reason, ev.Str(f.original), strings.Join(source, "/"))
}

func (c *coverage) show(top int, js bool) error {
	list := c.shapes.List()
	all := len(list)
	list = list[:min(len(list), top)]
	for i := range list {
		list[i].Sources = list[i].Sources[:min(len(list[i].Sources), 5)]
	}
	if js {
		return c.p.print(struct {
			Lines  int             `json:"lines"`
			Bad    int             `json:"quarantined"`
			Shapes int             `json:"shapes"`
			Other  int             `json:"other"`
			Top    []cluster.Shape `json:"top"`
		}{c.lines, c.bad, all, c.shapes.Other, list})
	}
	out := bufio.NewWriter(c.p.Out)
	fmt.Fprintf(out, "%d lines, %d that no format reads well, of %d shapes", c.lines, c.bad, all)
	if c.shapes.Other > 0 {
		fmt.Fprintf(out, " (%d lines of further shapes)", c.shapes.Other)
	}
	fmt.Fprintln(out)
	for _, sh := range list {
		fmt.Fprintf(out, "\n%d × %s\n    shape   %s\n    example %s\n", sh.Count, sh.Group, sh.Pattern, sh.Example)
		for _, s := range sh.Sources {
			fmt.Fprintf(out, "    from    %s (%d)\n", s.Name, s.Count)
		}
	}
	return out.Flush()
}
