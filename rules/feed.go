package rules

import (
	"slices"

	"mimamori/event"
)

// AlertDataset is the dataset of the events that alerts are to rules on alerts:
// rule.id, event.severity (0 info to 4 critical), log.level with its name,
// threat.technique.id, municipality, zone, and of the newest event what carried
// says. Alerts of rules in test are none, nor are those of rules on alerts.
const AlertDataset = "mimamori.alert"

// onAlerts tells whether a rule is about alerts, and not about events.
func (r *Rule) onAlerts() bool { return slices.Contains(r.Datasets, AlertDataset) }

// feed shows alerts to the rules on alerts.
type feed struct {
	builder event.Builder
	batch   event.Batch
	above   map[string]bool // rules on alerts, whose alerts are not shown
	carried []event.Field   // fields that are taken over from an alert's newest event
	id      struct{ kind, dataset, rule, severity, level, technique event.Field }
}

func newFeed() *feed {
	f := &feed{above: map[string]bool{}}
	for _, name := range [...]string{
		"host.name", "host.ip", "source.ip", "destination.ip", "destination.domain", "user.name", "process.name", "process.executable",
		"file.path", "file.hash.sha256", "observer.name", "source.zone", "destination.zone",
	} {
		f.carried = append(f.carried, event.MustLookup(name))
	}
	f.id.kind, f.id.dataset, f.id.rule = event.MustLookup("event.kind"), fieldDataset, event.MustLookup("rule.id")
	f.id.severity, f.id.level = event.MustLookup("event.severity"), event.MustLookup("log.level")
	f.id.technique = event.MustLookup("threat.technique.id")
	return f
}

// event makes an event of an alert.
func (f *feed) event(a *event.Alert, now int64) *event.Event {
	x := &f.builder
	x.Reset()
	if n := len(a.Events); n > 0 && x.Decode(a.Events[n-1].JSON) == nil {
		f.batch.Reset()
		was := f.batch.Append(x, event.Ref{})
		x.Reset()
		for _, field := range f.carried {
			if v, ok := was.Get(field); ok {
				x.Set(field, v.Clone())
			}
		}
	}
	for field, text := range map[event.Field]string{
		f.id.kind: "alert", f.id.dataset: AlertDataset, f.id.rule: a.Rule, f.id.level: a.Severity.String(), fieldMunicipality: a.Municipality, fieldZone: a.Zone,
	} {
		if text != "" {
			x.Set(field, event.String(text))
		}
	}
	x.Add(f.id.technique, a.Attack...)
	x.Set(f.id.severity, event.Int(int64(a.Severity)))
	x.Set(fieldTime, event.Time(a.End.UnixNano()))
	x.Set(fieldIngested, event.Time(now))
	f.batch.Reset()
	return f.batch.Append(x, event.Ref{Collector: "mimamori", Source: a.Rule, Seq: hashText(a.ID)})
}
