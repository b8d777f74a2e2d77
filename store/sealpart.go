package store

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
)

// noTown stands for a municipality where an event has none.
const noTown = "999999"

// townMonth is what one erasure takes.
type townMonth struct{ town, month string }

// mixedSegment is a segment with the part that each of its rows belongs to.
type mixedSegment struct {
	*segment
	parts []townMonth
	of    []uint16 // by row
}

// look finds out which months of which municipalities a segment holds.
func (x *sealCopy) look(g *segment) (mixedSegment, error) {
	m := mixedSegment{segment: g, of: make([]uint16, 0, g.manifest.Events)}
	numbers := map[townMonth]uint16{}
	town, number := "", uint16(0)
	from, to := int64(1), int64(0) // of the month of the last row
	err := eachOrigin(x.ctx, g.path, func(o origin) {
		if o.at < from || o.at >= to || o.town != town || len(m.parts) == 0 {
			var month string
			month, from, to = monthOf(o.at)
			town = strings.Clone(o.town)
			key := townMonth{town, month}
			if event.CheckCode(town) != nil {
				key.town = noTown
			}
			n, ok := numbers[key]
			if !ok {
				n = uint16(len(m.parts))
				numbers[key], m.parts = n, append(m.parts, key)
			}
			number = n
		}
		m.of = append(m.of, number)
	})
	if err == nil && len(m.parts) > math.MaxUint16 {
		err = fmt.Errorf("it mixes %d months of municipalities", len(m.parts))
	}
	return m, err
}

// count is how many rows a part has.
func (m *mixedSegment) count(of townMonth) (n int64) {
	at := slices.Index(m.parts, of)
	for _, p := range m.of {
		if int(p) == at {
			n++
		}
	}
	return n
}

// monthOf is the month of a moment in Japan, and its bounds.
func monthOf(ns int64) (month string, from, to int64) {
	t := time.Unix(0, ns).In(calendar.JST())
	begin := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, t.Location())
	return begin.Format("2006-01"), nanos(begin), nanos(begin.AddDate(0, 1, 0))
}

// whole seals a segment as it is.
func (x *sealCopy) whole(m mixedSegment) error {
	name := indexName(m.name)
	g := sealedGroup{Segments: []string{m.name}, Whole: true, Frames: m.manifest.Frames, Parts: []SealedPart{}}
	for _, of := range m.parts {
		p := SealedPart{Municipality: of.town, Month: of.month, Events: m.manifest.Events, Segment: m.name}
		err := x.seal(name, &p, func(out io.Writer) error {
			in, err := os.Open(m.path)
			if err != nil {
				return err
			}
			defer in.Close()
			_, err = io.Copy(out, in)
			return err
		})
		if err != nil {
			return err
		}
		g.Parts = append(g.Parts, p)
	}
	return x.finish(name, &g)
}

// mixed seals segments that mix, in a part for each month and municipality. Those
// that don't fit together are sealed each by itself.
func (x *sealCopy) mixed(list []mixedSegment) error {
	if len(list) == 0 {
		return nil
	}
	err := x.together(list)
	_, bad := errors.AsType[*damage](err)
	switch {
	case x.ctx.Err() == nil && len(list) > 1 && (bad || errors.Is(err, errors.ErrUnsupported)):
		for i := range list {
			if err := x.mixed(list[i : i+1]); err != nil {
				return err
			}
		}
		return nil
	case bad:
		x.out.Left = append(x.out.Left, list[0].path+": "+err.Error())
		return nil
	}
	return err
}

func (x *sealCopy) together(list []mixedSegment) error {
	g := sealedGroup{}
	var parts []townMonth
	for _, m := range list {
		g.Segments, g.Frames = append(g.Segments, m.name), append(g.Frames, m.manifest.Frames...)
		for _, p := range m.parts {
			if !slices.Contains(parts, p) {
				parts = append(parts, p)
			}
		}
	}
	name := indexName(g.Segments...)
	if known, err := x.have(name, g.Segments...); err != nil || known {
		return err
	}
	g.Frames = mergeFrames(g.Frames)
	for _, of := range parts {
		p := SealedPart{
			Municipality: of.town, Month: of.month,
			Segment: indexName(list[0].name) + "-" + of.town + "-" + of.month + ".parquet",
		}
		for i := range list {
			p.Events += list[i].count(of)
		}
		if err := x.seal(name, &p, func(out io.Writer) error { return x.part(list, of, out) }); err != nil {
			return err
		}
		g.Parts = append(g.Parts, p)
	}
	return x.finish(name, &g)
}

// part writes a segment of one part's rows, without frames.
func (x *sealCopy) part(list []mixedSegment, of townMonth, out io.Writer) error {
	job, drops := merging{}, [][]int(nil)
	manifest := &manifest{Format: formatVersion, Tenants: map[string]int64{}}
	for _, m := range list {
		n := slices.Index(m.parts, of)
		if n < 0 {
			continue
		}
		var drop []int
		for row, of := range m.of {
			if int(of) != n {
				drop = append(drop, row)
			}
		}
		job.from, drops = append(job.from, m.segment), append(drops, drop)
		for _, day := range m.manifest.Days {
			if strings.HasPrefix(day, of.month) && !slices.Contains(manifest.Days, day) {
				manifest.Days = append(manifest.Days, day)
			}
		}
		manifest.Odd = manifest.Odd || m.manifest.Odd
	}
	slices.Sort(manifest.Days)
	manifest.Rest = restOf(job.from)
	w, err := newMerger(job)
	if err != nil {
		return err
	}
	defer w.close()
	w.outs = []*output{{manifest: manifest, file: newFileWriter(out, w.chunks)}}
	for i, source := range w.sources {
		source.drop, source.partial = drops[i], len(drops[i]) > 0
	}
	return w.run(x.ctx)
}
