package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/internal/lang"
	"mimamori/internal/lists"
	"mimamori/store"
)

// question is what the flags of query ask.
type question struct {
	data, from, to  string
	elastic         string
	limit           int
	js, sql, follow bool
	format, fields  string
	bom             bool
	by, measures    []string
	timeout         time.Duration
}

func (p *program) query() *cobra.Command {
	var o question
	c := &cobra.Command{
		Use: "query 'EXPR or words'", Args: cobra.MaximumNArgs(1), Short: "Search the stored events, newest first; reckon, export, follow",
		RunE: func(c *cobra.Command, args []string) error {
			q := event.Query{Text: strings.Join(args, " "), Limit: o.limit}
			var err error
			if q.From, err = p.moment(o.from); err != nil {
				return fmt.Errorf("--from: %w", err)
			}
			if q.To, err = p.moment(o.to); err != nil {
				return fmt.Errorf("--to: %w", err)
			}
			s, closing, err := p.openReader(&o)
			if err != nil {
				return err
			}
			ctx := c.Context()
			if o.timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, o.timeout)
				defer cancel()
			}
			return errors.Join(p.answer(ctx, s, q, &o), closing())
		},
	}
	f := c.Flags()
	f.StringVar(&o.data, "data", "data", "data folder")
	f.StringVar(&o.elastic, "elasticsearch", "", "ask the Elasticsearch of this configuration file instead of the data folder's events")
	f.StringVar(&o.from, "from", "", "earliest time: 2026-11-22, 2026-11-22T09:00:00+09:00, or an age such as 24h, 30d")
	f.StringVar(&o.to, "to", "", "first time no longer wanted, same forms")
	f.IntVar(&o.limit, "limit", 100, "most events or rows to print, at most 10000")
	f.BoolVar(&o.js, "json", false, "print one JSON object: total, took_seconds, events")
	f.StringVar(&o.format, "format", "", "write all matching events as csv, ndjson or parquet; figures and SQL as csv")
	f.StringVar(&o.fields, "fields", "", "fields to write with --format, joined by commas")
	f.BoolVar(&o.bom, "bom", false, "begin CSV with a byte order mark, for Excel")
	f.StringSliceVar(&o.by, "by", nil, "count by one or two fields, joined by a comma")
	f.StringSliceVar(&o.measures, "measure", nil, "figures: distinct(F), sum(F), avg(F), min(F), max(F), p95(F)")
	f.BoolVar(&o.sql, "sql", false, "the text is one SELECT over the table events")
	f.BoolVar(&o.follow, "follow", false, "go on with what arrives, until interrupted")
	f.DurationVar(&o.timeout, "timeout", 0, "give up after this long: 30s, 5m")
	c.MarkFlagsMutuallyExclusive("json", "format")
	c.MarkFlagsMutuallyExclusive("sql", "follow", "by")
	c.MarkFlagsMutuallyExclusive("sql", "follow", "measure")
	c.MarkFlagsMutuallyExclusive("sql", "elasticsearch")
	c.MarkFlagsMutuallyExclusive("data", "elasticsearch")
	return c
}

// answer asks the store in the way that the flags say.
func (p *program) answer(ctx context.Context, s events, q event.Query, o *question) error {
	switch {
	case o.follow:
		return p.followStore(ctx, s, q)
	case o.sql:
		own, ok := s.(*store.Store)
		if !ok {
			return errors.New("only a data folder's events are asked in SQL")
		}
		table, err := own.SQL(ctx, q)
		return p.showTable(table, o, err)
	case len(o.by)+len(o.measures) > 0:
		table, err := p.reckon(ctx, s, q, o)
		return p.showTable(table, o, err)
	case o.format != "":
		return p.export(ctx, s, q, o)
	}
	page, err := s.Search(ctx, q)
	if err != nil {
		return err
	}
	if err := p.showPage(page, o.js); err != nil || o.js {
		return err
	}
	fmt.Fprintf(p.Err, "%d of %d events, the newest first\n", len(page.Batch.Events), page.Total)
	return nil
}

// openEvents opens a data folder's events to read, with the lists that its
// service uses.
func (p *program) openEvents(data string) (*store.Store, error) {
	named, err := lists.Open(filepath.Join(data, "lists"))
	if err != nil {
		return nil, err
	}
	return p.openStore(data, named)
}

// openStore opens a data folder's events to read.
func (p *program) openStore(data string, named lang.Lists) (*store.Store, error) {
	dir := filepath.Join(data, "events")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		hint := "--data names the folder of the service that stores them"
		if near, err := filepath.Glob(filepath.Join(data, "*", "events")); err == nil && len(near) > 0 {
			hint = "there are some in another folder: --data " + filepath.Dir(near[0])
		}
		return nil, fmt.Errorf("no events are stored in %s; %s", data, hint)
	}
	return store.Open(dir, store.Options{Log: p.log, Now: p.now, ReadOnly: true, Lists: named, SQLBox: sqlBox()})
}

// moment reads a point in time, or an age before now; "" is the zero time.
func (p *program) moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if age, err := time.ParseDuration(s); err == nil {
		return p.now().Add(-age), nil
	}
	if n, isDays := strings.CutSuffix(s, "d"); isDays {
		if days, err := strconv.ParseUint(n, 10, 16); err == nil {
			return p.now().AddDate(0, 0, -int(days)), nil
		}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, calendar.JST()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time; write 2026-11-22, 2026-11-22T09:00:00+09:00 or an age such as 24h, 30d", s)
}

func (p *program) showPage(page *event.Page, js bool) error {
	out := bufio.NewWriter(p.Out)
	var buf []byte
	if js {
		fmt.Fprintf(out, `{"total":%d,"took_seconds":%.4f,"events":[`, page.Total, page.Took.Seconds())
	}
	for i := range page.Batch.Events {
		buf = page.Batch.Events[i].AppendJSON(buf[:0])
		if js && i > 0 {
			buf = append([]byte{','}, buf...)
		}
		if !js {
			buf = append(buf, '\n')
		}
		if _, err := out.Write(buf); err != nil {
			return err
		}
	}
	if js {
		fmt.Fprint(out, "]}\n")
	}
	return out.Flush()
}
