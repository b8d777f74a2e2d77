package rules

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"mimamori/event"
)

// commonFields are fields of few distinct values: an equality on them says
// little. The figures are the share of events that one value typically takes.
var commonFields = map[string]float64{
	"event.dataset": 0.2, "event.kind": 0.9, "event.outcome": 0.5, "event.action": 0.1, "event.category": 0.3,
	"event.type": 0.3, "event.module": 0.3, "event.provider": 0.2, "network.transport": 0.5, "network.protocol": 0.2,
	"network.direction": 0.4, "zone": 0.4, "source.zone": 0.4, "destination.zone": 0.3, "municipality": 0.1,
	"collector": 0.1, "observer.vendor": 0.3, "observer.product": 0.3, "winlog.channel": 0.35,
	"winlog.event_id": 0.12, "winlog.provider_name": 0.3, "event.code": 0.12, "host.os.type": 0.6, "log.level": 0.4,
	"http.request.method": 0.4, "winlog.event_data.IntegrityLevel": 0.08, "winlog.event_data.Initiated": 0.05,
	"winlog.event_data.LogonType": 0.02, "winlog.event_data.User": 0.05,
}

// rareUnless are those of commonFields whose frequent values are known: any
// other value is rare.
var rareUnless = map[string][]string{
	"host.os.type":   {"windows", "linux"},
	"event.category": {"network", "process", "file", "session", "web", "host", "configuration", "registry"},
	"winlog.channel": {"security", "system", "application", "microsoft-windows-sysmon/operational", "microsoft-windows-powershell/operational", "windows powershell"},
	"winlog.event_id": {
		"1", "3", "5", "7", "8", "9", "10", "11", "12", "13", "22", "23", "600", "800", "4103", "4104", "4624", "4627", "4634", "4648",
		"4656", "4658", "4662", "4663", "4670", "4672", "4673", "4688", "4689", "4690", "4703", "5140", "5145", "5154", "5156", "5158", "7036",
	},
}

// rareValue is the share of a value that rareUnless does not list.
const rareValue = 0.01

// commonParts are pieces of text that many values hold.
var commonParts = strings.NewReplacer(
	`c:\`, "", `\windows\`, "", `windows`, "", `\system32\`, "", `system32`, "", `\program files`, "", `\users\`, "",
	`\appdata\`, "", `microsoft`, "", `\software\`, "", `hklm`, "", `hkcu`, "", `\currentversion\`, "", `\services\`, "",
	`.exe`, "", `.dll`, "", `http`, "", `://`, "", `.com`, "", `\temp\`, "", `local\`, "", `powershell`, "p", `svchost`, "", `kernelbase`, "", `kernel32`, "", `ntdll`, "",
	`/usr/`, "", `/bin/`, "",
)

// What searching a text costs, as a share: a rule that has another good part
// should not make every event's line be searched. longText is that of a line.
const (
	longText = 0.25
	perByte  = 0.0001
)

// rarity is the share of values that hold a text: the rarer, the longer it is,
// by letters of any script. Signs that no keyboard has are in next to none.
func rarity(text string) float64 {
	s, least := 0.4, 0.00002
	for _, r := range commonParts.Replace(text) {
		switch {
		case r < utf8.RuneSelf:
			s *= 0.65
		case r < 0x2000 || r >= 0x3000 && r <= 0xffff:
			s *= 0.1
		default:
			s, least = s*0.001, 0.000005
		}
	}
	return math.Max(least, s)
}

// share is what is known of a predicate before events are seen. Only the order
// between predicates matters: it decides which part of a rule goes to the index.
func share(p predicate) float64 { return estimate(p) + effort(p) }

// effort is what asking costs, as a share.
func effort(p predicate) float64 {
	if name := p.field.Name(); p.kind == predLiteral && (name == "message" || name == "event.original") {
		return longText
	}
	return 0
}

// estimate guesses which part of events a predicate lets pass.
func estimate(p predicate) float64 {
	common, isCommon := commonFields[p.field.Name()]
	switch p.kind {
	case predEqual:
		if values, ok := rareUnless[p.field.Name()]; ok && !slices.Contains(values, p.text) {
			return rareValue
		}
		if isCommon {
			return common
		}
		return math.Max(0.0005, 0.03*math.Pow(0.8, float64(len(commonParts.Replace(p.text)))))
	case predNumber:
		if isCommon {
			return common
		}
		if p.field.Type() == event.Boolean {
			return 0.3
		}
		return 0.01
	case predLiteral:
		s := rarity(p.text)
		if p.left || p.right {
			s *= 0.6
		}
		if isCommon {
			s = math.Max(s, common)
		}
		return s
	case predNetwork:
		if p.network.Addr().IsPrivate() {
			return 0.4
		}
		return math.Max(0.001, math.Pow(2, -float64(p.network.Bits())/3))
	}
	if isCommon {
		return 0.95
	}
	return 0.4
}
