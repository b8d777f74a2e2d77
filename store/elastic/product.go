package elastic

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/elastic/go-elasticsearch/v8/esutil"
)

// product is what speaks the protocol there. OpenSearch has other words for some
// things: flat_object for flattened, its own way to a point in time, and ISM for
// lifecycles; and its bulk requests can't demand a data stream.
type product uint8

const (
	unasked product = iota
	elasticsearch
	openSearch
)

// rawRequest is a request that esapi does not know.
type rawRequest struct {
	method, path string
	body         io.Reader
}

// Do sends it.
func (p rawRequest) Do(ctx context.Context, t esapi.Transport) (*esapi.Response, error) {
	req, err := http.NewRequestWithContext(ctx, p.method, p.path, p.body)
	if err != nil {
		return nil, err
	}
	if p.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := t.Perform(req) //nolint:bodyclose // who sends it closes it
	if err != nil {
		return nil, err
	}
	return &esapi.Response{StatusCode: res.StatusCode, Body: res.Body, Header: res.Header}, nil
}

// product asks once what is there. One that does not say is Elasticsearch.
func (s *Store) product(ctx context.Context) (product, error) {
	if p := product(s.what.Load()); p != unasked {
		return p, nil
	}
	var said struct {
		Version struct {
			Distribution string `json:"distribution"`
		} `json:"version"`
	}
	err := s.call(ctx, rawRequest{method: http.MethodGet, path: "/"}, &said)
	if code := status(err); err != nil && (code == 0 || code == http.StatusTooManyRequests || code >= 500 || code == http.StatusUnauthorized) {
		return unasked, err
	}
	p := elasticsearch
	if said.Version.Distribution == "opensearch" {
		p = openSearch
	}
	s.what.Store(uint32(p))
	return p, nil
}

// openPoint opens a point in time.
func (x *question) openPoint(ctx context.Context) (string, error) {
	var point struct {
		ID   string `json:"id"`
		Open string `json:"pit_id"`
	}
	var req esapi.Request = esapi.OpenPointInTimeRequest{Index: x.index, KeepAlive: "2m", IgnoreUnavailable: new(true)}
	if x.product == openSearch {
		req = rawRequest{method: http.MethodPost, path: "/" + strings.Join(x.index, ",") + "/_search/point_in_time?keep_alive=2m&ignore_unavailable=true&allow_partial_pit_creation=false"}
	}
	err := x.s.call(ctx, req, &point)
	return point.ID + point.Open, err
}

func (x *question) closePoint(ctx context.Context, id string) error {
	if x.product == openSearch {
		return x.s.call(ctx, rawRequest{http.MethodDelete, "/_search/point_in_time", esutil.NewJSONReader(body{"pit_id": []string{id}})}, nil)
	}
	return x.s.call(ctx, esapi.ClosePointInTimeRequest{Body: esutil.NewJSONReader(body{"id": id})}, nil)
}
