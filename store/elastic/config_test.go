package elastic

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMistakesInTheConfigurationAreNamed(t *testing.T) {
	url := []string{"https://a.example.jp:9200"}
	for _, c := range []struct {
		cfg       Config
		key, says string
	}{
		{Config{}, "urls", "at least one"},
		{Config{URLs: []string{url[0], "elastic:9200"}}, "urls[1]", "no URL"},
		{Config{URLs: []string{"https://elastic:secret@a.example.jp"}}, "urls[0]", "under user"},
		{Config{URLs: []string{"http://a.example.jp:9200"}, CA: "ca.pem"}, "urls[0]", "https://"},
		{Config{URLs: url, APIKey: "k", User: "u", Password: "p"}, "api_key_file", "leave one"},
		{Config{URLs: url, User: "u"}, "user", "go together"},
		{Config{URLs: url, Password: "p"}, "user", "go together"},
		{Config{URLs: url, Prefix: "Logs-x"}, "prefix", "no hyphen"},
		{Config{URLs: url, Retention: "a year"}, "retention", "400d"},
	} {
		key, err := c.cfg.Check()
		if key != c.key || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %s: %v", c.cfg, key, err)
		}
		if _, err := Open(c.cfg, Options{}); err == nil || !strings.Contains(err.Error(), c.key) {
			t.Errorf("%+v: open: %v", c.cfg, err)
		}
	}
	if key, err := (&Config{URLs: url, User: "u", Password: "p", Retention: "48h", Prefix: "logs"}).Check(); err != nil {
		t.Error(key, err)
	}
}

func TestFilesOfTheConfigurationAreRead(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{{APIKey: empty}, {APIKey: empty + ".none"}, {CA: empty + ".none"}, {CA: empty}} {
		c.URLs = []string{"https://a.example.jp"}
		if _, err := Open(c, Options{}); err == nil {
			t.Errorf("%+v opens", c)
		}
	}
}
