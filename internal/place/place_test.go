package place

import (
	"strings"
	"testing"
)

type config struct {
	Name   string            `yaml:"name"`
	Inputs []input           `yaml:"inputs"`
	Zones  map[string][]zone `yaml:"zones"`
}

type input struct {
	Source string `yaml:"source"`
	Port   int    `yaml:"port"`
}

type zone struct {
	CIDR string `yaml:"cidr"`
}

func TestMistakesAreShownAtTheirPlace(t *testing.T) {
	for text, want := range map[string]string{
		"name: a\nimputs: []\n":                    "f.yaml:2:1: unknown key \"imputs\" (did you mean \"inputs\"?)\n  imputs: []\n  ^",
		"inputs:\n  - source: a\n    prot: 1\n":    "f.yaml:3:5: unknown key \"prot\" (did you mean \"port\"?)",
		"inputs:\n  - source: a\n    port: x\n":    "f.yaml:3:11:",
		"zones:\n  \"312011\":\n    - {cdir: 1}\n": "unknown key \"cdir\"",
		"name: [\n":               "f.yaml:1:",
		"name: a\n---\nname: b\n": "one YAML document",
	} {
		var c config
		_, err := Decode("f.yaml", []byte(text), &c)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
	var c config
	d, err := Decode("f.yaml", []byte("name: 鳥\ninputs:\n  - {source: 鳥取, port: 5}\n"), &c)
	if err != nil || c.Inputs[0].Port != 5 {
		t.Fatal(err)
	}
	got := d.ErrorAt("$.inputs[0].port", "too low", "1024").Error()
	if want := "f.yaml:3:24: too low (1024)\n    - {source: 鳥取, port: 5}\n"; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, strings.Repeat(" ", 2+23+2)+"^") {
		t.Errorf("got %s", got)
	}
	if _, err := Decode("f.yaml", []byte("# nothing\n"), &c); err != nil {
		t.Errorf("an empty file: %v", err)
	}
}
