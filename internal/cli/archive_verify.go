package cli

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mimamori/archive"
)

// archiveKinds are the kinds of findings in Japanese.
var archiveKinds = map[archive.Kind]string{
	archive.Edited: "改変", archive.Reordered: "順序入替", archive.Inserted: "挿入", archive.Deleted: "削除", archive.Truncated: "切詰",
	archive.Replayed: "再使用", archive.Missing: "欠落", archive.Resigned: "別の鍵の署名", archive.Unsound: "内容不一致",
}

func (p *program) archiveVerify() *cobra.Command {
	o := archiveOptions{}
	var anchor string
	var js, deep bool
	c := &cobra.Command{
		Use: "verify DIR|FILE", Args: cobra.ExactArgs(1),
		Short: "Check an archive, a copy of one, or a file of evidence: offline and without keys",
		RunE: func(c *cobra.Command, args []string) error {
			check := archive.Check{Dir: args[0]}
			var err error
			if anchor != "" {
				if check.Anchor, err = os.ReadFile(anchor); err != nil {
					return fmt.Errorf("archive: anchor: %w", err)
				}
			}
			info, err := os.Stat(args[0])
			if err != nil {
				return fmt.Errorf("archive: %w", err)
			}
			if !info.IsDir() {
				return p.verifyEvidence(args[0], check.Anchor, js)
			}
			if deep {
				if check.Keys, err = o.open(); err != nil {
					return err
				}
			}
			r, err := archive.Verify(c.Context(), check)
			if err != nil {
				return err
			}
			if js {
				err = p.print(r)
			} else {
				p.showReport(r)
			}
			if err == nil && !r.Whole() {
				err = errArchive
			}
			return err
		},
	}
	o.flags(c)
	f := c.Flags()
	f.StringVar(&anchor, "anchor", "", "a head that was kept elsewhere (mimamori archive head)")
	f.BoolVar(&deep, "deep", false, "with keys: decrypt every frame, and check signatures and chains of the collectors too")
	f.BoolVar(&js, "json", false, "print one JSON object")
	return c
}

func (p *program) showReport(r *archive.Report) {
	for _, f := range r.Findings {
		fmt.Fprintf(p.Out, "%s %s\t%s", archiveKinds[f.Kind], f.Kind, f.File)
		if f.Frame > 0 {
			fmt.Fprintf(p.Out, " frame %d", f.Frame)
		}
		if f.Frame > 0 || f.Offset > 0 {
			fmt.Fprintf(p.Out, " byte %d", f.Offset)
		}
		fmt.Fprintf(p.Out, ": %s\n", f.Text)
	}
	if r.More > 0 {
		fmt.Fprintf(p.Out, "ほか / and %d more\n", r.More)
	}
	verdict := "完全性: 異常なし / integrity: nothing was changed"
	if !r.Whole() {
		verdict = fmt.Sprintf("完全性: 異常 %d 件 / integrity: %d findings", len(r.Findings)+r.More, len(r.Findings)+r.More)
	}
	fmt.Fprintf(p.Out, "%s (%d days, %d frames, %d bytes; signed up to %s)\n", verdict, r.Days, r.Frames, r.Bytes, r.Signed)
	if r.Anchor == "" {
		fmt.Fprintln(p.Out, "外部に保管した要約（アンカー）との照合なし / without --anchor nobody knows whether the newest days are gone, or all was signed anew by another key")
	} else {
		fmt.Fprintf(p.Out, "アンカーと照合 / checked against the anchor of %s\n", r.Anchor)
	}
	fmt.Fprintf(p.Out, "署名鍵 / signed by %s\n", r.Key)
	if len(r.Unsigned) > 0 {
		fmt.Fprintf(p.Out, "未署名の日 / days not yet signed: %s\n", strings.Join(r.Unsigned, ", "))
	}
	p.showErased(r)
	for _, reason := range slices.Sorted(maps.Keys(r.Unopened)) {
		fmt.Fprintf(p.Out, "復号できず / not opened: %d (%s)\n", r.Unopened[reason], reason)
	}
	p.showSequences(r.Sequences)
}

// showSequences tells what never came, apart from whether anything was changed.
func (p *program) showSequences(list []archive.Sequence) {
	missing := 0
	for _, s := range list {
		for _, x := range s.Missing {
			missing++
			fmt.Fprintf(p.Out, "未着 missing\t%s %s/%s/%d %d-%d\n", s.Municipality, s.Collector, s.Source, s.Epoch, x.First, x.Last)
		}
		for _, x := range s.GivenUp {
			fmt.Fprintf(p.Out, "収集器が破棄 given up by its collector\t%s %s/%s/%d %d-%d\n", s.Municipality, s.Collector, s.Source, s.Epoch, x.First, x.Last)
		}
	}
	if missing == 0 {
		fmt.Fprintln(p.Out, "網羅性: 欠番なし / completeness: no number is missing")
		return
	}
	fmt.Fprintf(p.Out, "網羅性: 欠番 %d 区間 / completeness: %d ranges are missing (this is no tampering)\n", missing, missing)
}
