package store

import (
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go/format"
)

func isASCII(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b)&0x8080808080808080 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// cleanText replaces bytes that are no UTF-8 by U+FFFD: readers of Parquet
// refuse the whole file otherwise.
func cleanText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

func textStats(values []string, meta *format.ColumnMetaData) {
	if len(values) == 0 {
		return
	}
	least, most := values[0], values[0]
	for _, s := range values {
		least, most = min(least, s), max(most, s)
	}
	if len(least) <= maxStat && len(most) <= maxStat {
		meta.Statistics.MinValue, meta.Statistics.MaxValue = []byte(least), []byte(most)
	}
}

func numStats(s shape, values []uint64, meta *format.ColumnMetaData) {
	if len(values) == 0 {
		return
	}
	least, most := values[0], values[0]
	for _, v := range values {
		switch s {
		case shapeInt:
			least, most = uint64(min(int64(least), int64(v))), uint64(max(int64(most), int64(v)))
		case shapeUint:
			least, most = min(least, v), max(most, v)
		default:
			a, b := math.Float64frombits(least), math.Float64frombits(v)
			if math.IsNaN(b) {
				return
			}
			least, most = math.Float64bits(min(a, b)), math.Float64bits(max(math.Float64frombits(most), b))
		}
	}
	meta.Statistics.MinValue = binary.LittleEndian.AppendUint64(nil, least)
	meta.Statistics.MaxValue = binary.LittleEndian.AppendUint64(nil, most)
}
