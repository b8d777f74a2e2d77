package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"mimamori/ingest/format"
	"mimamori/ingest/format/draft"
)

// maxDraftLines bounds what is read of a file of samples.
const maxDraftLines = 20_000

func (p *program) formatsNew() *cobra.Command {
	var s source
	var from, out, module, header string
	var dirs []string
	var tests bool
	c := &cobra.Command{
		Use: "new NAME --from FILE [--out FILE]", Args: cobra.ExactArgs(1),
		Short: "Draft a format from sample lines: recognition, cut, fields, time and tests that pass; comments where a person must decide",
		RunE: func(_ *cobra.Command, args []string) error {
			location, err := time.LoadLocation(s.zone)
			if err != nil {
				return fmt.Errorf("--tz: %w", err)
			}
			opts := draft.Options{Name: args[0], Module: module, Header: header, Now: p.now(), Zone: location, Known: []fs.FS{format.Files()}}
			for _, dir := range dirs {
				opts.Known = append(opts.Known, os.DirFS(dir))
			}
			s.input = from
			lines, err := p.sampleLines(&s)
			if err != nil {
				return err
			}
			write := draft.Write
			if tests {
				write = draft.Tests
			}
			r, err := write(opts, lines)
			if err != nil {
				return err
			}
			for _, n := range r.Notes {
				fmt.Fprintln(p.Err, "note: "+n)
			}
			return p.writeDraft(out, r.Text)
		},
	}
	s.flags(c)
	f := c.Flags()
	_ = f.MarkHidden("format") // what the lines are is what is asked here
	f.StringVar(&from, "from", "-", "file of sample lines, - for standard input")
	f.StringVar(&out, "out", "", "file to write, which must not be there (default: standard output)")
	f.StringVar(&module, "module", "", "event.module (default: the name's first word)")
	f.StringVar(&header, "header", "", "header line of the file that the samples are rows of (default: found out)")
	f.BoolVar(&tests, "tests", false, "write tests only, of what the format of this name, which is there already, makes of the lines")
	f.StringSliceVar(&dirs, "formats", nil, "folders of formats beside the built-in ones")
	return c
}

// sampleLines reads the first lines of the samples.
func (p *program) sampleLines(s *source) ([]string, error) {
	in, err := p.open(s.input)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var lines []string
	err = s.each(in, func(_ int, line string) error {
		if len(lines) < maxDraftLines {
			lines = append(lines, line)
		}
		return nil
	})
	return lines, err
}

// writeDraft writes a file that is not there yet, or standard output.
func (p *program) writeDraft(path string, text []byte) error {
	if path == "" {
		if _, err := p.Out.Write(text); err != nil {
			return fmt.Errorf("output: %w", err)
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	_, err = bytes.NewReader(text).WriteTo(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}
