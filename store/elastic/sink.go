package elastic

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"mimamori/event"
)

// maxAttempts is how often Take sends without anything being taken.
const maxAttempts = 8

// Take writes a batch. It returns nil when Elasticsearch has every event, or has
// refused it for good and Options.Refused was told. An error means that nothing
// is confirmed: the same batch may be given again, and no event is there twice.
// It waits between attempts and ends early with its context.
func (s *Store) Take(ctx context.Context, b *event.Batch) error { return s.insist(ctx, b, s.round) }

// insist sends a batch by rounds, each of which returns what is to be sent again and
// why, until nothing is left.
func (s *Store) insist(ctx context.Context, b *event.Batch, round func(context.Context, []*document) ([]*document, error)) error {
	docs := make([]*document, 0, len(b.Events))
	for i := range b.Events {
		d, err := s.document(&b.Events[i])
		if err != nil {
			s.refuse(b.Events[i].Ref, err.Error())
			continue
		}
		docs = append(docs, d)
	}
	for attempt := 1; len(docs) > 0; attempt++ {
		left, err := round(ctx, docs)
		switch {
		case len(left) == 0:
			return nil
		case err == nil:
			err = errors.New("elasticsearch: it did not take all documents")
		case status(err) == http.StatusUnauthorized || status(err) == http.StatusForbidden || status(err) == http.StatusBadRequest:
			return err
		}
		if len(left) < len(docs) {
			attempt = 1
		}
		if docs = left; attempt == maxAttempts || ctx.Err() != nil {
			return fmt.Errorf("%d of %d events wait: %w", len(docs), len(b.Events), err)
		}
		s.retried.Add(1)
		if err := s.opts.wait(ctx, backoff(attempt)); err != nil {
			return err
		}
	}
	return nil
}

// round sends what is not there yet and returns what is to be sent again, with
// the reason.
func (s *Store) round(ctx context.Context, docs []*document) ([]*document, error) {
	if err := s.ensure(ctx, towns(docs)); err != nil {
		return docs, err
	}
	if s.unsure {
		var err error
		if docs, err = s.missing(ctx, docs); err != nil {
			return docs, err
		}
		s.unsure = false
	}
	var left []*document
	var reason error
	for len(docs) > 0 {
		n := chunk(docs)
		again, err := s.send(ctx, docs[:n])
		left, docs = append(left, again...), docs[n:]
		if err == nil {
			continue
		}
		if reason = err; status(err) != http.StatusTooManyRequests && len(again) == n {
			return append(left, docs...), reason // the next one would fare no better
		}
	}
	return left, reason
}

func towns(docs []*document) map[string]bool {
	out := map[string]bool{}
	for _, d := range docs {
		out[d.town] = true
	}
	return out
}

// maxBulk is how many bytes a bulk request has, unless one document has more.
const maxBulk = 4 << 20

// chunk is how many documents go into the next request.
func chunk(docs []*document) int {
	size := 0
	for i, d := range docs {
		if size += len(d.text); size > maxBulk && i > 0 {
			return i
		}
	}
	return len(docs)
}

// refuse reports an event that will never be there.
func (s *Store) refuse(ref event.Ref, reason string) {
	s.refused.Add(1)
	if s.opts.Refused != nil {
		s.opts.Refused(ref, reason)
	}
}
