package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// forgetting is a wish to forget events.
type forgetting struct {
	gone func(json []byte) bool
	n    int
	done chan struct{} // closed when the checkpoint without them is on disk
}

// Forget takes the text of the events that gone accepts out of what is kept to be
// evidence one day (the rules' and the drift's), between two batches. It returns
// how many texts went, once the checkpoint has none of them. It waits for Run.
func (p *Pipeline) Forget(ctx context.Context, gone func(json []byte) bool) (int, error) {
	f := &forgetting{gone: gone, done: make(chan struct{})}
	select {
	case p.forgets <- f:
	case <-ctx.Done():
		return 0, fmt.Errorf("ingest: %w", ctx.Err())
	}
	select {
	case <-f.done:
		return f.n, nil
	case <-ctx.Done():
		return 0, fmt.Errorf("ingest: %w", ctx.Err())
	}
}

// forget does it; the group at hand carries the checkpoint.
func (p *Pipeline) forget(f *forgetting) {
	p.mu.Lock()
	f.n = p.drift.Forget(f.gone)
	p.mu.Unlock()
	if p.cfg.Forget != nil {
		f.n += p.cfg.Forget(f.gone)
	}
	p.group.forgotten = append(p.group.forgotten, f)
}

// SplitState takes what rules and drift know out of a checkpoint's text: what is
// left holds no event, and pipelines begin with it as with a whole one, but learn
// anew.
func SplitState(text []byte) (rest, state []byte, err error) {
	var c checkpoint
	if err := c.parse(text); err != nil {
		return nil, nil, fmt.Errorf("ingest: %w", err)
	}
	learned := checkpoint{Rules: c.Rules, Drift: c.Drift}
	c.Rules, c.Drift = nil, nil
	if rest, err = c.text(); err != nil {
		return nil, nil, err
	}
	state, err = learned.text()
	return rest, state, err
}

// JoinState puts back what SplitState took out.
func JoinState(rest, state []byte) ([]byte, error) {
	var c, learned checkpoint
	if err := errors.Join(c.parse(rest), learned.parse(state)); err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
	}
	c.Rules, c.Drift = learned.Rules, learned.Drift
	return c.text()
}

// text is the file in one piece.
func (c *checkpoint) text() ([]byte, error) {
	parts, err := c.format()
	return bytes.Join(parts, nil), err
}
