package app

import (
	"log/slog"
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
