package store

import (
	"context"
	"fmt"

	"mimamori/event"
)

// origin is where a row comes from.
type origin struct {
	row  int // number in the file
	town string
	at   int64 // arrival
	ref  event.Ref
}

// eachOrigin shows where every row of a segment comes from. The texts are void
// after a call. What can't be read is a *damage.
func eachOrigin(ctx context.Context, path string, show func(origin)) error {
	r, err := newChunkReader()
	if err != nil {
		return err
	}
	defer r.close()
	f, meta, _, err := openSegment(path)
	if err != nil {
		return &damage{0, err}
	}
	defer f.Close()
	fields, base := event.ArrivalFields(), 0
	for _, g := range rowGroups(f, meta, r, newFieldIDs()) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		for row := range int32(g.n) {
			o := origin{row: base + int(row), ref: g.ref(row)}
			for _, field := range fields {
				if v, ok := g.vector(field).at(row); ok {
					o.at = v.Int()
					break
				}
			}
			town, _ := g.vector(g.ids.tenant).at(row)
			if o.town = town.Str(); g.err != nil {
				return &damage{0, g.err}
			}
			show(o)
		}
		base += g.n
		*g = rowGroup{} // its columns are done with
	}
	return nil
}
