package elastic

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/elastic/go-elasticsearch/v8/esutil"
)

// kept is a document that is there.
type kept struct {
	Index   string          `json:"_index"`
	ID      string          `json:"_id"`
	SeqNo   int64           `json:"_seq_no"`
	Primary int64           `json:"_primary_term"`
	Source  json.RawMessage `json:"_source"`
}

// findPart is how many identities are asked for at once: each may be there twice,
// and an answer has at most 10,000 documents.
const findPart = 2_500

// find finds what is there of some documents, by _id, in whatever stream or
// backing index of their municipalities; whole: with what they are now.
func (s *Store) find(ctx context.Context, docs []*document, whole bool) (map[string][]kept, error) {
	patterns := []string{}
	for _, d := range docs {
		if p := s.cfg.Prefix + "-*-" + d.town; !slices.Contains(patterns, p) {
			patterns = append(patterns, p)
		}
	}
	if len(patterns) > 50 { // as much as a request's first line holds
		patterns = []string{s.cfg.Prefix + "-*"}
	}
	if err := s.call(ctx, esapi.IndicesRefreshRequest{Index: patterns, IgnoreUnavailable: new(true)}, nil); err != nil {
		return nil, err
	}
	out := map[string][]kept{}
	for part := range slices.Chunk(docs, findPart) {
		ids := make([]string, len(part))
		for i, d := range part {
			ids[i] = d.id
		}
		var answer struct {
			Hits struct {
				Hits []kept `json:"hits"`
			} `json:"hits"`
		}
		ask := body{"size": 4 * findPart, "_source": whole, "seq_no_primary_term": whole, "query": body{"ids": body{"values": ids}}}
		if err := s.call(ctx, esapi.SearchRequest{
			Index: patterns, IgnoreUnavailable: new(true), AllowPartialSearchResults: new(false), FilterPath: []string{"hits.hits"}, Body: esutil.NewJSONReader(ask),
		}, &answer); err != nil {
			return nil, err
		}
		for _, h := range answer.Hits.Hits {
			out[h.ID] = append(out[h.ID], h)
		}
	}
	return out, nil
}

// missing leaves out the documents that are there already. An _id is unique in
// one index only, and a data stream has gone on to its next one perhaps since a
// bulk was sent whose outcome nobody knows.
func (s *Store) missing(ctx context.Context, docs []*document) ([]*document, error) {
	have, err := s.find(ctx, docs, false)
	if err != nil {
		return docs, err
	}
	left := slices.DeleteFunc(slices.Clone(docs), func(d *document) bool { return have[d.id] != nil })
	s.there.Add(int64(len(docs) - len(left)))
	return left, nil
}
