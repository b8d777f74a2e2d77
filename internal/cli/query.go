package cli

import (
	"bufio"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/internal/lists"
	"mimamori/store"
)

func (p *program) query() *cobra.Command {
	var data, from, to string
	var limit int
	var js bool
	c := &cobra.Command{
		Use: "query 'EXPR or words'", Args: cobra.MaximumNArgs(1), Short: "Search the stored events, newest first",
		RunE: func(c *cobra.Command, args []string) error {
			q := event.Query{Text: strings.Join(args, " "), Limit: limit}
			var err error
			if q.From, err = p.moment(from); err != nil {
				return fmt.Errorf("--from: %w", err)
			}
			if q.To, err = p.moment(to); err != nil {
				return fmt.Errorf("--to: %w", err)
			}
			s, err := p.openEvents(data)
			if err != nil {
				return err
			}
			page, err := s.Search(c.Context(), q)
			if err := errors.Join(err, s.Close()); err != nil {
				return err
			}
			if err := p.showPage(page, js); err != nil || js {
				return err
			}
			fmt.Fprintf(p.Err, "%d of %d events, the newest first\n", len(page.Batch.Events), page.Total)
			return nil
		},
	}
	c.Flags().StringVar(&data, "data", "data", "data folder")
	c.Flags().StringVar(&from, "from", "", "earliest time: 2026-11-22, 2026-11-22T09:00:00+09:00, or an age such as 24h, 30d")
	c.Flags().StringVar(&to, "to", "", "first time no longer wanted, same forms")
	c.Flags().IntVar(&limit, "limit", 100, "most events to print, at most 10000")
	c.Flags().BoolVar(&js, "json", false, "print one JSON object: total, took_seconds, events")
	return c
}

// openEvents opens a data folder's events to read, with the lists that its
// service uses.
func (p *program) openEvents(data string) (*store.Store, error) {
	named, err := lists.Open(filepath.Join(data, "lists"))
	if err != nil {
		return nil, err
	}
	return store.Open(filepath.Join(data, "events"), store.Options{Log: p.log, Now: p.now, ReadOnly: true, Lists: named})
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
