package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// maxAnswer bounds what is read of one answer.
const maxAnswer = 512 << 20

// Error is what Elasticsearch answered instead of doing what it was asked.
type Error struct {
	Status int
	Type   string // Elasticsearch's own word, as index_not_found_exception
	Reason string
}

// Error says it with what to do where that is known.
func (e *Error) Error() string {
	s := fmt.Sprintf("elasticsearch answers %d %s: %s", e.Status, e.Type, e.Reason)
	switch e.Status {
	case http.StatusUnauthorized:
		s += " (check user and password_file, or api_key_file)"
	case http.StatusForbidden:
		s += " (the role may not do this: docs/elasticsearch.md lists what it needs)"
	}
	return s
}

// connect makes the client. It opens no connection. There is no product check
// in it, so that whatever speaks the protocol can be behind it.
func connect(c Config) (esapi.Transport, error) {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("elasticsearch: the program's HTTP transport was replaced")
	}
	own := base.Clone()
	own.ResponseHeaderTimeout = 2 * time.Minute
	var urls []*url.URL
	for _, text := range c.URLs {
		u, err := url.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("elasticsearch: %w", err)
		}
		urls = append(urls, u)
	}
	options := []elastictransport.Option{elastictransport.WithDisableRetry(), elastictransport.WithTransport(own), elastictransport.WithURLs(urls...)}
	if c.Password != "" {
		text, err := secret(c.Password)
		if err != nil {
			return nil, err
		}
		options = append(options, elastictransport.WithBasicAuth(c.User, text))
	}
	if c.APIKey != "" {
		text, err := secret(c.APIKey)
		if err != nil {
			return nil, err
		}
		options = append(options, elastictransport.WithAPIKey(text))
	}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("elasticsearch: ca: %w", err)
		}
		options = append(options, elastictransport.WithCACert(pem))
	}
	client, err := elastictransport.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("elasticsearch: %w", err)
	}
	return client, nil
}

// call sends a request and decodes the answer, unless into is nil. An answer
// that is no success is an *Error.
func (s *Store) call(ctx context.Context, req esapi.Request, into any) error {
	res, err := req.Do(ctx, s.transport)
	if err != nil {
		return fmt.Errorf("elasticsearch: %w", err)
	}
	defer res.Body.Close()
	body := io.LimitReader(res.Body, maxAnswer)
	if res.IsError() {
		return answered(res.StatusCode, body)
	}
	if into == nil {
		_, err = io.Copy(io.Discard, body)
	} else {
		d := json.NewDecoder(body)
		d.UseNumber()
		err = d.Decode(into)
	}
	if err != nil {
		return fmt.Errorf("elasticsearch: answer: %w", err)
	}
	return nil
}

// answered reads what Elasticsearch, or what stands before it, says of a failure.
func answered(status int, body io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, 64<<10))
	if err != nil {
		return fmt.Errorf("elasticsearch: answer %d: %w", status, err)
	}
	var said struct {
		Error struct {
			Type   string `json:"type"`
			Reason string `json:"reason"`
			Causes []struct {
				Reason string `json:"reason"`
			} `json:"root_cause"`
		} `json:"error"`
	}
	if json.Unmarshal(text, &said) != nil || said.Error.Reason == "" {
		return &Error{Status: status, Type: http.StatusText(status), Reason: strings.TrimSpace(string(text[:min(len(text), 300)]))}
	}
	reason := said.Error.Reason
	if len(said.Error.Causes) > 0 {
		reason = said.Error.Causes[0].Reason
	}
	return &Error{Status: status, Type: said.Error.Type, Reason: reason}
}

// status is the status that an error carries, 0 for none.
func status(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status
	}
	return 0
}
