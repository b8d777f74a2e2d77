// Package store is the embedded event store: immutable Parquet segments in one
// directory, queried by DuckDB in process.
//
// A segment is one Parquet file, seg-<unix ns>-<n>.parquet, of one day of arrival
// and, once it is merged for good, of one municipality (pile.go). Every field of the
// registry that occurs in it is a column under its ECS name (text as STRING,
// long and date as INT64, dates in nanoseconds since 1970 UTC, list as LIST),
// and so is a vendor's field that occurs often; what is left stands in the JSON
// column rest. _source, _epoch and _seq, with collector, are the event's
// identity; _collector is there where the identity's collector is not the field
// collector; _same marks a message that equals event.original. Any Parquet
// reader can read a segment. Its manifest (frames, times, events per
// municipality) stands in the footer under a checksum, so that a segment and
// its manifest can't disagree: a file is there whole or it is none. Rows are
// sorted by municipality, dataset and time.
//
// Behind a row group's columns stand its filters, one for each 4,096 rows, and
// their places in the manifest: a search reads the rows that may have what it
// looks for. A file of a commit has none until it is merged. Any reader of
// Parquet passes over them; a damaged filter is named in Stats and its rows are
// read.
//
// What is written is what is read back, field by field, with these exceptions:
// bytes that are no UTF-8 become U+FFFD; text comes back with the kind of its
// field (keyword, text or ip); a date in a field of another type comes back as
// keyword in RFC 3339, and so does a NaN or an infinity there.
//
// Rewrite writes stored events anew, segment by segment and in place: the new
// file names the one that it replaces, so that there is never a moment at which
// an event is lost or there twice. A segment keeps the time of its birth in its
// name, and so its age for retention.
//
// Under pressure: Commit blocks its caller until the segment is durable, one
// commit at a time, and reports an error (nothing is stored then, and it may be
// tried again) rather than drop anything; the bound on what waits is the
// caller's. Queries share DuckDB's memory limit; one that does not fit fails
// with an error and the others go on. A file that can't be read at Open is set
// aside with its reason, counted in Stats, and never deleted.
package store
