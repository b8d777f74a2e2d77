package format

import (
	"math"
	"time"

	"mimamori/event"
)

// Cost is what a line costs in one thread: µs of CPU.
type Cost struct {
	Format          string  `json:"format,omitempty"` // "" for lines of any
	Lines           int     `json:"lines"`
	Bytes           float64 `json:"bytes_per_line"`
	Micros          float64 `json:"micros_per_line"`           // to cut and map a line whose format is known
	RecogniseMicros float64 `json:"recognise_micros_per_line"` // what finding the format adds
	MBPerSecond     float64 `json:"mb_per_second"`             // of both
	Unknown         int     `json:"unknown,omitempty"`         // lines that no format took
}

const (
	costRounds = 5                // the cheapest counts: other work on the machine only adds
	costRound  = time.Millisecond // what a round takes at least
)

// Cost measures lines, each read with its format given and then recognised. cpu
// tells the CPU time that was spent so far.
func (s *Set) Cost(lines []Input, opts Options, cpu func() time.Duration) Cost {
	c := Cost{Lines: len(lines)}
	if len(lines) == 0 {
		return c
	}
	p := s.Parser(opts)
	named := make([]Input, len(lines))
	for i, in := range lines {
		c.Bytes += float64(len(in.Line))
		if named[i] = in; in.Format == "" {
			named[i].Format = p.formatOf(in)
		}
		if named[i].Format == "" {
			c.Unknown++
		}
	}
	c.Bytes /= float64(len(lines))
	known, all := math.Inf(1), math.Inf(1)
	for range costRounds {
		known, all = min(known, p.round(named, cpu)), min(all, p.round(lines, cpu))
	}
	c.Micros, c.RecogniseMicros, c.MBPerSecond = known, max(all-known, 0), c.Bytes/max(known, all, 1e-9)
	return c
}

// Costs measures each format over the lines of its own tests.
func (s *Set) Costs(cpu func() time.Duration) (out []Cost) {
	for _, f := range s.formats {
		if len(f.tests) > 0 {
			out = append(out, s.costOf(f, cpu))
		}
	}
	return out
}

func (s *Set) costOf(f *compiled, cpu func() time.Duration) Cost {
	lines := make([]Input, len(f.tests))
	for i := range f.tests {
		t := &f.tests[i]
		lines[i] = Input{Line: t.line, Header: t.header, Format: t.format, Received: TestTime()}
	}
	c := s.Cost(lines, Options{}, cpu)
	c.Format = f.name
	return c
}

// formatOf recognises a line, and no more.
func (p *Parser) formatOf(in Input) string {
	p.reason, p.dropped, p.extra = "", 0, p.extra[:0]
	p.resetTokens()
	p.header = in.Header
	h := p.lineHeader(in)
	if f := p.recognised(&h); f != nil {
		return f.name
	}
	return ""
}

// round reads the lines for a while and answers the µs of CPU for one.
func (p *Parser) round(lines []Input, cpu func() time.Duration) float64 {
	x := &event.Builder{}
	n, start, spent := 0, cpu(), time.Duration(0)
	for spent < costRound && n < 1000 {
		for i := range lines {
			x.Reset()
			p.Parse(lines[i], x)
		}
		n++
		spent = cpu() - start
	}
	return spent.Seconds() * 1e6 / float64(n*len(lines))
}
