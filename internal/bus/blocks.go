package bus

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
)

// A block of JetStream's file store is a row of records: length (4 bytes, the
// highest bit tells of headers), sequence (8), time (8), length of the subject
// (2), all little-endian, then the message and its checksum.
const (
	blockHead  = 22
	blockSeq   = 4       // where the sequence stands
	headersBit = 1 << 31 // in the length
	erasedBit  = 1 << 63 // in the sequence
	deletedBit = 1 << 62 // it only says that another is deleted
	maxJump    = 1 << 20 // by more than this no sequence of a block leaves the one before: a block has fewer messages
)

// blockRecord is a record's place and sequence.
type blockRecord struct {
	at  int64 // of the sequence
	seq uint64
}

// mendBlocks puts sequences right that a damaged disk has made too large:
// nats-server takes what is between for deleted, message by message, and a single
// bit would cost all memory. A record's checksum covers its sequence, so that one
// which is put right wrongly is not taken for a message.
func mendBlocks(dir string, log *slog.Logger) error {
	names, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	if err != nil {
		return fmt.Errorf("bus: %w", err)
	}
	for _, name := range names {
		n, err := mendBlock(name)
		if err != nil {
			return fmt.Errorf("bus: %s: %w", name, err)
		}
		if n > 0 && log != nil {
			log.Error("the disk has damaged numbers of messages; they were put right", "file", name, "messages", n)
		}
	}
	return nil
}

// mendBlock mends one file, and returns how many sequences it wrote.
func mendBlock(name string) (n int, err error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return 0, err //nolint:wrapcheck // mendBlocks does
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	list, err := readBlock(f)
	if err != nil {
		return 0, err
	}
	last := uint64(0)
	for i, r := range list {
		seq := r.seq &^ erasedBit
		next := uint64(0)
		if i+1 < len(list) {
			next = list[i+1].seq &^ erasedBit
		}
		if last > 0 && seq > last+1 && (seq-last > maxJump || seq >= next && next > last+1) {
			seq = last + 1
			if _, err := f.WriteAt(binary.LittleEndian.AppendUint64(nil, seq|r.seq&erasedBit), r.at); err != nil {
				return n, err //nolint:wrapcheck // so
			}
			n++
		}
		last = max(last, seq)
	}
	return n, nil
}

// readBlock lists the records of messages, as far as their lengths lead.
func readBlock(f io.ReadSeeker) (list []blockRecord, err error) {
	in, at := bufio.NewReaderSize(f, 32<<10), int64(0)
	var head [blockHead]byte
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return list, nil
			}
			return nil, err //nolint:wrapcheck // mendBlocks does
		}
		size := int64(binary.LittleEndian.Uint32(head[:]) &^ headersBit)
		if seq := binary.LittleEndian.Uint64(head[blockSeq:]); seq&deletedBit == 0 {
			list = append(list, blockRecord{at + blockSeq, seq})
		}
		if size < blockHead || size > 2*MaxMessage {
			return list, nil // nats-server finds that, too
		}
		at += size
		if rest := int(size) - blockHead; rest <= in.Buffered() {
			_, _ = in.Discard(rest) // it is there
			continue
		}
		if _, err := f.Seek(at, io.SeekStart); err != nil {
			return nil, err //nolint:wrapcheck // so
		}
		in.Reset(f)
	}
}
