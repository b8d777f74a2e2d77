package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"mimamori/internal/app"
)

func (p *program) storeCommand() *cobra.Command {
	return group("store", "Back up, restore and rebuild what the prefecture keeps", p.storeBackup(), p.storeRestore(), p.storeRebuild())
}

func (p *program) storeBackup() *cobra.Command {
	var data string
	c := &cobra.Command{
		Use: "backup DIR", Args: cobra.ExactArgs(1), Short: "Copy the data folder to a new folder, while the service runs",
		Long: `Copies events, alerts, accounts, keys and the checkpoint to a new folder, consistent with each other, while the service runs.
Segments of events never change: on the same file system they are linked, which takes no room; only a copy on another disk
survives the loss of this one. Not in it: the stream of frames that wait to be read (data/bus), and the archive with its
keys (data/archive, data/archive-keys, data/archive.key, data/archive.sign): docs/archive.md says how these are kept.`,
		RunE: func(c *cobra.Command, args []string) error {
			saved, err := app.Backup(c.Context(), data, args[0], p.now())
			if err != nil {
				return err
			}
			fmt.Fprintf(p.Out, "控えを取りました / saved: %d segments (%d MB), %d other files in %s\n", saved.Events.Segments, saved.Events.Bytes/1e6, saved.Files, args[0])
			return nil
		},
	}
	c.Flags().StringVar(&data, "data", "data", "data folder")
	return c
}

func (p *program) storeRestore() *cobra.Command {
	var data string
	c := &cobra.Command{
		Use: "restore DIR", Args: cobra.ExactArgs(1), Short: "Make a new data folder of a backup, which stays as it is",
		RunE: func(c *cobra.Command, args []string) error {
			saved, err := app.Restore(c.Context(), args[0], data)
			if err != nil {
				return err
			}
			fmt.Fprintf(p.Out, "戻しました / restored: %d segments, as of %s, to %s\n", saved.Events.Segments, saved.Time.Format("2006-01-02 15:04:05"), data)
			return nil
		},
	}
	c.Flags().StringVar(&data, "data", "data", "data folder, new or empty")
	return c
}
