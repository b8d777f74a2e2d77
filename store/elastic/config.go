package elastic

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Config says where Elasticsearch is and who we are there.
type Config struct {
	URLs      []string `yaml:"urls"`          // https://host:9200, any of a cluster's nodes; none: no Elasticsearch
	CA        string   `yaml:"ca"`            // PEM of the authority that its certificate is from; "": the system's
	User      string   `yaml:"user"`          // with password_file, or api_key_file instead of both
	Password  string   `yaml:"password_file"` // file that holds it
	APIKey    string   `yaml:"api_key_file"`  // file that holds it, as Elasticsearch encoded it
	Prefix    string   `yaml:"prefix"`        // first part of the data streams' names; default logs
	Retention string   `yaml:"retention"`     // age at which Elasticsearch deletes: 400d, 48h; "": never
}

var (
	prefixForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9_.]{0,31}$`)
	retentionForm = regexp.MustCompile(`^[1-9][0-9]{0,5}[dh]$`)
)

// Check finds the first contradiction and the key of it, "" and nil for none.
func (c *Config) Check() (string, error) {
	if len(c.URLs) == 0 {
		return "urls", errors.New("at least one URL is needed, as https://elastic.example.jp:9200")
	}
	for i, text := range c.URLs {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
			return "urls[" + strconv.Itoa(i) + "]", fmt.Errorf("%q is no URL of Elasticsearch: write https://host:9200, and the user under user", text)
		}
		if c.CA != "" && u.Scheme != "https" {
			return "urls[" + strconv.Itoa(i) + "]", fmt.Errorf("with ca the URL begins with https://, not %q", text)
		}
	}
	switch {
	case c.APIKey != "" && (c.User != "" || c.Password != ""):
		return "api_key_file", errors.New("api_key_file stands instead of user and password_file: leave one of them out")
	case (c.User == "") != (c.Password == ""):
		return "user", errors.New("user and password_file go together")
	case c.Prefix != "" && !prefixForm.MatchString(c.Prefix):
		return "prefix", fmt.Errorf("%q: small letters, digits, _ and ., at most 32, no hyphen", c.Prefix)
	case c.Retention != "" && !retentionForm.MatchString(c.Retention):
		return "retention", fmt.Errorf("%q is no age: write 400d or 48h", c.Retention)
	}
	return "", nil
}

// secret reads a file that holds one line.
func secret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("elasticsearch: %w", err)
	}
	s := strings.TrimSpace(string(text))
	if s == "" {
		return "", fmt.Errorf("elasticsearch: %s is empty: write the password or key into it", path)
	}
	return s, nil
}
