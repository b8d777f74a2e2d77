package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/parquet-go/parquet-go/format"
)

const (
	fullRows    = 1 << 20 // a segment of this many events is not compacted again
	mergeFactor = 8       // segments of one size that are merged at once
	maxMerge    = 64      // segments merged at most at once
)

// Compact merges neighbouring small segments into larger ones until there is
// no more to merge or ctx ends. Queries go on meanwhile and give the same
// answers. A crash at any moment loses and doubles nothing: the new file names
// those it replaces.
func (s *Store) Compact(ctx context.Context) error {
	if err := s.change(); err != nil {
		return err
	}
	defer s.busy.Done()
	s.merge.Lock()
	defer s.merge.Unlock()
	for {
		part := s.nextMerge()
		if len(part) == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("store: compaction: %w", err)
		}
		g, err := s.mergeSegments(ctx, merging{from: part, replaces: part})
		if bad, ok := errors.AsType[*damage](err); ok { // leave it as it is, and go on with the others
			s.log.Error("a segment has damaged data and is not compacted", "file", part[bad.source].path, "error", err)
			part[bad.source].damaged.Store(true)
			continue
		}
		if err != nil {
			return err
		}
		s.swap(part, g)
	}
}

// level is a segment's size class: its events in powers of mergeFactor, the
// smallest (below 2,048) all alike.
func level(events int64) int {
	l := 0
	for n := int64(fullRows); events < n && l < 4; n /= mergeFactor {
		l++
	}
	return l
}

// nextMerge chooses neighbours to merge: mergeFactor segments or more, none much
// larger than the first, or fewer that make a full one together.
func (s *Store) nextMerge() []*segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	for from := range len(s.segments) {
		var rows int64
		smallest := level(s.segments[from].manifest.Events)
		to := from
		for to < len(s.segments) && to-from < maxMerge {
			g := s.segments[to]
			if g.damaged.Load() || g.pinned.Load() || level(g.manifest.Events) < smallest || g.manifest.Events >= fullRows || rows+g.manifest.Events > 2*fullRows {
				break
			}
			rows += g.manifest.Events
			to++
		}
		if to-from >= mergeFactor || to-from > 1 && rows >= fullRows {
			return slices.Clone(s.segments[from:to])
		}
	}
	return nil
}

// damage is an error in the data of one of the segments being merged.
type damage struct {
	source int
	err    error
}

func (d *damage) Error() string { return d.err.Error() }
func (d *damage) Unwrap() error { return d.err }

// source is one segment being merged.
type source struct {
	f     *os.File
	meta  *format.FileMetaData
	cols  map[string]int
	group int
	base  int // rows of the groups before
	row   int // next row in the group
	keys  []*column
	curs  []cursor

	partial bool  // some rows are left out
	drop    []int // those to come, as numbers in the file
}

// merging says what a new segment is made of, and whose place it takes.
type merging struct {
	from     []*segment
	drop     []int      // rows of the first that are left out, sorted
	replaces []*segment // the new one has their frames
	born     int64      // when its oldest was written, 0: now
	anew     *anew      // what changed in it besides
}

// mergeSegments writes one segment with all rows of others.
func (s *Store) mergeSegments(ctx context.Context, job merging) (*segment, error) {
	m := &manifest{Format: formatVersion, Tenants: map[string]int64{}, Anew: sumAnew(job.replaces, job.anew)}
	rest := map[string]struct{}{}
	for _, g := range job.from {
		for _, name := range g.manifest.Rest {
			rest[name] = struct{}{}
		}
	}
	var frames []FrameRange
	for _, g := range job.replaces {
		frames = append(frames, g.manifest.Frames...)
		m.Replaces = append(m.Replaces, g.name)
		for _, name := range g.manifest.Replaces { // a query may hold it still: after a crash it must not come back
			if _, err := os.Lstat(filepath.Join(s.dir, name)); err == nil {
				m.Replaces = append(m.Replaces, name)
			}
		}
	}
	m.Frames = mergeFrames(frames)
	if m.Rest = restList(rest); slices.Contains(m.Rest, "*") {
		m.Rest = []string{"*"}
	}
	g, err := s.writeFile(job.born, func(out io.Writer) error {
		w, err := newMerger(job, m, out)
		if err != nil {
			return err
		}
		defer w.close()
		if err := w.run(ctx); err != nil {
			return err
		}
		return w.file.finish(m)
	})
	if err != nil {
		return nil, fmt.Errorf("merging segments: %w", err)
	}
	return g, nil
}

// merger merges sorted segments column by column, one row group at a time: it
// first decides from the sort keys which source gives which row, then deals
// out each column by that.
type merger struct {
	sources  []*source
	manifest *manifest // counts the rows
	columns  []*column
	file     *fileWriter
	reader   *chunkReader
	order    []uint8
}

func newMerger(job merging, m *manifest, out io.Writer) (*merger, error) {
	chunks, err := newChunkWriter()
	if err != nil {
		return nil, err
	}
	w := &merger{file: newFileWriter(out, chunks), manifest: m}
	if w.reader, err = newChunkReader(); err != nil {
		return nil, err
	}
	shapes := map[string]shape{}
	for i, g := range job.from {
		f, meta, _, err := openSegment(g.path)
		if err != nil {
			w.close()
			return nil, err
		}
		x := &source{f: f, meta: meta, cols: map[string]int{}}
		if i == 0 {
			x.drop, x.partial = job.drop, len(job.drop) > 0
		}
		w.sources = append(w.sources, x)
		for i, c := range schemaColumns(meta) {
			x.cols[c.name] = i
			if was, ok := shapes[c.name]; ok && was != c.shape {
				w.close()
				return nil, fmt.Errorf("%s: column %s has another type than in its neighbours: %w", g.name, c.name, errors.ErrUnsupported)
			}
			shapes[c.name] = c.shape
		}
	}
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		c := &column{name: name, shape: shapes[name], plain: name == "event.original" || name == "message" || name == colRest, dict: newDict()}
		c.reset()
		w.columns = append(w.columns, c)
	}
	return w, nil
}

func (w *merger) close() {
	w.reader.zstd.Close()
	for _, x := range w.sources {
		x.f.Close()
	}
}
