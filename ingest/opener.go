package ingest

import "mimamori/internal/bus"

// Opener does the first half of the way for one frame at a time: verify,
// unpack, parse and enrich. It is what a worker of the pipeline runs; the
// benchmarks use it alone.
type Opener struct{ w *worker }

// NewOpener makes an opener; cfg needs Collectors, Formats, Enricher, Location and Now.
func NewOpener(cfg *Config) (*Opener, error) {
	w, err := newWorker(cfg, new(batchPool))
	if err != nil {
		return nil, err
	}
	return &Opener{w}, nil
}

// Open returns how many events a frame holds, or why it is not trusted.
func (o *Opener) Open(data []byte) (int, error) {
	j := &frameJob{msg: bus.Msg{Data: data}, done: make(chan struct{})}
	o.w.do(j)
	if j.err != nil {
		return 0, j.err
	}
	n := len(j.batch.Events)
	o.w.batches.put(j.batch)
	return n, nil
}

// Close frees the opener.
func (o *Opener) Close() { o.w.unpacker.Close() }
