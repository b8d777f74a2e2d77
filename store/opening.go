package store

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go/format"
)

// openings are the question's segments in order of their first arrivals.
func (x *question) openings() []*segment {
	out := slices.Clone(x.segs)
	slices.SortFunc(out, (*segment).arrival)
	return out
}

// arrival orders segments by their first arrivals.
func (g *segment) arrival(h *segment) int {
	return cmp.Or(cmp.Compare(g.first, h.first), strings.Compare(g.name, h.name))
}

// firstArrival is a bound that the chunks' statistics give.
func firstArrival(meta *format.FileMetaData) int64 {
	first := int64(math.MaxInt64)
	columns := schemaColumns(meta)
	for i := range meta.RowGroups {
		rows := rowGroup{columns: numbers(columns), shapes: columns, meta: &meta.RowGroups[i]}
		least, whole := int64(math.MaxInt64), false
		for _, name := range []string{"event.ingested", "received", "@timestamp"} {
			chunk, _ := rows.chunk(name)
			if chunk == nil {
				continue
			}
			if len(chunk.Statistics.MinValue) != 8 {
				return math.MinInt64
			}
			least = min(least, int64(binary.LittleEndian.Uint64(chunk.Statistics.MinValue)))
			if whole = chunk.Statistics.NullCount == 0; whole {
				break
			}
		}
		if !whole {
			least = min(least, 0) // where those without a time stand
		}
		first = min(first, least)
	}
	return first
}

func numbers(columns []*column) map[string]int {
	at := make(map[string]int, len(columns))
	for i, c := range columns {
		at[c.name] = i
	}
	return at
}
