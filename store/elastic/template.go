package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/elastic/go-elasticsearch/v8/esutil"

	"mimamori/event"
)

// Where an event's document keeps what is not a field of the registry.
const (
	vendorField = "vendor"           // vendors' fields, one flattened object
	oddField    = "mimamori.odd"     // names of fields whose value the index does not have, or not whole
	untimed     = "untimed"          // stands in mimamori.odd for an event without @timestamp
	localField  = "mimamori.local."  // minute, hour, day, week, month, year, off: @timestamp in Japan
	refField    = "mimamori."        // collector, source, epoch, seq
	components  = "mimamori-mapping" // suffix of the component template's name
)

// maxRun is the longest run of letters that is one word of the index.
const maxRun = 8191

// body is a part of a request.
type body = map[string]any

// mapping is the mapping of every data stream, made from the field registry.
func mapping(what product) body {
	properties := body{}
	for _, f := range event.Fields() {
		nest(properties, f.Name(), mappingOf(f))
	}
	nest(properties, vendorField, body{"type": map[product]string{elasticsearch: "flattened", openSearch: "flat_object"}[what]})
	nest(properties, oddField, body{"type": "keyword", "doc_values": false})
	nest(properties, "mimamori.values", body{"type": "object", "enabled": false})
	for _, name := range []string{"collector", "source"} {
		nest(properties, refField+name, body{"type": "keyword"})
	}
	for _, name := range []string{"epoch", "seq"} {
		nest(properties, refField+name, body{"type": "long"})
	}
	for _, name := range []string{"minute", "hour", "day", "week", "month", "year"} {
		nest(properties, localField+name, body{"type": "short", "doc_values": false})
	}
	nest(properties, localField+"off", body{"type": "boolean", "doc_values": false})
	return body{"dynamic": false, "date_detection": false, "properties": properties}
}

func mappingOf(f event.Field) body {
	switch f.Type() {
	case event.Text:
		return body{"type": "text", "analyzer": "mimamori_line", "norms": false}
	case event.IP, event.Long, event.Double, event.Boolean:
		return body{"type": f.Type().String()}
	case event.Date:
		return body{"type": "date_nanos"}
	}
	return body{"type": "keyword"}
}

// nest puts a field under its dotted name.
func nest(properties body, name string, m body) {
	first, rest, inner := strings.Cut(name, ".")
	if !inner {
		properties[first] = m
		return
	}
	parent, ok := properties[first].(body)
	if !ok {
		parent = body{"properties": body{}}
		properties[first] = parent
	}
	below, ok := parent["properties"].(body)
	if !ok {
		panic("elastic: the registry has a field above " + name)
	}
	nest(below, rest, m)
}

// ensure makes the templates of these municipalities, once each.
func (s *Store) ensure(ctx context.Context, municipalities map[string]bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for code := range municipalities {
		if s.templates[code] {
			continue
		}
		if len(s.templates) == 0 {
			if err := s.foundation(ctx); err != nil {
				return err
			}
		}
		template := body{"settings": s.lifecycle.settings(s.policy())}
		if s.lifecycle == byStream {
			template["lifecycle"] = body{"data_retention": s.cfg.Retention}
		}
		put := body{
			"index_patterns": []string{s.cfg.Prefix + "-*-" + code}, "data_stream": body{}, "priority": 500,
			"composed_of": []string{s.cfg.Prefix + "-" + components}, "template": template,
		}
		if err := s.call(ctx, esapi.IndicesPutIndexTemplateRequest{Name: s.cfg.Prefix + "-mimamori-" + code, Body: esutil.NewJSONReader(put)}, nil); err != nil {
			return fmt.Errorf("template of %s: %w", code, err)
		}
		s.templates[code] = true
	}
	return nil
}

// forget lets the templates be made anew.
func (s *Store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.templates)
}

// foundation makes what the templates of all municipalities need.
func (s *Store) foundation(ctx context.Context) error {
	what, err := s.product(ctx)
	if err != nil {
		return err
	}
	if err := s.detectLifecycle(ctx); err != nil {
		return err
	}
	put := body{"template": body{
		"settings": body{"index": body{
			"number_of_shards": 1, "auto_expand_replicas": "0-1", "codec": "best_compression", "refresh_interval": "5s", "max_regex_length": 20_000,
			"analysis": body{"analyzer": body{"mimamori_line": body{"type": "standard", "max_token_length": maxRun}}},
		}},
		"mappings": mapping(what),
	}}
	if err := s.call(ctx, esapi.ClusterPutComponentTemplateRequest{Name: s.cfg.Prefix + "-" + components, Body: esutil.NewJSONReader(put)}, nil); err != nil {
		return fmt.Errorf("component template: %w", err)
	}
	return nil
}

// lifecycle is how events age in this Elasticsearch.
type lifecycle uint8

const (
	byNobody lifecycle = iota
	byPolicy           // index lifecycle management
	byStream           // the data stream's own lifecycle
)

func (l lifecycle) settings(policy string) body {
	if l == byPolicy {
		return body{"index.lifecycle.name": policy}
	}
	return body{}
}

func (s *Store) policy() string { return s.cfg.Prefix + "-mimamori" }

// detectLifecycle finds what this Elasticsearch has: index lifecycle management,
// else lifecycles of data streams, else nothing, which is said in the log.
func (s *Store) detectLifecycle(ctx context.Context) error {
	phases := body{"hot": body{"actions": body{"rollover": body{"max_age": "30d", "max_primary_shard_size": "30gb"}}}}
	if s.cfg.Retention != "" {
		phases["delete"] = body{"min_age": s.cfg.Retention, "actions": body{"delete": body{}}}
	}
	text, err := json.Marshal(body{"policy": body{"phases": phases}})
	if err != nil {
		return fmt.Errorf("elasticsearch: %w", err)
	}
	err = s.call(ctx, esapi.ILMPutLifecycleRequest{Policy: s.policy(), Body: strings.NewReader(string(text))}, nil)
	if there, err := offered(err); there || err != nil {
		s.lifecycle = byPolicy
		return err
	}
	if s.cfg.Retention != "" {
		err = s.call(ctx, esapi.IndicesGetDataLifecycleRequest{Name: []string{s.cfg.Prefix + "-mimamori-none"}}, nil)
		if there, err := offered(err); there || err != nil {
			s.lifecycle = byStream
			return err
		}
		s.log.Warn("this Elasticsearch has no lifecycles: its events are not deleted by age, and its indices grow until somebody rolls them over", "retention", s.cfg.Retention)
	}
	s.lifecycle = byNobody
	return nil
}

// offered tells whether a feature is there from what came of asking for it. One
// that is not offered is 400, 404 without an index in question, or 405.
func offered(err error) (bool, error) {
	code := status(err)
	switch {
	case err == nil:
		return true, nil
	case code == http.StatusBadRequest, code == http.StatusMethodNotAllowed:
		return false, nil
	case code == http.StatusNotFound:
		return true, nil // it looked for the stream
	}
	return false, err
}
