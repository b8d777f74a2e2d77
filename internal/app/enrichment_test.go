package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEnrichmentIsConfigured(t *testing.T) {
	for text, want := range map[string]string{
		"enrichment: {assets: {\"312012\": a.csv}}":                      "check digit",
		"enrichment: {geo: [a]}":                                         "did you mean \"geoip\"",
		"enrichment: {indicators: [{file: a}]}":                          "needs a name",
		"enrichment: {indicators: [{name: a, file: a, expires: 31.3.}]}": "no day",
		"zones: {\"312011\": [{cidr: 10.0.0.0/8, zone: dmz}]}":           "312011, entry 1",
		"zones: {\"312012\": []}":                                        "check digit",
		"enrichment: {assets: {\"312011\": a.csv}, geoip: [g.mmdb, /abs], indicators: [{name: a, file: i.txt}]}": "",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "mimamori.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := LoadConfig(path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
		if e := c.Enrichment; want == "" && (e.Assets["312011"] != filepath.Join(dir, "a.csv") || e.GeoIP[0] != filepath.Join(dir, "g.mmdb") || e.GeoIP[1] != "/abs" || e.Indicators[0].File != filepath.Join(dir, "i.txt")) {
			t.Errorf("paths: %+v", e)
		}
	}
}
