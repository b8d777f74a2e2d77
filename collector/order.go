package collector

import (
	"mimamori/internal/bus"
	"mimamori/internal/place"
)

// Under reads an order's text over the local configuration c: what the order
// does not name stays as it is. Who the collector is, where it keeps its data
// and whose orders it takes is local and may not be in an order. Relative paths
// are relative to dir; "" leaves them. The error is a *ConfigError.
func (c Config) Under(name string, text []byte, dir string) (Config, error) {
	var alone Config
	doc, err := place.Decode(name, text, &alone)
	if err != nil {
		return Config{}, err
	}
	if key := alone.identity(); key != "" {
		return Config{}, doc.ErrorAt("$."+key, key+": who a collector is stays with the collector", "remove this key")
	}
	if len(alone.Inputs) == 0 {
		return Config{}, doc.ErrorAt("$.inputs", "inputs: there is nothing to collect", "add at least one input")
	}
	local := c
	if doc, err = place.Decode(name, text, &c); err != nil {
		return Config{}, err
	}
	c.Collector, c.Municipality, c.Zone, c.Data = local.Collector, local.Municipality, local.Zone, local.Data // though the order may have emptied them
	c.Key, c.Managed, c.OrderKey = local.Key, local.Managed, local.OrderKey
	c = c.withDefaults()
	for _, p := range []*problem{c.problem(), c.Prefecture.problem()} {
		if p != nil {
			return Config{}, doc.ErrorAt(p.path, p.msg, p.hint)
		}
	}
	if dir != "" {
		c.resolve(dir)
	}
	return c, nil
}

// identity names the first key set that says who a collector is, "" for none.
func (c *Config) identity() string {
	switch {
	case c.Collector != "":
		return "collector"
	case c.Municipality != "":
		return "municipality"
	case c.Zone != "":
		return "zone"
	case c.Data != "":
		return "data"
	case c.Key != "":
		return "key"
	case c.Managed:
		return "managed"
	case c.OrderKey != "":
		return "order_key"
	}
	return ""
}

// CheckOrder checks an order's text where its collector is not at hand: at the
// prefecture, which knows its name, municipality and zone only. Paths and
// certificates are the collector's to check.
func CheckOrder(name string, text []byte, local Config) error {
	local.Prefecture = Prefecture{URLs: []string{"tls://localhost:4222"}}
	_, err := local.Under(name, text, "")
	return err
}

func validKey(public string) bool {
	_, err := bus.ParsePublic(public)
	return err == nil
}
