package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"mimamori/archive"
	"mimamori/internal/whole"
)

func (p *program) archiveExtract() *cobra.Command {
	o := archiveOptions{}
	s := archive.Selection{}
	var selected, out string
	c := &cobra.Command{
		Use: "extract DIR", Args: cobra.ExactArgs(1),
		Short: "Take chosen events out as evidence, which archive verify FILE accepts alone; needs the keys",
		RunE: func(_ *cobra.Command, args []string) error {
			if err := selectEvents(&s, selected); err != nil {
				return err
			}
			keys, err := o.open()
			if err != nil {
				return err
			}
			n := 0
			err = whole.Write(out, func(w io.Writer) error {
				n, err = archive.Extract(args[0], keys, s, p.now(), w)
				if err == nil && n == 0 {
					err = errors.New("archive: nothing in files by day is selected; what came within the last minutes, or today, can be taken out when its day is over")
				}
				return err
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(p.Out, "%s: %d frames\n", out, n)
			return nil
		},
	}
	o.flags(c)
	f := c.Flags()
	f.StringVar(&selected, "select", "", "COLLECTOR[/SOURCE[/EPOCH[/SEQ[-SEQ]]]], as an event's identity is written")
	f.StringSliceVar(&s.Municipalities, "municipality", nil, "codes; all by default")
	f.StringVar(&s.From, "from", "", "first day of arrival, 2026-11-22")
	f.StringVar(&s.To, "to", "", "last day of arrival")
	f.StringVar(&out, "out", "evidence.json", "file to write")
	return c
}

// selectEvents reads an event's identity, or the beginning of one.
func selectEvents(s *archive.Selection, text string) error {
	parts := strings.Split(text, "/")
	bad := fmt.Errorf("archive: --select %q: write COLLECTOR/SOURCE/EPOCH/SEQ, such as town-a/fw/1795309200/17 or …/17-40; what is behind may be left out", text)
	if len(parts) > 4 {
		return bad
	}
	parts = append(parts, "", "", "", "")
	s.Collector, s.Source = parts[0], parts[1]
	var err error
	if parts[2] != "" {
		if s.Epoch, err = strconv.ParseUint(parts[2], 10, 64); err != nil {
			return bad
		}
	}
	if parts[3] == "" {
		return nil
	}
	first, last, found := strings.Cut(parts[3], "-")
	if !found {
		last = first
	}
	s.First, err = strconv.ParseUint(first, 10, 64)
	if err == nil {
		s.Last, err = strconv.ParseUint(last, 10, 64)
	}
	if err != nil || s.First == 0 || s.Last < s.First {
		return bad
	}
	return nil
}

// verifyEvidence checks a file of evidence.
func (p *program) verifyEvidence(path string, anchor []byte, js bool) error {
	in, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("archive: evidence: %w", err)
	}
	defer in.Close()
	r, err := archive.VerifyEvidence(in, anchor)
	if err != nil {
		return err
	}
	if js {
		err = p.print(r)
	} else {
		for _, text := range r.Wrong {
			fmt.Fprintf(p.Out, "不成立 does not hold\t%s\n", text)
		}
		for _, x := range r.Proved {
			fmt.Fprintf(p.Out, "証明済み proved\t%s %s\t%s\tarrived %s\n", x.Municipality, x.Day, x.Frame, x.Arrived)
			for _, l := range x.Lines {
				fmt.Fprintf(p.Out, "\t%d\t%s\t%q\n", l.Seq, l.Received, l.Plain)
			}
		}
		fmt.Fprintf(p.Out, "%d frames, %d lines; 署名鍵 / signed by %s\n", r.Frames, r.Lines, r.Key)
		if anchor == nil {
			fmt.Fprintln(p.Out, "鍵が本物かどうかは --anchor で照合してください / whether the key is the prefecture's own: compare it with --anchor")
		}
	}
	if err == nil && len(r.Wrong) > 0 {
		err = errArchive
	}
	return err
}
