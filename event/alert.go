package event

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// Severity of a rule and its alerts, from least to most urgent.
type Severity uint8

// The severities.
const (
	Info Severity = iota
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"info", "low", "medium", "high", "critical"}

// String returns the severity's name in rule files: info, low, medium, high or critical.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return "severity(" + strconv.Itoa(int(s)) + ")"
}

// ParseSeverity reads a severity's name.
func ParseSeverity(s string) (Severity, bool) {
	for i, n := range severityNames {
		if n == s {
			return Severity(i), true
		}
	}
	return 0, false
}

// Localized is what a person reads, in Japanese and in English.
type Localized struct {
	JA string `json:"ja" yaml:"ja"`
	EN string `json:"en" yaml:"en"`
}

// Steps are first-response steps (初動対応), one sentence each, in order.
type Steps struct {
	JA []string `json:"ja" yaml:"ja"`
	EN []string `json:"en" yaml:"en"`
}

// Alert is one finding of one rule. Its ID depends only on what fired (rule,
// version, municipality, group key, window start), so that the same finding is
// the same alert, seen once, again after a crash, or on another machine.
type Alert struct {
	ID           string
	Rule         string // rule id
	Version      string // hash of the rule's text
	Title        Localized
	Explain      Localized
	Respond      Steps
	Severity     Severity
	Attack       []string // MITRE ATT&CK technique ids
	Test         bool     // the rule is on trial: counted, nobody is told
	Municipality string   // 6-digit code; "" when the finding spans several
	Zone         string
	Key          string    // group key, readable: "source.ip=10.1.2.3 user.name=sato"
	Start, End   time.Time // event time of the first and last event
	Count        int       // events that made it fire
	Events       []Evidence
}

// Evidence is one event frozen into an alert.
type Evidence struct {
	Ref  Ref
	JSON []byte // the event as AppendJSON wrote it; none where it is only named, and has to be looked up
}

// AlertID derives an alert's identity.
func AlertID(rule, version, municipality, key string, start time.Time) string {
	h := sha256.New()
	for _, s := range []string{rule, version, municipality, key, strconv.FormatInt(start.UnixNano(), 10)} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}
