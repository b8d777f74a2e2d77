package enrich

import (
	"strings"

	"github.com/mileusna/useragent"

	"mimamori/event"
)

// maxAgent is the longest user agent that is read, in bytes.
const maxAgent = 768

var agentFields = [...]event.Field{
	event.MustLookup("user_agent.name"), event.MustLookup("user_agent.version"),
	event.MustLookup("user_agent.os.name"), event.MustLookup("user_agent.os.version"), event.MustLookup("user_agent.os.full"),
	event.MustLookup("user_agent.device.name"),
}

// agent is what a user agent tells, in the order of agentFields; "" is nothing.
type agent [len(agentFields)]string

// agent reads the user agent.
func (s *Session) agent() {
	text := s.x.Str(fAgent)
	if len(text) < 3 || len(text) > maxAgent {
		return
	}
	a, hit := s.agentCache.at(1, text)
	if !hit {
		*a = readAgent(text)
	}
	for i, v := range a {
		addText(s.x, agentFields[i], v)
	}
}

// windowsNames are the versions of Windows by that of its kernel; Windows 11 says
// that it is 10.
var windowsNames = map[string]string{"10.0": "10", "6.3": "8.1", "6.2": "8", "6.1": "7", "6.0": "Vista", "5.2": "XP", "5.1": "XP"}

func readAgent(text string) agent {
	u := useragent.Parse(text)
	if u.Name == text && strings.ContainsAny(text, " /(") || len(u.Name) > 64 {
		u.Name = "" // nothing was found in it
	}
	if u.OS == useragent.Windows {
		if name := windowsNames[u.OSVersion]; name != "" {
			u.OSVersion = name
		}
	}
	if u.OS == useragent.Linux && u.OSVersion != "" && (u.OSVersion[0] < '0' || u.OSVersion[0] > '9') {
		u.OSVersion = "" // the kind of processor
	}
	a := agent{u.Name, u.Version, u.OS, u.OSVersion, u.OS, u.Device}
	if u.OS != "" && u.OSVersion != "" {
		a[4] = u.OS + " " + u.OSVersion
	} else {
		a[4] = ""
	}
	for i := range a {
		a[i] = strings.Clone(a[i])
	}
	return a
}
