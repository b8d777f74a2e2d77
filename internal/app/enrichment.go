package app

import (
	"log/slog"
	"path/filepath"
	"strconv"

	"mimamori/event"
	"mimamori/ingest/enrich"
)

// OpenEnricher opens what the configuration says of enrichment. Files that
// cannot be read are logged and tried again while the enricher runs.
func OpenEnricher(c *Config, log *slog.Logger) (*enrich.Enricher, error) {
	return enrich.New(enrich.Config{Zones: c.Zones, Files: c.Enrichment, Log: log})
}

// checkEnrichment finds the first contradiction and the path of its key.
func (c *Config) checkEnrichment() (string, error) {
	for code := range c.Zones {
		if err := event.CheckCode(code); err != nil {
			return "$.zones", err
		}
	}
	for code := range c.Enrichment.Assets {
		if err := event.CheckCode(code); err != nil {
			return "$.enrichment.assets", err
		}
	}
	for i := range c.Enrichment.Indicators {
		if err := c.Enrichment.Indicators[i].Check(); err != nil {
			return "$.enrichment.indicators[" + strconv.Itoa(i) + "]", err
		}
	}
	if err := enrich.CheckZones(c.Zones); err != nil {
		return "$.zones", err
	}
	return "", nil
}

// resolveEnrichment makes paths relative to the configuration's folder.
func (c *Config) resolveEnrichment(dir string) {
	resolve := func(path string) string {
		if path == "" || filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(dir, path)
	}
	for code, path := range c.Enrichment.Assets {
		c.Enrichment.Assets[code] = resolve(path)
	}
	for i := range c.Enrichment.Indicators {
		l := &c.Enrichment.Indicators[i]
		l.File = resolve(l.File)
	}
}
