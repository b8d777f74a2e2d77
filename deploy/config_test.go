package deploy

import (
	"path/filepath"
	"strings"
	"testing"

	"mimamori/collector"
	"mimamori/internal/app"
)

// Every configuration that ships must load as it is.
func TestConfigurationsLoad(t *testing.T) {
	files, err := filepath.Glob("*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	loaded := map[bool]int{}
	for _, name := range files {
		ofCollector := strings.Contains(filepath.Base(name), "collector")
		if ofCollector {
			_, err = collector.Load(name)
		} else {
			_, err = app.LoadConfig(name)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		loaded[ofCollector]++
	}
	if loaded[true] == 0 || loaded[false] == 0 {
		t.Errorf("%v: want at least one configuration of each program", files)
	}
}

// The two sides of the compose file must fit each other.
func TestTheComposeCollectorReachesThePrefecture(t *testing.T) {
	col, err := collector.Load("compose/collector.yaml")
	if err != nil {
		t.Fatal(err)
	}
	pref, err := app.LoadConfig("compose/mimamori.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(pref.Bus.Listen, ":")
	if want := "nats://mimamori:" + port; len(col.Prefecture.URLs) != 1 || col.Prefecture.URLs[0] != want {
		t.Errorf("the collector calls %v, the prefecture listens at %s", col.Prefecture.URLs, want)
	}
	p := load(t)
	published := map[string]bool{}
	for _, x := range p.Services["collector"].Ports {
		published[x.Protocol+"://0.0.0.0:"+x.Published] = true
	}
	for _, in := range col.Inputs {
		if !published[in.Listen] {
			t.Errorf("%s listens at %s, which docker-compose.yml does not publish", in.Source, in.Listen)
		}
	}
	if len(col.Inputs) != len(published) {
		t.Errorf("docker-compose.yml publishes %v, the collector has %d inputs", published, len(col.Inputs))
	}
}
