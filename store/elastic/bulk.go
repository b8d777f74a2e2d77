package elastic

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/elastic/go-elasticsearch/v8/esutil"
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
	var answer struct {
		Items []struct {
			Create outcome `json:"create"`
		} `json:"items"`
	}
	err := s.call(ctx, esapi.BulkRequest{
		Body: &text, RequireDataStream: new(true),
		FilterPath: []string{"items.*.status", "items.*.error.type", "items.*.error.reason", "items.*.error.caused_by.reason"},
	}, &answer)
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
	case err == nil && len(answer.Items) != len(docs):
		err = fmt.Errorf("elasticsearch: it was sent %d documents and answers for %d", len(docs), len(answer.Items))
	}
	if err != nil {
		s.unsure = s.unsure || status(err) != http.StatusTooManyRequests
		return docs, err
	}
	var left []*document
	for i, item := range answer.Items {
		if e := s.judge(docs[i], item.Create); e != nil {
			left, err = append(left, docs[i]), e
		}
	}
	return left, err
}

// judge takes one document's outcome into account; an error means that it is to
// be sent again.
func (s *Store) judge(d *document, o outcome) error {
	reason := o.Error.Reason
	if o.Error.Cause.Reason != "" {
		reason += ": " + o.Error.Cause.Reason
	}
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

// missing leaves out the documents that are there already. An _id is unique in
// one index only, and a data stream has gone on to its next one perhaps since a
// bulk was sent whose outcome nobody knows.
func (s *Store) missing(ctx context.Context, docs []*document) ([]*document, error) {
	ids, patterns := make([]string, len(docs)), []string{}
	for i, d := range docs {
		ids[i] = d.id
		if p := s.cfg.Prefix + "-*-" + d.town; !slices.Contains(patterns, p) {
			patterns = append(patterns, p)
		}
	}
	if len(patterns) > 50 { // as much as a request's first line holds
		patterns = []string{s.cfg.Prefix + "-*"}
	}
	if err := s.call(ctx, esapi.IndicesRefreshRequest{Index: patterns, IgnoreUnavailable: new(true)}, nil); err != nil {
		return docs, err
	}
	have := map[string]bool{}
	for part := range slices.Chunk(ids, 5_000) {
		var answer struct {
			Hits struct {
				Hits []struct {
					ID string `json:"_id"`
				} `json:"hits"`
			} `json:"hits"`
		}
		if err := s.call(ctx, esapi.SearchRequest{
			Index: patterns, IgnoreUnavailable: new(true), AllowPartialSearchResults: new(false), FilterPath: []string{"hits.hits._id"},
			Body: esutil.NewJSONReader(body{"size": len(part), "_source": false, "query": body{"ids": body{"values": part}}}),
		}, &answer); err != nil {
			return docs, err
		}
		for _, h := range answer.Hits.Hits {
			have[h.ID] = true
		}
	}
	left := slices.DeleteFunc(slices.Clone(docs), func(d *document) bool { return have[d.id] })
	s.there.Add(int64(len(docs) - len(left)))
	return left, nil
}
