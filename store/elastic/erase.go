package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/elastic/go-elasticsearch/v8/esutil"

	"mimamori/event"
)

// eraseSize is how many documents one request removes.
const eraseSize = 2000

// found is where a document is.
type found struct {
	Index string `json:"_index"`
	ID    string `json:"_id"`
}

// Erase removes a municipality's events that arrived from one moment until before
// another, from the disk, too, and returns how many went. It searches and deletes
// in bulk, as _delete_by_query does inside, which not every Elasticsearch has. It
// returns when none is found any more; called again it does what is left.
func (s *Store) Erase(ctx context.Context, municipality string, from, to time.Time) (int64, error) {
	streams, touched := s.cfg.Prefix+"-*-"+town(municipality), []string{}
	for removed := int64(0); ; {
		hits, err := s.arrivedIn(ctx, streams, municipality, from, to)
		if err != nil {
			return removed, err
		}
		if len(hits) == 0 {
			return removed, s.expunge(ctx, touched)
		}
		n, err := s.remove(ctx, hits)
		if removed += n; err == nil && n == 0 {
			err = errors.New("elasticsearch: documents that it finds are not there when they are to be deleted")
		}
		if err != nil {
			return removed, err
		}
		for _, h := range hits {
			if !slices.Contains(touched, h.Index) {
				touched = append(touched, h.Index)
			}
		}
	}
}

// arrivedIn finds some of the documents.
func (s *Store) arrivedIn(ctx context.Context, streams, municipality string, from, to time.Time) ([]found, error) {
	if err := s.call(ctx, esapi.IndicesRefreshRequest{Index: []string{streams}, IgnoreUnavailable: new(true)}, nil); err != nil {
		return nil, err
	}
	var answer struct {
		Hits struct {
			Hits []found `json:"hits"`
		} `json:"hits"`
	}
	err := s.call(ctx, esapi.SearchRequest{
		Index: []string{streams}, IgnoreUnavailable: new(true), AllowPartialSearchResults: new(false),
		Body: esutil.NewJSONReader(body{"size": eraseSize, "_source": false, "query": arrival(municipality, from, to)}),
	}, &answer)
	return answer.Hits.Hits, err
}

// arrival asks for a municipality's documents by event.ArrivalFields.
func arrival(municipality string, from, to time.Time) body {
	span := body{"gte": from.UTC().Format(time.RFC3339Nano), "lt": to.UTC().Format(time.RFC3339Nano)}
	var ways, before []body
	for _, f := range event.ArrivalFields() {
		not := slices.Clone(before)
		if f == atField {
			not = append(not, body{"term": body{oddField: untimed}}) // its date is no one's
		}
		ways = append(ways, body{"bool": body{"must_not": not, "filter": []body{{"range": body{f.Name(): span}}}}})
		before = append(before, body{"exists": body{"field": f.Name()}})
	}
	if epoch := time.Unix(0, 0); !epoch.Before(from) && epoch.Before(to) {
		ways = append(ways, body{"bool": body{"must_not": before[:len(before)-1], "filter": []body{{"term": body{oddField: untimed}}}}})
	}
	return body{"bool": body{"filter": []body{{"term": body{"municipality": municipality}}}, "should": ways, "minimum_should_match": 1}}
}

// remove deletes documents and counts those that were there.
func (s *Store) remove(ctx context.Context, hits []found) (removed int64, err error) {
	var text bytes.Buffer
	for _, h := range hits {
		line, err := json.Marshal(map[string]found{"delete": h})
		if err != nil {
			return 0, fmt.Errorf("elasticsearch: %w", err)
		}
		text.Write(append(line, '\n'))
	}
	items, err := s.bulk(ctx, &text, len(hits), nil)
	for _, o := range items {
		switch {
		case o.Status < 300:
			removed++
		case o.Status != http.StatusNotFound:
			err = &Error{Status: o.Status, Type: o.Error.Type, Reason: o.reason()}
		}
	}
	return removed, err
}

// expunge makes the indices be written anew without what was deleted, which
// otherwise stays on the disk until Elasticsearch merges by itself.
func (s *Store) expunge(ctx context.Context, indices []string) error {
	const allowed = "index.merge.policy.expunge_deletes_allowed" // per cent of deleted ones that stay; 10 unless set
	for _, index := range indices {
		set := func(value any) error {
			return s.call(ctx, esapi.IndicesPutSettingsRequest{Index: []string{index}, Body: esutil.NewJSONReader(body{allowed: value})}, nil)
		}
		err := set(0)
		if err == nil {
			err = s.call(ctx, esapi.IndicesForcemergeRequest{Index: []string{index}, OnlyExpungeDeletes: new(true)}, nil)
			err = errors.Join(err, set(nil))
		}
		if err != nil {
			return fmt.Errorf("the events are deleted, but Elasticsearch keeps them on its disk for now: %w", err)
		}
	}
	return nil
}
