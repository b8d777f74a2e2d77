package elastic

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// outcome is what became of one document of a bulk.
type outcome struct {
	Status int `json:"status"`
	Error  struct {
		Type   string `json:"type"`
		Reason string `json:"reason"`
		Cause  struct {
			Reason string `json:"reason"`
		} `json:"caused_by"`
	} `json:"error"`
}

func (o *outcome) reason() string {
	if o.Error.Cause.Reason != "" {
		return o.Error.Reason + ": " + o.Error.Cause.Reason
	}
	return o.Error.Reason
}

// permanent are the errors that are of the document itself: it will be refused
// whenever it comes.
func permanent(kind string) bool {
	switch kind {
	case "document_parsing_exception", "mapper_parsing_exception", "strict_dynamic_mapping_exception", "illegal_argument_exception":
		return true
	}
	return false
}

// send sends one bulk request and returns the documents that are to be sent
// again, with the reason.
func (s *Store) send(ctx context.Context, docs []*document) ([]*document, error) {
	var text bytes.Buffer
	for _, d := range docs {
		text.Write(d.text)
	}
	items, err := s.bulk(ctx, &text, len(docs), s.toStreams())
	switch {
	case status(err) == http.StatusRequestEntityTooLarge && len(docs) == 1:
		s.refuse(docs[0].ref, err.Error())
		return nil, nil
	case status(err) == http.StatusRequestEntityTooLarge:
		half := len(docs) / 2
		left, err := s.send(ctx, docs[:half])
		more, err2 := s.send(ctx, docs[half:])
		if err == nil {
			err = err2
		}
		return append(left, more...), err
	}
	if err != nil {
		s.unsure = s.unsure || status(err) != http.StatusTooManyRequests
		return docs, err
	}
	var left []*document
	for i, item := range items {
		if e := s.judge(docs[i], item); e != nil {
			left, err = append(left, docs[i]), e
		}
	}
	return left, err
}

// toStreams demands that documents go to data streams, where that can be demanded.
func (s *Store) toStreams() *bool {
	if product(s.what.Load()) == openSearch {
		return nil
	}
	return new(true)
}

// bulk sends one bulk request of n actions and returns what became of each.
func (s *Store) bulk(ctx context.Context, text *bytes.Buffer, n int, toStreams *bool) ([]outcome, error) {
	var answer struct {
		Items []map[string]outcome `json:"items"`
	}
	err := s.call(ctx, esapi.BulkRequest{
		Body: text, RequireDataStream: toStreams,
		FilterPath: []string{"items.*.status", "items.*.error.type", "items.*.error.reason", "items.*.error.caused_by.reason"},
	}, &answer)
	if err != nil {
		return nil, err
	}
	if len(answer.Items) != n {
		return nil, fmt.Errorf("elasticsearch: it was sent %d documents and answers for %d", n, len(answer.Items))
	}
	out := make([]outcome, 0, n)
	for _, item := range answer.Items {
		for _, o := range item { // one, under the action's name
			out = append(out, o)
		}
	}
	if len(out) != n {
		return nil, fmt.Errorf("elasticsearch: it answers %d actions with %d outcomes", n, len(out))
	}
	return out, nil
}

// judge takes one document's outcome into account; an error means that it is to
// be sent again.
func (s *Store) judge(d *document, o outcome) error {
	reason := o.reason()
	switch {
	case o.Status == http.StatusConflict:
		s.there.Add(1)
		return nil
	case o.Status < 300:
		s.created.Add(1)
		return nil
	case o.Status == http.StatusBadRequest && permanent(o.Error.Type):
		s.refuse(d.ref, reason)
		return nil
	case o.Status == http.StatusNotFound:
		s.forget() // somebody removed the template
	}
	// A document's 403 is an index that is blocked, by a full disk for one: not the caller's right.
	return &Error{Status: max(o.Status, http.StatusInternalServerError), Type: o.Error.Type, Reason: reason}
}
