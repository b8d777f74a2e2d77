package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mimamori/collector"
	"mimamori/collector/mask"
	"mimamori/frame"
	"mimamori/internal/charset"
)

// maskCommand shows what would be masked in a file of log lines.
func maskCommand() *cobra.Command {
	var config, encoding string
	var explain bool
	cmd := &cobra.Command{
		Use: "mask [FILE|-]", Short: "仮名化の結果を表示する / Show what is masked in log lines", Args: cobra.MaximumNArgs(1),
		Long: "ログの各行を、収集時と同じ方法で仮名化して表示します。--explain で変更前後と理由を表示します。\n" +
			"Masks log lines as the collector does, and prints them. --explain shows each line before and after, and why.\n" +
			"Without --config the defaults hold, with a key that is thrown away.",
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := configuredMasker(config)
			if err != nil {
				return err
			}
			name, known := charset.Canonical(encoding)
			if !known && encoding != "auto" {
				return fmt.Errorf("--charset: %q is no encoding; use auto, %s", encoding, strings.Join(charset.Names(), ", "))
			}
			in := cmd.InOrStdin()
			if len(args) == 1 && args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			s := &maskShow{masker: m, out: bufio.NewWriter(cmd.OutOrStdout()), explain: explain}
			if known {
				s.charset = name
			}
			return errors.Join(s.lines(in), s.out.Flush())
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "設定ファイル / configuration file")
	cmd.Flags().StringVar(&encoding, "charset", "auto", "文字コード / encoding of the lines")
	cmd.Flags().BoolVar(&explain, "explain", false, "変更前後と理由を表示する / show before, after and why")
	return cmd
}

func configuredMasker(config string) (*mask.Masker, error) {
	if config == "" {
		return mask.New(mask.Options{Key: make([]byte, mask.KeySize), MyNumber: true, Now: time.Now()})
	}
	cfg, err := collector.Load(config)
	if err != nil {
		return nil, err
	}
	return cfg.Masker(time.Now())
}

// maskShow prints lines as they are masked.
type maskShow struct {
	masker   *mask.Masker
	out      *bufio.Writer
	explain  bool
	charset  string // "" to find it out
	detector charset.Detector

	read, changed int
}

func (s *maskShow) lines(in io.Reader) error {
	r := bufio.NewReaderSize(in, frame.MaxLine)
	for {
		b, err := r.ReadSlice('\n')
		cut := errors.Is(err, bufio.ErrBufferFull)
		if len(b) > 0 {
			s.line(strings.TrimRight(string(b), "\r\n"), cut)
		}
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a long line is not kept
			_, err = r.ReadSlice('\n')
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if s.explain {
		fmt.Fprintf(s.out, "\n%d 行中 %d 行を仮名化 / %d of %d lines masked\n", s.read, s.changed, s.changed, s.read)
	}
	return nil
}

func (s *maskShow) line(line string, cut bool) {
	name := s.charset
	if name == "" {
		name = s.detector.Observe(line)
	}
	masked, found := s.masker.Line(line, name, cut)
	s.read++
	if len(found) > 0 {
		s.changed++
	}
	if !s.explain {
		fmt.Fprintln(s.out, masked) // Flush tells what failed
		return
	}
	all := s.masker.Explain(line, name, cut)
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(s.out, "%d 行目 / line %d (%s)\n  前 before: %s\n  後 after:  %s\n", s.read, s.read, orUTF8(name), charset.Decode(name, line), charset.Decode(name, masked))
	for _, f := range all {
		verb := "そのまま / kept  "
		if f.Reason.IsMasked() {
			verb = "仮名化 / masked "
		}
		ja, en := f.Reason.Text()
		fmt.Fprintf(s.out, "    %s %s %q: %s / %s\n", verb, f.Kind, charset.Decode(name, line[f.Start:f.End]), ja, en)
	}
}

func orUTF8(name string) string {
	if name == "" {
		return charset.UTF8
	}
	return name
}
