package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"mimamori/archive"
	"mimamori/internal/app"
)

func (p *program) storeCommand() *cobra.Command {
	return group("store", "Back up, restore and rebuild what the prefecture keeps", p.storeBackup(), p.storeRestore(), p.storeRebuild())
}

func (p *program) storeBackup() *cobra.Command {
	o := archiveOptions{}
	var plain bool
	c := &cobra.Command{
		Use: "backup DIR", Args: cobra.ExactArgs(1), Short: "Copy the data folder, sealed, while the service runs; again into the same folder for what is new",
		Long: `Copies events, alerts, accounts, keys of the service and the checkpoint, consistent with each other, while the service runs.
All events in it are sealed by the archive's data keys, by municipality and month of arrival: whoever has the backup alone can read
none, and a month that is erased is unreadable in it, too. A second backup into the same folder writes what is new.
Not in it: the archive's keys, which restore needs (keep their own copy: docs/archive.md), the archive, and frames that wait.
Without an archive, or with --plain, the backup is as readable as the data folder, by whoever has it.`,
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := o.load()
			if err != nil {
				return err
			}
			keys, err := o.sealers(plain)
			if err != nil {
				return err
			}
			saved, err := app.Backup(c.Context(), cfg.Data, args[0], keys, p.now())
			if err != nil {
				return err
			}
			fmt.Fprintf(p.Out, "控えを取りました / saved: %d segments (%d MB), %d other files in %s\n", saved.Events.Segments, saved.Events.Bytes/1e6, saved.Files, args[0])
			if saved.Sealed == nil {
				fmt.Fprintln(p.Out, "注意: 暗号化されていません。この控えを持つ人は誰でも読め、消去も及びません / not sealed: whoever has this backup can read it, and no erasure reaches it")
				return nil
			}
			for _, file := range saved.Sealed.Copy.Left {
				fmt.Fprintf(p.Out, "読めないため控えにありません / can't be read and is not in it: %s\n", file)
			}
			return nil
		},
	}
	o.flags(c)
	c.Flags().BoolVar(&plain, "plain", false, "do not seal it")
	return c
}

// sealers are the data keys that a backup is sealed by; nil for none.
func (o *archiveOptions) sealers(plain bool) (*archive.Keys, error) {
	a, err := o.files()
	if err != nil || plain || a.Off {
		return nil, err
	}
	if _, err := os.Stat(a.Keys); errors.Is(err, fs.ErrNotExist) && o.keys == "" {
		return nil, nil // there never was an archive
	}
	return o.open()
}

func (p *program) storeRestore() *cobra.Command {
	o := archiveOptions{}
	c := &cobra.Command{
		Use: "restore DIR", Args: cobra.ExactArgs(1), Short: "Make a new data folder of a backup, which stays as it is",
		Long: `A sealed backup needs the archive's data keys (--keys, or --config) and the secret half of the operator's key (--operator).
What was erased since does not come back, and is listed by municipality and month.`,
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := o.load()
			if err != nil {
				return err
			}
			var keys *archive.Keys
			if o.keys != "" || o.config != "" {
				if keys, err = o.open(); err != nil {
					return err
				}
			}
			saved, erased, err := app.Restore(c.Context(), args[0], cfg.Data, keys)
			if err != nil {
				return err
			}
			fmt.Fprintf(p.Out, "戻しました / restored: %d segments, as of %s, to %s\n", saved.Events.Segments, saved.Time.Format("2006-01-02 15:04:05"), cfg.Data)
			for _, e := range erased {
				if e.Municipality == "" {
					fmt.Fprintln(p.Out, "検知の学習内容は、後の消去により失われました。改めて学習します / what the rules had learned went with an erasure since; they learn anew")
					continue
				}
				fmt.Fprintf(p.Out, "消去済み / erased: %s %s: %d events, %d in alerts\n", e.Municipality, e.Month, e.Events, e.Evidence)
			}
			return nil
		},
	}
	o.flags(c)
	return c
}
