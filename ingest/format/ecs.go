package format

import "mimamori/event"

// The values that ECS 8.17 allows in its categorisation fields
// (https://www.elastic.co/docs/reference/ecs/ecs-category-field-values-reference).
var ecsAllowed = map[string]map[string]bool{
	"event.kind": words("alert", "asset", "enrichment", "event", "metric", "state", "pipeline_error", "signal"),
	"event.category": words("api", "authentication", "configuration", "database", "driver", "email", "file", "host", "iam",
		"intrusion_detection", "library", "malware", "network", "package", "process", "registry", "session", "threat",
		"vulnerability", "web"),
	"event.type": words("access", "admin", "allowed", "change", "connection", "creation", "deletion", "denied", "device",
		"end", "error", "group", "indicator", "info", "installation", "protocol", "start", "user"),
	"event.outcome": words("failure", "success", "unknown"),
}

func words(list ...string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, w := range list {
		m[w] = true
	}
	return m
}

// builtinTables can be named in `table:` without being written out.
var builtinTables = map[string]map[string]string{
	// https://www.iana.org/assignments/protocol-numbers, in the spelling of ECS
	"ip-protocol": {
		"1": "icmp", "2": "igmp", "4": "ipip", "6": "tcp", "17": "udp", "41": "ipv6", "47": "gre", "50": "esp", "51": "ah",
		"58": "ipv6-icmp", "88": "eigrp", "89": "ospf", "103": "pim", "112": "vrrp", "115": "l2tp", "132": "sctp",
	},
	// RFC 5424, section 6.2.1
	"syslog-severity": {"0": "emergency", "1": "alert", "2": "critical", "3": "error", "4": "warning", "5": "notice", "6": "informational", "7": "debug"},
}

// allowed checks a value of a categorisation field; other fields take anything.
func (n node) allowed(field, value string) *Error {
	if m := ecsAllowed[field]; m != nil && !m[value] {
		return n.fail("ECS does not allow %q in %s", value, field)
	}
	return nil
}

// constant reads the value of a field as a format file gives it.
func (n node) constant(f event.Field) (event.Value, *Error) {
	list, err := n.texts()
	if err != nil {
		return event.Value{}, err
	}
	for i, it := range n.items() {
		if err := it.allowed(f.Name(), list[i]); err != nil {
			return event.Value{}, err
		}
	}
	if f.Type() == event.List {
		return event.Strings(list), nil
	}
	if n.isList() {
		return event.Value{}, n.fail("%s takes one value, not a list", f.Name())
	}
	if f.Type() == event.Keyword {
		return event.String(list[0]), nil
	}
	v, ok := event.ParseAs(f.Type(), list[0])
	if !ok {
		return event.Value{}, n.fail("%s is of type %s, which %q is not", f.Name(), f.Type(), list[0])
	}
	return v, nil
}
