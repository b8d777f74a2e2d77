package app

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"mimamori/event"
)

// Keep is how long events of a municipality or a dataset are kept.
type Keep struct {
	Municipality string `yaml:"municipality"` // code; "" for all
	Dataset      string `yaml:"dataset"`      // event.dataset, * stands for anything; "" for all
	Age          string `yaml:"age"`          // 90d, 48h, or forever
}

// forever is the age at which nothing goes.
const forever = "forever"

// checkKeep finds the first mistake in how long events are kept, and its place.
func (c *Config) checkKeep() (string, error) {
	if _, err := parseAge(c.Retention); err != nil {
		return "$.retention", err
	}
	for i, k := range c.Keep {
		at := "$.keep[" + strconv.Itoa(i) + "]"
		if k.Municipality == "" && k.Dataset == "" {
			return at, errors.New("want a municipality, a dataset or both; retention: is the age of all others")
		}
		if k.Municipality != "" {
			if err := event.CheckCode(k.Municipality); err != nil {
				return at + ".municipality", err
			}
		}
		if _, err := path.Match(k.Dataset, ""); err != nil {
			return at + ".dataset", fmt.Errorf("dataset %q: write a name like squid.access, or squid.* for all of squid", k.Dataset)
		}
		if _, err := parseAge(k.Age); err != nil && k.Age != forever {
			return at + ".age", fmt.Errorf("%w, or %s", err, forever)
		}
	}
	return "", nil
}

// keepSince answers since when events are kept; the zero time is always.
func (c *Config) keepSince(now time.Time) func(municipality, dataset string) time.Time {
	since := func(age string) time.Time {
		d, err := parseAge(age)
		if err != nil { // forever; others are refused when the file is read
			return time.Time{}
		}
		return now.Add(-d)
	}
	return func(municipality, dataset string) time.Time {
		for _, k := range c.Keep {
			fits, _ := path.Match(k.Dataset, dataset)
			if (k.Municipality == "" || k.Municipality == municipality) && (k.Dataset == "" || fits) {
				return since(k.Age)
			}
		}
		return since(c.Retention)
	}
}

// keepLongest answers since when anything of a municipality is kept; the zero time
// is always.
func (c *Config) keepLongest(now time.Time, municipality string) time.Time {
	longest := c.keepSince(now)(municipality, "")
	for _, k := range c.Keep {
		if k.Municipality != "" && k.Municipality != municipality || longest.IsZero() {
			continue
		}
		d, err := parseAge(k.Age)
		if err != nil { // forever
			return time.Time{}
		}
		if since := now.Add(-d); since.Before(longest) {
			longest = since
		}
	}
	return longest
}

// parseAge reads 400d, 48h and what time.ParseDuration knows.
func parseAge(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n < 100_000 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("age %q: write 400d or 48h", s)
	}
	return d, nil
}
