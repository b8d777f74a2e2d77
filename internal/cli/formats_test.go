package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFormatsParseEnrichesAsTheConfigurationSays(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"mimamori.yaml": "zones: {\"312011\": [{cidr: 10.1.0.0/16, zone: lgwan}]}\nenrichment:\n  assets: {\"312011\": a.csv}\n  indicators: [{name: feed, file: i.txt}]\n",
		"a.csv":         "address,name\n10.1.2.3,PC-1\n", "i.txt": "203.0.113.9\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "mimamori.yaml")
	out := must(t, fortigateLine, "formats", "parse", "--config", config, "--municipality", "312011", "--zone", "lgwan")
	for _, want := range []string{`"asset":{"name":"PC-1"}`, `"zone":"lgwan"`, `"direction":"outbound"`, `"feed":{"name":"feed"}`, `"tags":["ioc"]`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
	if out := must(t, fortigateLine, "formats", "parse"); !strings.Contains(out, `"direction":"outbound"`) || strings.Contains(out, "PC-1") {
		t.Errorf("without a configuration: %s", out)
	}
	for _, bad := range [][]string{{"--municipality", "312012"}, {"--zone", "dmz"}, {"--config", filepath.Join(dir, "none.yaml")}} {
		if _, err := run(t, "", append([]string{"formats", "parse"}, bad...)...); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}
