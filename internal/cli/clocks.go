package cli

import (
	"fmt"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"mimamori/ingest"
)

// clockRow is a device whose times are off, as printed.
type clockRow struct {
	Municipality string    `json:"municipality"`
	Collector    string    `json:"collector"`
	Source       string    `json:"source"`
	Device       string    `json:"device"`
	Dataset      string    `json:"dataset"`
	Zoned        bool      `json:"zoned"`          // its times name their zone
	Skew         float64   `json:"skew_s"`         // receipt less claim, beside what is repaired; above zero it is behind
	Repair       float64   `json:"repair_s"`       // added to its times
	Lost         bool      `json:"received"`       // the time of receipt is taken
	Since        time.Time `json:"since,omitzero"` // of the repair
	Moved        time.Time `json:"moved,omitzero"` // when it last jumped
}

// changedRow is a device whose log has changed, as printed.
type changedRow struct {
	Municipality string    `json:"municipality"`
	Collector    string    `json:"collector"`
	Source       string    `json:"source"`
	Device       string    `json:"device"`
	Dataset      string    `json:"dataset"` // "" when more lines than usual can't be read
	Since        time.Time `json:"since"`
}

// devices is what is worth a look among the devices.
type devices struct {
	Clocks  []clockRow   `json:"clocks"`
	Changed []changedRow `json:"changed"`
}

func (p *program) clocks() *cobra.Command {
	var data, municipality string
	var js bool
	c := &cobra.Command{
		Use: "clocks", Args: cobra.NoArgs, Short: "Devices whose times are off or repaired, and devices whose log has changed",
		RunE: func(*cobra.Command, []string) error {
			account, err := ingest.ReadAccount(filepath.Join(data, "ingest"))
			if err != nil {
				return err
			}
			list := noteworthy(&account, municipality)
			if js {
				return p.print(list)
			}
			return p.showDevices(&list)
		},
	}
	c.Flags().StringVar(&data, "data", "data", "data folder")
	c.Flags().StringVar(&municipality, "municipality", "", "only this one: its 6-digit code")
	c.Flags().BoolVar(&js, "json", false, "print one JSON object")
	return c
}

func noteworthy(a *ingest.Account, municipality string) devices {
	out := devices{Clocks: []clockRow{}, Changed: []changedRow{}}
	for _, r := range a.Clocks {
		if municipality == "" || municipality == r.Municipality {
			out.Clocks = append(out.Clocks, clockRow{
				r.Municipality, r.Collector, r.Source, r.Device, r.Dataset, !r.Bare, r.Skew.Seconds(), r.Repair.Seconds(), r.Lost, r.Since, r.Moved,
			})
		}
	}
	for _, r := range a.Drifts {
		if municipality == "" || municipality == r.Municipality {
			out.Changed = append(out.Changed, changedRow{r.Municipality, r.Collector, r.Source, r.Device, r.Dataset, r.Since})
		}
	}
	return out
}

func (p *program) showDevices(list *devices) error {
	w := tabwriter.NewWriter(p.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "municipality\tcollector\tsource\tdevice\tdataset\twhat")
	for _, c := range list.Clocks {
		what := "off by " + seconds(c.Skew)
		switch {
		case c.Lost:
			what = "more than a day behind, the time of receipt is taken since " + c.Since.Format(time.RFC3339)
		case c.Repair != 0:
			what = "repaired by " + seconds(c.Repair) + " since " + c.Since.Format(time.RFC3339) + ", " + what + " beside"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", c.Municipality, c.Collector, c.Source, c.Device, c.Dataset, what)
	}
	for _, c := range list.Changed {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\tthe log has changed, told at %s\n", c.Municipality, c.Collector, c.Source, c.Device, c.Dataset, c.Since.Format(time.RFC3339))
	}
	return w.Flush()
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Second).String()
}
