package cli

import (
	"fmt"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mimamori/frame"
	"mimamori/ingest"
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
	Dropped      uint64        `json:"dropped"`
	Lost         uint64        `json:"lost"`
	Resent       uint64        `json:"resent"`
	Missing      []frame.Range `json:"missing,omitempty"`
}

// ledgerSum is the whole account.
type ledgerSum struct {
	Received    uint64      `json:"received"`
	Stored      uint64      `json:"stored"`
	Quarantined uint64      `json:"quarantined"`
	Dropped     uint64      `json:"dropped"`
	Lost        uint64      `json:"lost"`
	Resent      uint64      `json:"resent"` // sent again by a collector and not taken twice
	Rejected    uint64      `json:"rejected_frames"`
	Broken      uint64      `json:"broken_chains"`
	Sources     []ledgerRow `json:"sources"`
}

func (p *program) ledger() *cobra.Command {
	var data string
	var js bool
	c := &cobra.Command{
		Use: "ledger", Args: cobra.NoArgs, Short: "Account for every line: received, stored, quarantined, dropped, missing",
		RunE: func(*cobra.Command, []string) error {
			account, err := ingest.ReadAccount(filepath.Join(data, "ingest"))
			if err != nil {
				return err
			}
			sum := summarise(account)
			if js {
				return p.print(sum)
			}
			return p.showLedger(sum)
		},
	}
	c.Flags().StringVar(&data, "data", "data", "data folder")
	c.Flags().BoolVar(&js, "json", false, "print one JSON object")
	return c
}

func summarise(a ingest.Account) ledgerSum {
	sum := ledgerSum{Rejected: a.Rejected, Broken: a.Broken, Sources: []ledgerRow{}}
	for _, e := range a.Entries {
		r := ledgerRow{
			Municipality: e.Municipality, Zone: e.Zone, Collector: e.Collector, Source: e.Source, Epoch: e.Epoch,
			Received: e.Received(), Stored: e.Stored, Quarantined: e.Quarantined, Dropped: e.Dropped, Lost: e.Lost(), Resent: e.Duplicates, Missing: e.Missing(),
		}
		sum.Sources = append(sum.Sources, r)
		sum.Received += r.Received
		sum.Stored += r.Stored
		sum.Quarantined += r.Quarantined
		sum.Dropped += r.Dropped
		sum.Lost += r.Lost
		sum.Resent += r.Resent
	}
	return sum
}

func (p *program) showLedger(sum ledgerSum) error {
	w := tabwriter.NewWriter(p.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "municipality\tcollector\tsource\treceived\tstored\tquarantined\tdropped\tlost\tresent")
	for _, r := range sum.Sources {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\n", r.Municipality, r.Collector, r.Source, r.Received, r.Stored, r.Quarantined, r.Dropped, r.Lost, r.Resent)
	}
	fmt.Fprintf(w, "all\t\t\t%d\t%d\t%d\t%d\t%d\t%d\n", sum.Received, sum.Stored, sum.Quarantined, sum.Dropped, sum.Lost, sum.Resent)
	return w.Flush()
}
