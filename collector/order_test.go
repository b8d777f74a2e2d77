package collector

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const orderText = "inputs:\n  - {source: fw, type: syslog, listen: \"udp://0.0.0.0:514\"}\n  - {source: app, type: file, paths: [logs/a.log], zone: lgwan}\nspool: {max_bytes: 1GiB}\n"

func localConfig(t testing.TB) Config {
	t.Helper()
	path, err := filepath.Abs("testdata/managed.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnOrderLiesOverTheLocalFileAndChangesNobodysName(t *testing.T) {
	local := localConfig(t)
	got, err := local.Under("order 1", []byte(orderText+"prefecture: {server_name: other.example.jp}\n"), "/etc/mimamori")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Inputs) != 2 || got.Inputs[1].Paths[0] != "/etc/mimamori/logs/a.log" || got.Inputs[0].Zone != "internet" || got.Spool.MaxBytes != 1<<30 {
		t.Errorf("%+v", got)
	}
	if got.Prefecture.ServerName != "other.example.jp" || got.Prefecture.URLs[0] != local.Prefecture.URLs[0] || got.Prefecture.CA != local.Prefecture.CA {
		t.Errorf("%+v", got.Prefecture)
	}
	for name, text := range map[string]string{
		"emptied":  "collector: \"\"\nmunicipality: \"\"\nzone: \"\"\ndata: \"\"\nkey: \"\"\nmanaged: false\norder_key: \"\"\n",
		"nothing":  "collector:\nmunicipality: null\nzone: ~\ndata:\nkey:\nmanaged:\norder_key:\n",
		"no names": "",
	} {
		got, err := local.Under("order 1", []byte(text+orderText), "/etc/mimamori")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.Collector != local.Collector || got.Municipality != local.Municipality || got.Zone != local.Zone || got.Data != local.Data || got.Key != local.Key ||
			!got.Managed || got.OrderKey != local.OrderKey {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAnOrderThatCannotRunIsShownItsPlace(t *testing.T) {
	local := localConfig(t)
	for text, want := range map[string]string{
		"collector: other\n" + orderText:                     "order 1:1:12: collector: who a collector is stays",
		"data: /tmp\n" + orderText:                           "order 1:1:7: data: who",
		"key: /etc/shadow\n" + orderText:                     "order 1:1:6: key: who",
		orderText + "order_key: U\n":                         "order 1:5:12: order_key: who",
		orderText + "managed: true\n":                        "order 1:5:10: managed: who",
		"zone: lgwan\n" + orderText:                          "order 1:1:7: zone: who",
		"seal: {interval: 1s}\n":                             "order 1:1:1: inputs: there is nothing to collect",
		"inputs:\n  - {source: a, type: fiel, paths: [a]}\n": "order 1:2:23: type: there is no input",
		"inputs:\n  - {source: a, typ: file}\n":              "order 1:2:17: unknown key \"typ\"",
		orderText + "prefecture: {urls: []}\n":               "prefecture.urls: there is nowhere to send to",
		"":                                                   "inputs: there is nothing",
	} {
		var at *ConfigError
		if _, err := local.Under("order 1", []byte(text), ""); !errors.As(err, &at) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
	if err := CheckOrder("x", []byte(orderText), Config{Collector: "a", Municipality: "312011", Zone: "internet"}); err != nil {
		t.Error(err)
	}
}

func FuzzOrderText(f *testing.F) {
	f.Add(orderText)
	f.Add("collector: a\ninputs: [")
	local := localConfig(f)
	f.Fuzz(func(t *testing.T, text string) {
		began := time.Now()
		got, err := local.Under("x", []byte(text), "/dir")
		if err == nil && (got.Collector != local.Collector || got.Key != local.Key || got.Data != local.Data || got.OrderKey != local.OrderKey || got.Zone != local.Zone) {
			t.Errorf("%q changes who the collector is: %+v", text, got)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("%d bytes took %s", len(text), d)
		}
	})
}
