package ingest

import (
	"runtime/debug"

	"mimamori/event"
	"mimamori/ingest/clocks"
	"mimamori/ingest/device"
	"mimamori/ingest/drift"
	"mimamori/ingest/format"
)

// Fields of an event's times. @timestamp is the time to go by: what the line
// claims unless time.claimed is there too.
var (
	fTimestamp = event.MustLookup("@timestamp")
	fClaimed   = event.MustLookup("time.claimed")
	fSkew      = event.MustLookup("time.skew")
	fRepair    = event.MustLookup("time.repair")
	fDataset   = event.MustLookup("event.dataset")
)

const tagRepaired = "time-repaired"

// settled is an alert that is over.
type settled struct {
	id   string
	note event.Localized
}

// truth judges the times of a frame's events, repairs those that are proved
// wrong, and watches what the devices send. What it knows is of the events
// before it in the stream's order, and part of the checkpoint.
func (p *Pipeline) truth(j *frameJob) {
	ingested := j.msg.Time.UnixNano()
	from := drift.Origin{Municipality: j.frame.Municipality, Zone: j.frame.Zone}
	tell := func(c drift.Change) {
		if c.Over {
			p.group.over = append(p.group.over, settled{c.Alert.ID, c.Note})
			return
		}
		p.group.alerts = append(p.group.alerts, c.Alert)
		p.cfg.Log.Warn("a device's log has changed", "what", c.Alert.Key, "how", c.Alert.Explain.EN)
	}
	for i := range j.batch.Events {
		e := &j.batch.Events[i]
		received, _ := e.Get(fReceived)
		from.Device, from.Sender = p.namer.Name(e), p.namer.Sender(e)
		from.At = min(received.Int(), ingested) / 1e9
		if c := j.claims[i]; c.Clock != format.NoClock {
			p.judge(j, i, from.Device, clocks.Line{Claimed: c.At, Received: received.Int(), Ingested: ingested})
		}
		p.drift.Observe(&j.batch.Events[i], &from, tell)
	}
}

// judge decides on the time of one event, and says so on it.
func (p *Pipeline) judge(j *frameJob, i int, name string, l clocks.Line) {
	e := &j.batch.Events[i]
	k := device.Key{Collector: e.Collector, Source: e.Source, Device: name, Dataset: e.Str(fDataset), Bare: j.claims[i].Clock == format.Bare}
	v := p.clocks.Judge(k, j.frame.Municipality, l)
	if v.Note != "" {
		p.cfg.Log.Info("clock of a device", "municipality", j.frame.Municipality, "collector", k.Collector, "source", k.Source, "device", k.Device, "dataset", k.Dataset, "what", v.Note)
	}
	if !v.Repaired && v.Skew == 0 {
		return
	}
	x := &p.spare
	x.Load(e)
	if v.Repaired {
		x.Set(fTimestamp, event.Time(v.At))
		x.Set(fClaimed, event.Time(l.Claimed))
		x.Set(fRepair, event.String(v.Why))
		x.Add(fTags, tagRepaired)
	}
	if v.Skew != 0 {
		x.Set(fSkew, event.Int(v.Skew))
	}
	j.batch.Replace(i, x)
}

// revision is the version of the program, "" where it was not noted.
func revision() string {
	info, _ := debug.ReadBuildInfo()
	if info != nil {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return ""
}
