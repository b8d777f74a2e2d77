package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mimamori/archive"
	"mimamori/internal/app"
)

// archiveOptions say where the archive and its keys are.
type archiveOptions struct {
	config, data     string
	keys, operator   string
	passphrase, sign string
}

// load reads the configuration, if one is named.
func (o *archiveOptions) load() (app.Config, error) {
	cfg := app.DefaultConfig()
	if o.config != "" {
		var err error
		if cfg, err = app.LoadConfig(o.config); err != nil {
			return cfg, err
		}
	}
	if o.data != "" {
		cfg.Data = o.data
	}
	return cfg, nil
}

// files are the archive's, as the service has them.
func (o *archiveOptions) files() (app.Archive, error) {
	cfg, err := o.load()
	if err != nil {
		return app.Archive{}, err
	}
	a := cfg.ArchiveFiles()
	for to, from := range map[*string]string{&a.Keys: o.keys, &a.Operator: o.operator, &a.Passphrase: o.passphrase, &a.Sign: o.sign} {
		if from != "" {
			*to = from
		}
	}
	return a, nil
}

// open opens the data keys; missing files are no reason to make new ones.
func (o *archiveOptions) open() (*archive.Keys, error) {
	a, err := o.files()
	if err != nil {
		return nil, err
	}
	for _, path := range []string{a.Keys, a.Operator} {
		if _, err := os.Stat(path); err != nil && !strings.HasPrefix(path, "age1") {
			return nil, fmt.Errorf("archive: keys: %w", err)
		}
	}
	return a.OpenKeys()
}

func (o *archiveOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.config, "config", "", "configuration file, for where archive and keys are")
	f.StringVar(&o.data, "data", "", "data folder, likewise")
	f.StringVar(&o.keys, "keys", "", "folder of the data keys")
	f.StringVar(&o.operator, "operator", "", "the operator's key file")
	f.StringVar(&o.passphrase, "passphrase", "", "file with the passphrase of the operator's key file")
}

// of is files, of the archive that the command line names, if it does.
func (o *archiveOptions) of(args []string) (app.Archive, error) {
	a, err := o.files()
	if len(args) > 0 {
		a.Dir = args[0]
	}
	return a, err
}

func (p *program) archive() *cobra.Command {
	return group("archive", "Frames as they came: verify them, take evidence out", p.archiveVerify(), p.archiveExtract(), p.archiveHead(), p.archiveStatus(), p.archiveKeys())
}

func (p *program) archiveHead() *cobra.Command {
	o := archiveOptions{}
	var fresh bool
	c := &cobra.Command{
		Use: "head [DIR]", Args: cobra.MaximumNArgs(1), Short: "Print the newest signed head, to be kept elsewhere as an anchor; --now signs one of this moment",
		RunE: func(_ *cobra.Command, args []string) error {
			a, err := o.of(args)
			if err != nil {
				return err
			}
			var text []byte
			if fresh {
				text, err = p.signHead(a)
			} else {
				text, err = archive.NewestHead(a.Dir)
			}
			if err != nil {
				return err
			}
			_, err = p.Out.Write(text)
			return err
		},
	}
	o.flags(c)
	c.Flags().BoolVar(&fresh, "now", false, "sign what the archive holds now; needs the signing key")
	c.Flags().StringVar(&o.sign, "sign", "", "file of the signing key")
	return c
}

// signHead signs what an archive holds now, by the key that is there.
func (p *program) signHead(a app.Archive) ([]byte, error) {
	if _, err := os.Stat(a.Sign); err != nil {
		return nil, fmt.Errorf("archive: signing key: %w", err)
	}
	key, err := archive.LoadOrMakeSigner(a.Sign)
	if err != nil {
		return nil, err
	}
	return archive.SignHead(a.Dir, key, p.now())
}

func (p *program) archiveStatus() *cobra.Command {
	o := archiveOptions{}
	var js bool
	c := &cobra.Command{
		Use: "status [DIR]", Args: cobra.MaximumNArgs(1), Short: "What the archive holds, by municipality",
		RunE: func(_ *cobra.Command, args []string) error {
			a, err := o.of(args)
			if err != nil {
				return err
			}
			list, err := archive.List(a.Dir)
			if err != nil {
				return err
			}
			if js {
				return p.print(map[string]any{"dir": a.Dir, "municipalities": list})
			}
			w := tabwriter.NewWriter(p.Out, 0, 8, 2, ' ', 0)
			fmt.Fprintln(w, "municipality\tfrom\tto\tdays\tsigned\tbytes")
			for _, t := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\n", t.Municipality, t.From, t.To, t.Days, t.Signed, t.Bytes)
			}
			return w.Flush()
		},
	}
	o.flags(c)
	c.Flags().BoolVar(&js, "json", false, "print one JSON object")
	return c
}

func (p *program) archiveKeys() *cobra.Command {
	o := archiveOptions{}
	var js bool
	c := &cobra.Command{
		Use: "keys", Args: cobra.NoArgs, Short: "Every data key, and whether the operator's key at hand opens it",
		RunE: func(*cobra.Command, []string) error {
			keys, err := o.open()
			if err != nil {
				return err
			}
			list, err := keys.List()
			if err != nil {
				return err
			}
			if js {
				return p.print(map[string]any{"keys": list})
			}
			w := tabwriter.NewWriter(p.Out, 0, 8, 2, ' ', 0)
			fmt.Fprintln(w, "municipality\tmonth\tnumber\tstate")
			for _, k := range list {
				fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", k.Municipality, k.Month, k.Number, k.State)
			}
			return w.Flush()
		},
	}
	o.flags(c)
	c.Flags().BoolVar(&js, "json", false, "print one JSON object")
	return c
}

// errArchive ends a verification that found something.
var errArchive = errors.New("archive: it is not as it was written (記録と異なります)")
