// Package collector is the municipality's end of the line: inputs take log
// lines (syslog, files), a source's sealer numbers and seals them into frames,
// the spool keeps the frames on disk, and the shipper hands them to the
// prefecture and forgets them once they are durable there.
//
// A frame and the input's position in its files are one message of the spool,
// so that they cannot disagree: after kill -9 or a power cut every line of a
// file is in the spool once. A frame may be shipped twice; the prefecture's
// ledger refuses the second.
//
// Under pressure: memory is bounded per source by a fixed number of batches.
// When the prefecture is away, the spool grows up to its limit. When the spool
// or the disk is full, files and TCP connections wait (nothing is lost), and
// UDP datagrams are dropped; each dropped datagram consumes a sequence number
// in a record that says so, written when there is room again.
package collector
