package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"mimamori/event"
	"mimamori/internal/app"
	"mimamori/internal/lists"
	"mimamori/store/elastic"
)

// events is what query asks: a data folder's events or an Elasticsearch.
type events interface {
	Search(ctx context.Context, q event.Query) (*event.Page, error)
	Aggregate(ctx context.Context, q event.Query, a event.Aggregate) (*event.Table, error)
	Each(ctx context.Context, q event.Query, take func(*event.Batch) error) error
}

// openReader opens what the flags name, with what closes it.
func (p *program) openReader(o *question) (events, func() error, error) {
	if o.elastic == "" {
		s, err := p.openEvents(o.data)
		if err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	}
	cfg, err := app.LoadConfig(o.elastic)
	if err != nil {
		return nil, nil, err
	}
	if len(cfg.Sinks.Elasticsearch.URLs) == 0 {
		return nil, nil, fmt.Errorf("%s names no Elasticsearch: write its urls under sinks.elasticsearch", o.elastic)
	}
	folder := cfg.Lists
	if folder == "" {
		folder = filepath.Join(cfg.Data, "lists")
	}
	named, err := lists.Open(folder)
	if err != nil {
		return nil, nil, err
	}
	s, err := elastic.Open(cfg.Sinks.Elasticsearch.Config, elastic.Options{Log: p.log, Lists: named})
	if err != nil {
		return nil, nil, err
	}
	return s, func() error { return nil }, nil
}
