package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"mimamori/frame"
	"mimamori/ingest"
	"mimamori/internal/app"
	"mimamori/internal/care"
)

// ledgerRow is one sequence of the account, as printed.
type ledgerRow struct {
	Municipality string        `json:"municipality"`
	Zone         string        `json:"zone"`
	Collector    string        `json:"collector"`
	Source       string        `json:"source"`
	Epoch        uint64        `json:"epoch"`
	Received     uint64        `json:"received"`
	Stored       uint64        `json:"stored"`
	Quarantined  uint64        `json:"quarantined"`
	Masked       uint64        `json:"masked"`
	Dropped      uint64        `json:"dropped"`
	Lost         uint64        `json:"lost"`
	Spooled      uint64        `json:"spooled"` // newest number on the collector's disk, by its last heartbeat; 0 when it sent none
	Waiting      uint64        `json:"waiting"` // on the collector's disk, and not here
	Resent       uint64        `json:"resent"`
	Missing      []frame.Range `json:"missing,omitempty"`
}

// ledgerSum is the whole account.
type ledgerSum struct {
	Received    uint64      `json:"received"`
	Stored      uint64      `json:"stored"`
	Quarantined uint64      `json:"quarantined"`
	Masked      uint64      `json:"masked"`
	Dropped     uint64      `json:"dropped"`
	Lost        uint64      `json:"lost"`
	Waiting     uint64      `json:"waiting"`
	Resent      uint64      `json:"resent"` // sent again by a collector and not taken twice
	Rejected    uint64      `json:"rejected_frames"`
	Broken      uint64      `json:"broken_chains"`
	Sources     []ledgerRow `json:"sources"`
	Days        []dayRow    `json:"days,omitempty"`
}

// dayRow is what became of one source's lines of one day.
type dayRow struct {
	Day          string            `json:"day"`
	Municipality string            `json:"municipality"`
	Zone         string            `json:"zone"`
	Collector    string            `json:"collector"`
	Source       string            `json:"source"`
	Received     uint64            `json:"received"`
	Stored       uint64            `json:"stored"`
	Quarantined  uint64            `json:"quarantined"`
	Masked       uint64            `json:"masked"`
	Dropped      uint64            `json:"dropped"`
	Reasons      map[string]uint64 `json:"reasons,omitempty"` // of dropped
}

// ledgerOptions choose what of the account is shown.
type ledgerOptions struct {
	data, municipality, from, to string
	days                         bool
}

func (p *program) ledger() *cobra.Command {
	var opts ledgerOptions
	var js bool
	c := &cobra.Command{
		Use: "ledger", Args: cobra.NoArgs, Short: "Account for every line: received, stored, quarantined, dropped, missing",
		RunE: func(c *cobra.Command, _ []string) error {
			sum, err := opts.read(c.Context(), p.now)
			if err != nil {
				return err
			}
			switch {
			case js:
				return p.print(sum)
			case opts.days:
				return p.showDays(sum)
			}
			return p.showLedger(sum)
		},
	}
	c.Flags().StringVar(&opts.data, "data", "data", "data folder")
	c.Flags().StringVar(&opts.municipality, "municipality", "", "only this one: its 6-digit code")
	c.Flags().BoolVar(&opts.days, "days", false, "by day, as the collectors received the lines")
	c.Flags().StringVar(&opts.from, "from", "", "with --days: first day, such as 2026-11-01")
	c.Flags().StringVar(&opts.to, "to", "", "with --days: last day")
	c.Flags().BoolVar(&js, "json", false, "print one JSON object")
	return c
}

func (o *ledgerOptions) read(ctx context.Context, now func() time.Time) (ledgerSum, error) {
	dir := filepath.Join(o.data, "ingest")
	account, err := ingest.ReadAccount(dir)
	if err != nil {
		return ledgerSum{}, err
	}
	sum := summarise(account, o.municipality)
	if err := sum.spooled(ctx, o, now); err != nil {
		return sum, err
	}
	if !o.days {
		return sum, nil
	}
	days, err := ingest.ReadDays(dir, o.from, o.to)
	if err != nil {
		return sum, err
	}
	for _, d := range days {
		for _, r := range d.Rows {
			if o.municipality == "" || o.municipality == r.Municipality {
				sum.Days = append(sum.Days, dayRow{
					d.Day, r.Municipality, r.Zone, r.Collector, r.Source, r.Received(), r.Stored, r.Quarantined, r.Masked, r.Dropped, r.Reasons,
				})
			}
		}
	}
	slices.SortStableFunc(sum.Days, func(a, b dayRow) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Municipality, b.Municipality), cmp.Compare(a.Collector, b.Collector), cmp.Compare(a.Source, b.Source))
	})
	return sum, nil
}

// spooled adds what the collectors say is on their disks.
func (s *ledgerSum) spooled(ctx context.Context, o *ledgerOptions, now func() time.Time) error {
	if _, err := os.Stat(filepath.Join(o.data, "fleet.db")); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	register, err := app.OpenFleet(ctx, o.data, now)
	if err != nil {
		return err
	}
	beats, err := register.Beats(ctx)
	if err = errors.Join(err, register.Close()); err != nil {
		return err
	}
	rows := map[frame.Key]*ledgerRow{}
	for i := range s.Sources {
		r := &s.Sources[i]
		rows[frame.Key{Collector: r.Collector, Source: r.Source, Epoch: r.Epoch}] = r
	}
	for _, id := range slices.Sorted(maps.Keys(beats)) {
		h, err := care.ParseHeartbeat(beats[id].JSON)
		if err != nil || o.municipality != "" && o.municipality != h.Municipality {
			continue
		}
		for _, x := range h.Sources {
			r := rows[frame.Key{Collector: h.Collector, Source: x.Source, Epoch: x.Epoch}]
			if r == nil && x.Last > 0 { // nothing of it has arrived
				s.Sources = append(s.Sources, ledgerRow{Municipality: h.Municipality, Zone: x.Zone, Collector: h.Collector, Source: x.Source, Epoch: x.Epoch})
				r = &s.Sources[len(s.Sources)-1]
			}
			if r == nil {
				continue
			}
			r.Spooled = x.Last
			if have := r.Received + r.Lost; x.Last > have {
				r.Waiting = x.Last - have
				s.Waiting += r.Waiting
			}
		}
	}
	return nil
}

func summarise(a ingest.Account, municipality string) ledgerSum {
	sum := ledgerSum{Rejected: a.Rejected, Broken: a.Broken, Sources: []ledgerRow{}}
	for _, e := range a.Entries {
		if municipality != "" && municipality != e.Municipality {
			continue
		}
		r := ledgerRow{
			Municipality: e.Municipality, Zone: e.Zone, Collector: e.Collector, Source: e.Source, Epoch: e.Epoch,
			Received: e.Received(), Stored: e.Stored, Quarantined: e.Quarantined, Masked: e.Masked, Dropped: e.Dropped, Lost: e.Lost(), Resent: e.Duplicates, Missing: e.Missing(),
		}
		sum.Sources = append(sum.Sources, r)
		sum.Received += r.Received
		sum.Stored += r.Stored
		sum.Quarantined += r.Quarantined
		sum.Masked += r.Masked
		sum.Dropped += r.Dropped
		sum.Lost += r.Lost
		sum.Resent += r.Resent
	}
	return sum
}

func (p *program) showLedger(sum ledgerSum) error {
	w := tabwriter.NewWriter(p.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "municipality\tcollector\tsource\treceived\tstored\tquarantined\tmasked\tdropped\tlost\twaiting\tresent")
	for _, r := range sum.Sources {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", r.Municipality, r.Collector, r.Source, r.Received, r.Stored, r.Quarantined, r.Masked, r.Dropped, r.Lost, r.Waiting, r.Resent)
	}
	fmt.Fprintf(w, "all\t\t\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", sum.Received, sum.Stored, sum.Quarantined, sum.Masked, sum.Dropped, sum.Lost, sum.Waiting, sum.Resent)
	return w.Flush()
}

func (p *program) showDays(sum ledgerSum) error {
	w := tabwriter.NewWriter(p.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "day\tmunicipality\tcollector\tsource\treceived\tstored\tquarantined\tmasked\tdropped\twhy")
	for _, r := range sum.Days {
		var why []string
		for _, reason := range slices.Sorted(maps.Keys(r.Reasons)) {
			why = append(why, fmt.Sprintf("%s: %d", reason, r.Reasons[reason]))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\n", r.Day, r.Municipality, r.Collector, r.Source, r.Received, r.Stored, r.Quarantined, r.Masked, r.Dropped, strings.Join(why, "; "))
	}
	return w.Flush()
}
