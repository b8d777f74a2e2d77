package event

import "time"

// Query asks a store for events. The zero Query asks for the newest events of
// every municipality.
type Query struct {
	// Text is a condition in the expression language, or bare words and
	// "quoted phrases" for full text; empty for everything.
	Text string
	// From (inclusive) and To (exclusive) bound @timestamp; zero is open.
	From, To time.Time
	// Tenants restricts the answer to these municipality codes. It is nil
	// only for those who may see all; an empty list sees nothing.
	Tenants []string
	// Limit is the most events in a page; 0 means 100, at most 10,000.
	Limit int
	// Cursor continues an earlier page: its Next.
	Cursor string
}

// Most is how many events a page has at most.
func (q *Query) Most() int { return most(q.Limit) }

func most(limit int) int {
	if limit <= 0 {
		return 100
	}
	return min(limit, 10_000)
}

// Page is one page of a query's answer, newest event first.
type Page struct {
	Batch *Batch // events in order
	Total int64  // events that match in all
	Next  string // cursor of the next page, "" on the last
	Took  time.Duration
	// Notice tells who asked what is unusual in the answer, as that another
	// store gave it; mostly empty.
	Notice Localized
}

// Bucket is one bar of a time histogram.
type Bucket struct {
	Start time.Time
	Count int64
}

// Count is a value and how many events have it.
type Count struct {
	Value string
	Count int64
}
