// Package draft writes the first version of a format file from sample lines: how
// to recognise and cut them, which fields the keys go to by their names and
// values, where the time stands, and tests made of the samples. What a draft
// answers has run: it loads beside all other formats and its tests pass. Where a
// person must decide, a comment says so.
//
// Samples are outside bytes: of at most 2,000 lines of 16 KiB each everything
// else follows, further ones are passed over and told of.
package draft

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing/fstest"
	"time"

	"mimamori/event"
	"mimamori/ingest/format"
	"mimamori/internal/calendar"
)

const (
	maxSamples = 2000
	maxLine    = 16 << 10
	maxProbed  = 150 // samples whose keys are looked at
)

// Options say what is drafted.
type Options struct {
	Name   string         // of the format
	Module string         // event.module; "" is the name's first word
	Header string         // of the file that the samples are rows of; "" finds it out
	Known  []fs.FS        // the formats that there are already
	Now    time.Time      // when the samples are taken to be received
	Zone   *time.Location // of times that name none; nil is Japan
}

// Result is a format file and what its author should know first.
type Result struct {
	Text  []byte
	Notes []string
}

// drafter is a format on its way.
type drafter struct {
	Options
	set     *format.Set // the formats that there are
	header  string
	lines   []sample
	cut     cutting
	keys    []*keyInfo // in the order of the lines
	fields  []mapped
	times   []string // what stands in `time:`
	recog   []string // what stands in `recognise:`
	byName  bool     // no condition tells the lines from others'
	kind    category
	recv    time.Time // that tests are received at; zero is the usual time of tests
	notes   []string
	dataset string
}

// sample is one line, with its header taken off.
type sample struct {
	whole, app, body string
	keys             map[string]string
}

// ErrSamples says that there is nothing to draft from.
var ErrSamples = errors.New("no sample lines: give the file of some dozens of lines as the device sends them")

// Write drafts a format. The file loads beside the known ones and its tests pass,
// or there is an error.
func Write(opts Options, lines []string) (Result, error) {
	if opts.Zone == nil {
		opts.Zone = calendar.JST()
	}
	d := &drafter{Options: opts, header: opts.Header}
	if !plainName(opts.Name) {
		return Result{}, fmt.Errorf("%q is no name of a format: use letters, digits and - as in acme-fw", opts.Name)
	}
	if d.Module == "" {
		d.Module, _, _ = strings.Cut(strings.ReplaceAll(opts.Name, "-", "_"), "_")
	}
	d.dataset = strings.ReplaceAll(opts.Name, "-", "_") + ".log"
	if rest, ok := strings.CutPrefix(strings.ReplaceAll(opts.Name, "-", "_"), d.Module+"_"); ok {
		d.dataset = d.Module + "." + rest
	}
	var err error
	if d.set, err = format.Load(opts.Known...); err != nil {
		return Result{}, err
	}
	if d.set.Has(opts.Name) {
		return Result{}, fmt.Errorf("there is a format %q already; choose another name", opts.Name)
	}
	if d.take(lines); len(d.lines) == 0 {
		return Result{}, ErrSamples
	}
	d.detect()
	if err := d.probe(); err != nil {
		return Result{}, err
	}
	d.guess()
	if err := d.findTimes(); err != nil {
		return Result{}, err
	}
	if err := d.recognition(); err != nil {
		return Result{}, err
	}
	text, err := d.finish()
	return Result{Text: text, Notes: d.notes}, err
}

func plainName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == "" && s[0] >= 'a'
}

func (d *drafter) note(text string, args ...any) {
	d.notes = append(d.notes, fmt.Sprintf(text, args...))
}

// take keeps the samples, and takes their syslog headers off.
func (d *drafter) take(lines []string) {
	kept := lines[:0:0]
	for _, l := range lines {
		if strings.TrimSpace(l) != "" && len(l) <= maxLine && len(kept) < maxSamples {
			kept = append(kept, l)
		}
	}
	if n := len(lines) - len(kept); n > 0 {
		d.note("%d lines are passed over: empty, longer than %d bytes, or more than %d", n, maxLine, maxSamples)
	}
	if d.header == "" {
		d.header, kept = findHeader(kept)
	}
	p := d.set.Parser(format.Options{Location: d.Zone, Now: func() time.Time { return d.Now }})
	x := &event.Builder{}
	taken := map[string]int{}
	for _, l := range kept {
		s := sample{whole: l, body: l}
		if d.header == "" {
			s.app, s.body = p.Body(l)
		}
		d.lines = append(d.lines, s)
		x.Reset()
		if res := p.Parse(format.Input{Line: l, Header: d.header, Received: d.Now}, x); res.Format != "" {
			taken[res.Format]++
		}
	}
	for name, n := range taken {
		d.note("the format %s takes %d of %d samples already: is it theirs? (formats explain shows what it makes of them)", name, n, len(d.lines))
	}
}

// load loads a file of this format, alone or beside the known ones.
func (d *drafter) load(text string, beside bool) (*format.Set, error) {
	mine := fstest.MapFS{d.Name + ".yaml": {Data: []byte(text)}}
	if !beside && !d.cut.extends() {
		return format.Load(mine)
	}
	return format.Load(append(append([]fs.FS{}, d.Known...), mine)...)
}
