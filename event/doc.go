// Package event holds the words that every other package speaks: fields of the
// Elastic Common Schema (ECS), values, events, batches of events, alerts,
// queries, zones and municipality codes. It is the leaf of the import graph and
// needs the standard library only.
//
// An event is no map. A field is a small integer, an event a compact table of
// 24-byte slots found through a two-level bitmap, and a batch of events a
// handful of allocations. Under pressure the package does nothing by itself: it
// never blocks, and what does not fit (a vendor field beyond MaxFields) is
// refused with false, so that the caller can count it.
package event
