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

// keeping answers since when events are kept; the zero time is always.
type keeping struct {
	cfg  *Config
	now  time.Time
	held map[string]bool // municipalities with a legal hold: nothing of theirs goes
}

// since is when what is kept of a dataset begins.
func (k *keeping) since(municipality, dataset string) time.Time {
	if k.held[municipality] {
		return time.Time{}
	}
	age := k.cfg.Retention
	for _, x := range k.cfg.Keep {
		fits, _ := path.Match(x.Dataset, dataset)
		if (x.Municipality == "" || x.Municipality == municipality) && (x.Dataset == "" || fits) {
			age = x.Age
			break
		}
	}
	return k.begin(age)
}

// longest is when what is kept of any dataset begins.
func (k *keeping) longest(municipality string) time.Time {
	longest := k.since(municipality, "")
	for _, x := range k.cfg.Keep {
		if x.Municipality != "" && x.Municipality != municipality || longest.IsZero() {
			continue
		}
		if since := k.begin(x.Age); since.Before(longest) {
			longest = since
		}
	}
	return longest
}

func (k *keeping) begin(age string) time.Time {
	d, err := parseAge(age)
	if err != nil { // forever; others are refused when the file is read
		return time.Time{}
	}
	return k.now.Add(-d)
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
