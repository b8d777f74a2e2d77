package store

import (
	"context"
	"maps"
	"slices"
)

// outputs says what the new segments are, and what their manifests say but for
// their rows.
func (w *merger) outputs(s *Store, job merging) {
	var frames []FrameRange
	var replaces, days []string
	odd := false
	for _, g := range job.replaces {
		frames = append(frames, g.manifest.Frames...)
		replaces = append(replaces, g.name)
		days = append(days, g.manifest.Days...)
		odd = odd || g.manifest.Odd
	}
	slices.Sort(days)
	whole := manifest{Format: formatVersion, Frames: mergeFrames(frames), Days: slices.Compact(days), Odd: odd, Rest: restOf(job.from), Anew: sumAnew(job.replaces, job.anew)}
	parts := []*manifest{&whole}
	towns := townsOf(job.from, whole.Frames)
	if job.apart {
		parts = whole.apart(towns)
	}
	parts[0].Replaces = replaces
	for i, name := range s.newNames(job.born, len(parts)) {
		parts[i].Tenants = map[string]int64{}
		w.outs = append(w.outs, &output{store: s, name: name, manifest: parts[i]})
	}
	w.rest = s.opts.Rest
	w.apart, w.bare = job.apart, len(towns) > 1 && !job.apart && rowsOf(job.from) <= int64(s.enc.bare)
}

// townsOf are the municipalities of which there are events or frames, sorted.
func townsOf(from []*segment, frames []FrameRange) []string {
	towns := map[string]bool{}
	for _, g := range from {
		for t := range g.manifest.Tenants {
			towns[t] = true
		}
	}
	for i := range frames {
		towns[frames[i].Municipality] = true
	}
	return slices.Sorted(maps.Keys(towns))
}

// apart divides a manifest by municipalities.
func (m *manifest) apart(towns []string) []*manifest {
	var out []*manifest
	for _, town := range towns {
		p := *m
		p.town, p.Frames = town, nil
		for _, f := range m.Frames {
			if f.Municipality == town {
				p.Frames = append(p.Frames, f)
			}
		}
		p.Anew = m.Anew.of(p.Frames)
		out = append(out, &p)
	}
	return out
}

// open begins the output's file.
func (w *merger) open(o *output) error {
	d, err := o.store.newDraft(o.name)
	if err != nil {
		return err
	}
	o.draft, o.file = d, newFileWriter(d, w.chunks)
	o.file.bare = w.bare
	return nil
}

// finish ends the next output.
func (w *merger) finish(ctx context.Context) error {
	o := w.outs[w.done]
	w.done++
	if o.file == nil { // frames without events
		if err := w.write(ctx, &stretch{groups: []rowsFor{{out: o}}}); err != nil {
			return err
		}
	}
	if err := o.file.finish(o.manifest); err != nil {
		return err
	}
	if o.file = nil; o.draft == nil { // it goes elsewhere
		return nil
	}
	return o.draft.close()
}
