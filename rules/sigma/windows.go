package sigma

import (
	"fmt"
	"strings"

	"mimamori/event"
)

// Flatten turns a Windows event in JSON, as <Event> nested or as flat names,
// into fields as our Windows format has them.
func Flatten(e map[string]any) map[string]any {
	out := map[string]any{}
	set := func(name string, v any) {
		name = strings.ReplaceAll(name, " ", "")
		if _, again := out[name]; again || v == nil {
			return
		}
		if _, ok := event.Intern(name); !ok {
			return // no name that an event could have
		}
		if n, ok := v.(float64); ok {
			v, _ = scalar(n)
		}
		out[name] = fmt.Sprint(v)
	}
	if system, nested := e["System"].(map[string]any); nested {
		systemFields(system, set)
		for _, part := range []string{"EventData", "UserData"} {
			leaves(e[part], set)
		}
		return out
	}
	for k, v := range e {
		if name, ok := flatNames[k]; ok {
			set(name, v)
		} else if _, deep := v.(map[string]any); !deep {
			set("winlog.event_data."+k, v)
		}
	}
	return out
}

var flatNames = map[string]string{
	"EventID": "winlog.event_id", "Channel": "winlog.channel", "SourceName": "winlog.provider_name", "Provider_Name": "winlog.provider_name",
	"Hostname": "winlog.computer_name", "Computer": "winlog.computer_name", "Message": "message",
}

func systemFields(system map[string]any, set func(string, any)) {
	for k, v := range system {
		m, _ := v.(map[string]any)
		attrs, _ := m["#attributes"].(map[string]any)
		switch k {
		case "EventID":
			if m != nil {
				v = m["#text"]
			}
			set("winlog.event_id", v)
		case "Channel":
			set("winlog.channel", v)
		case "Computer":
			set("winlog.computer_name", v)
		case "Level":
			set("winlog.level", v)
		case "Keywords":
			set("winlog.keywords", v)
		case "Provider":
			set("winlog.provider_name", attrs["Name"])
		}
	}
}

func leaves(v any, set func(string, any)) {
	m, _ := v.(map[string]any)
	for k, v := range m {
		switch v := v.(type) {
		case map[string]any:
			text, ok := v["#text"]
			if !ok {
				leaves(v, set)
				continue
			}
			if list, ok := text.([]any); ok {
				parts := make([]string, len(list))
				for i, p := range list {
					parts[i] = fmt.Sprint(p)
				}
				text = strings.Join(parts, "\n")
			}
			set("winlog.event_data."+k, text)
		default:
			if !strings.HasPrefix(k, "#") {
				set("winlog.event_data."+k, v)
			}
		}
	}
}
