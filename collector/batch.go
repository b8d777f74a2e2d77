package collector

import (
	"context"
	"unsafe"

	"mimamori/frame"
)

// Bounds of a batch. One batch always fits a frame.
const (
	batchBytes   = 256 << 10
	batchRecords = 8 << 10
)

// batch is what an input hands to its source's sealer: records, the memory that
// their lines are views into, and the positions behind them. The sealer hands
// the batch back when the records are copied.
type batch struct {
	recs  []frame.Record
	buf   []byte // capacity batchBytes
	size  int    // bytes of lines
	marks []mark

	// stored is called once the batch is on disk (true) or is known never to get
	// there in this run (false): inputs whose protocol has one send their
	// acknowledgement then. It must not block. nil for others.
	stored func(ok bool)
}

// text makes a string of bytes that stay as they are while the batch is used.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// add copies a line into the batch; r has everything else.
func (b *batch) add(line []byte, r frame.Record) {
	if cap(b.buf)-len(b.buf) >= len(line) {
		start := len(b.buf)
		b.buf = append(b.buf, line...)
		r.Line = text(b.buf[start:])
	} else {
		r.Line = string(line)
	}
	b.size += len(line)
	b.recs = append(b.recs, r)
}

// full tells that the batch takes no more.
func (b *batch) full() bool { return b.size >= batchBytes-4096 || len(b.recs) >= batchRecords }

// outlet carries batches from an input to its sealer and back. There is a fixed
// number of them, which bounds the memory; in never blocks.
type outlet struct {
	in   chan *batch
	free chan *batch
}

func newOutlet(batches int) *outlet {
	o := &outlet{make(chan *batch, batches), make(chan *batch, batches)}
	for range batches {
		o.free <- nil
	}
	return o
}

// get waits for an empty batch; nil when ctx ends first.
func (o *outlet) get(ctx context.Context) *batch {
	select {
	case b := <-o.free:
		return b.ready()
	case <-ctx.Done():
		return nil
	}
}

// tryGet returns an empty batch, nil when all are in use.
func (o *outlet) tryGet() *batch {
	select {
	case b := <-o.free:
		return b.ready()
	default:
		return nil
	}
}

func (b *batch) ready() *batch {
	if b == nil {
		b = &batch{buf: make([]byte, 0, batchBytes)}
	}
	return b
}

// send hands a batch over; it does not block.
func (o *outlet) send(b *batch) { o.in <- b }

// giveBack returns an emptied or unused batch.
func (o *outlet) giveBack(b *batch) {
	clear(b.recs)
	b.recs, b.buf, b.size, b.marks, b.stored = b.recs[:0], b.buf[:0], 0, b.marks[:0], nil
	o.free <- b
}
