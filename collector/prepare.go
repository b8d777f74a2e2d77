package collector

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"mimamori/collector/mask"
	"mimamori/frame"
	"mimamori/internal/charset"
)

// reader looks at a line before it is written anywhere: it names the encoding,
// and masks what may not leave the town. The line's other bytes stay as they
// are. One goroutine owns it.
type reader struct {
	fixed    string // encoding that the configuration names, "" to find it out
	detector charset.Detector
	mask     *mask.Masker
	masked   map[string]uint64 // spans in the frame that is being filled, by kind
	header   [2]string         // the last header of rows, as it was and masked
}

func newReader(in Input, m *mask.Masker) reader {
	name, ok := charset.Canonical(in.Charset)
	if !ok { // auto
		name = ""
	}
	return reader{fixed: name, mask: m, masked: map[string]uint64{}}
}

// Masker makes what masks the lines of all sources, and the town's key where
// that is missing. Numbers that read as a time near now are taken for times.
func (c Config) Masker(now time.Time) (*mask.Masker, error) {
	return newMasker(c.withDefaults().Mask, now)
}

func newMasker(c Mask, now time.Time) (*mask.Masker, error) {
	key, err := mask.LoadOrMakeKey(c.Key)
	if err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	m, err := mask.New(mask.Options{Key: key, MyNumber: c.MyNumber == nil || *c.MyNumber, Corporate: c.Corporate, Patterns: c.Patterns, IDs: c.IDs, Now: now})
	if err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	return m, nil
}

// prepare names the encoding of a record's line and masks it.
func (p *reader) prepare(r *frame.Record) {
	if r.Flags&frame.Dropped != 0 {
		return
	}
	if r.Charset == "" {
		r.Charset = p.charset(r.Line)
	}
	line, found := p.mask.Line(r.Line, r.Charset, r.Flags&frame.Truncated != 0)
	for _, f := range found {
		p.masked[f.Kind]++
	}
	r.Line, r.Masked = line, uint32(len(found))
	if r.Header != "" {
		if p.header[0] != r.Header {
			masked, _ := p.mask.Line(r.Header, r.Charset, false)
			p.header = [2]string{strings.Clone(r.Header), strings.Clone(masked)}
		}
		r.Header = p.header[1]
	}
}

// charset names the encoding of a line, "" for UTF-8.
func (p *reader) charset(line string) string {
	switch p.fixed {
	case "":
		return p.detector.Observe(line)
	case charset.UTF16, charset.UTF16LE, charset.UTF16BE:
		return p.fixed
	case charset.UTF8:
		if utf8.ValidString(line) {
			return ""
		}
	}
	if charset.Plain(line) {
		return ""
	}
	return p.fixed
}

// settle adds what was masked in a frame that is on disk to the counters.
func (p *reader) settle(c *counters) {
	for kind, n := range p.masked {
		v, _ := c.masked.LoadOrStore(kind, new(atomic.Uint64))
		v.(*atomic.Uint64).Add(n)
	}
}
