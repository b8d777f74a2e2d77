// Package collector is the municipality's end of the line: inputs take log
// lines (syslog, RELP, Beats, files), a source's sealer numbers and seals them into frames,
// the spool keeps the frames on disk, and the shipper hands them to the
// prefecture and forgets them once they are durable there.
//
// A frame and the input's position in its files are one message of the spool,
// so that they cannot disagree: after kill -9 or a power cut every line of a
// file is in the spool once. A frame may be shipped twice; the prefecture's
// ledger refuses the second.
//
// A file may be a line to a record, several lines, or CSV whose header travels
// with its rows; records always cover the file, so a position is all there is to
// keep. Packed files are unpacked as they are read, one at a time.
//
// Under pressure: memory is bounded per source by a fixed number of batches.
// When the prefecture is away, the spool grows up to its limit. When the spool
// or the disk is full, files and TCP connections wait, HTTP senders are asked to
// come again (nothing is lost), and UDP datagrams are dropped; each dropped
// datagram consumes a sequence number in a record that says so, written when
// there is room again. RELP, Beats and HTTP are answered when a line is on disk;
// when its answer is lost, a line comes again, and SourceStats.Unanswered says
// how many may have. A sender over TCP has one minute for a message and 16 MiB
// of memory with all others of its source; what is longer is cut and marked,
// what is slower is closed and counted.
package collector
