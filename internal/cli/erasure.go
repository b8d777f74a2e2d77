package cli

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"mimamori/archive"
	"mimamori/internal/app"
	"mimamori/internal/calendar"
	"mimamori/soc"
	"mimamori/soc/erasure"
)

func (p *program) erasure() *cobra.Command {
	return group("erasure", "Months that were erased for good, or will be; deciding is done in the console", p.erasureList(), p.erasureVerify())
}

func (p *program) erasureList() *cobra.Command {
	o := archiveOptions{}
	var js bool
	c := &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: "Every request with its state, and the legal holds that stand",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			s, err := o.register(c)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			everything := soc.User{Role: soc.Admin}
			list, err := s.List(c.Context(), &everything)
			if err != nil {
				return err
			}
			holds, err := s.Holds(c.Context(), &everything)
			if err != nil {
				return err
			}
			if js {
				return p.print(map[string]any{"erasures": list, "holds": holds})
			}
			return p.showErasures(list, holds)
		},
	}
	o.flags(c)
	c.Flags().BoolVar(&js, "json", false, "print one JSON object")
	return c
}

// register opens the register of erasures of a data folder, which must be there.
func (o *archiveOptions) register(c *cobra.Command) (*erasure.Service, error) {
	cfg, err := o.load()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(cfg.Data, app.ErasureFile)
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("erasure: there is no register: %w", err)
	}
	return erasure.Open(c.Context(), erasure.Config{Path: path, Now: time.Now})
}

func (p *program) showErasures(list []erasure.Erasure, holds []erasure.Hold) error {
	day := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.In(calendar.JST()).Format("2006-01-02 15:04")
	}
	w := tabwriter.NewWriter(p.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "number\tmunicipality\tmonth\tstate\tasked\tapproved\tdue\tcertificate\ttrouble")
	for i := range list {
		e := &list[i]
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s %s\t%s %s\t%s\t%s\t%s\n", e.ID, e.Municipality, e.Month, e.State, day(e.Requested.At), e.Requested.By,
			day(e.Approved.At), e.Approved.By, day(e.Due), e.Certificate, strings.ReplaceAll(e.Trouble, "\n", "; "))
	}
	for _, h := range holds {
		if h.Lifted.IsZero() {
			fmt.Fprintf(w, "hold %d\t%s\t%s\tsince %s\t%s\t%s\n", h.ID, h.Municipality, h.Month, day(h.Since), h.By, h.Why)
		}
	}
	return w.Flush()
}

// errCertificate ends the verification of a certificate that is not genuine.
var errCertificate = errors.New("erasure: the certificate is not genuine (証明書は真正ではありません)")

func (p *program) erasureVerify() *cobra.Command {
	var public string
	c := &cobra.Command{
		Use: "verify FILE", Args: cobra.ExactArgs(1), Short: "Check one certificate; archive verify checks all of an archive, and the days that they name",
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("erasure: %w", err)
			}
			c, err := archive.ParseCertificate(text)
			if err != nil {
				return errors.Join(errCertificate, err)
			}
			key := hex.EncodeToString(c.Key)
			fmt.Fprintf(p.Out, "%s %s: %d 日 / days, by %s (%s) and %s (%s), %s\n署名鍵 / signed by %s\n", c.Municipality, c.Month, len(c.Days),
				c.Requested.By, c.Requested.Side, c.Approved.By, c.Approved.Side, c.Ended.Format("2006-01-02 15:04"), key)
			if public == "" {
				fmt.Fprintln(p.Out, "archive.pub との照合なし / compare this key with the archive's (--key archive.pub)")
				return nil
			}
			want, err := os.ReadFile(public)
			if err != nil {
				return fmt.Errorf("erasure: %w", err)
			}
			if strings.TrimSpace(string(want)) != key {
				return fmt.Errorf("%w: %s holds another key", errCertificate, public)
			}
			fmt.Fprintln(p.Out, "真正な証明書 / the certificate is genuine")
			return nil
		},
	}
	c.Flags().StringVar(&public, "key", "", "file with the key that signs, archive.pub of the archive")
	return c
}
