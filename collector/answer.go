package collector

import (
	"bufio"
	"context"
	"net"
	"sync"
	"time"
)

const (
	openBatches = 4 // of a connection that may wait for the spool
	answerTime  = 30 * time.Second
	lingerTime  = 500 * time.Millisecond
)

// answer is what a connection's protocol sends when a batch is on disk.
type answer struct {
	first uint32 // RELP: transaction of the first message; Beats: sequence of the last event
	n     int    // messages that it answers
	lines int    // of them in the batch
	lead  int    // lines in earlier batches that come again with these
	text  string // RELP: answer to a command
	ok    bool   // the batch is on disk
}

// answerer sends a connection's acknowledgements, each once its batch is on
// disk, in the order of the batches. A sender that does not take them is cut
// off. What is on disk and cannot be acknowledged is counted: it comes again.
type answerer struct {
	conn  net.Conn
	out   *outlet
	count *counters
	put   func(w *bufio.Writer, a answer) // writes an answer as the protocol has it

	alive []byte        // sent while a batch waits; nil: nothing
	every time.Duration // how often

	open   chan struct{} // a token for each batch that is not answered
	stored chan answer
	gone   context.Context // ends when nothing can be answered any more
	fail   context.CancelFunc
	wg     sync.WaitGroup
}

// start begins to answer until finish is called.
func (a *answerer) start() {
	a.open, a.stored = make(chan struct{}, openBatches), make(chan answer, openBatches)
	a.gone, a.fail = context.WithCancel(context.Background())
	a.wg.Go(a.run)
}

// batch waits for an empty batch and a place among the open ones; nil when the
// connection is gone or ctx has ended.
func (a *answerer) batch(ctx context.Context) *batch {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(a.gone, cancel)()
	select {
	case a.open <- struct{}{}:
	case <-ctx.Done():
		return nil
	}
	b := a.out.get(ctx)
	if b == nil {
		<-a.open
	}
	return b
}

// send hands over a batch that batch returned; x is sent when it is on disk.
func (a *answerer) send(b *batch, x answer) {
	x.lines = len(b.recs)
	b.stored = func(ok bool) {
		x.ok = ok
		a.stored <- x // never blocks: there are as many places as tokens
	}
	a.out.send(b)
}

// settle waits until every open batch is answered.
func (a *answerer) settle() {
	for range openBatches {
		a.open <- struct{}{}
	}
	for range openBatches {
		<-a.open
	}
}

// say answers a command behind all that is open.
func (a *answerer) say(x answer) {
	a.settle()
	a.open <- struct{}{}
	x.ok = true
	a.stored <- x
}

// finish answers what is open and ends.
func (a *answerer) finish() {
	a.settle()
	close(a.stored)
	a.wg.Wait()
	a.fail()
}

func (a *answerer) run() {
	w := bufio.NewWriterSize(a.conn, 2<<10)
	var tick <-chan time.Time
	if a.alive != nil {
		t := time.NewTicker(a.every)
		defer t.Stop()
		tick = t.C
	}
	broken := false
	quit := func() {
		broken = true // nothing behind it may be answered
		a.fail()
		a.conn.Close() // and so the reader ends
	}
	write := func(put func()) {
		_ = a.conn.SetWriteDeadline(time.Now().Add(answerTime))
		if put(); w.Flush() != nil {
			quit()
		}
	}
	for {
		select {
		case x, more := <-a.stored:
			if !more {
				return
			}
			was := broken
			if !broken && !x.ok {
				quit()
			}
			if !broken {
				write(func() { a.put(w, x) })
			}
			if broken && x.ok {
				a.count.unanswered.Add(uint64(x.lines))
			}
			if broken && !was {
				a.count.unanswered.Add(uint64(x.lead))
			}
			<-a.open
		case <-tick:
			if !broken && len(a.open) > 0 {
				write(func() { _, _ = w.Write(a.alive) }) // Flush tells
			}
		}
	}
}
