package ingest

import (
	"log/slog"
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
		from.Device, from.Sender = p.times.namer.Name(e), p.times.namer.Sender(e)
		from.At = min(received.Int(), j.msg.Time.UnixNano()) / 1e9
		p.times.judge(j, i, from.Device)
		p.drift.Observe(&j.batch.Events[i], &from, tell)
	}
}

// times judges what events claim of their times, when they come and when they
// are replayed.
type times struct {
	namer  *device.Namer
	clocks *clocks.Clocks
	spare  event.Builder // of events whose times are repaired
	log    *slog.Logger
}

func newTimes(log *slog.Logger) times {
	return times{namer: device.NewNamer(), clocks: clocks.New(), log: log}
}

// judge decides on the time of one event of a device, and says so on it.
func (t *times) judge(j *frameJob, i int, name string) {
	claim := j.claims[i]
	if claim.Clock == format.NoClock {
		return
	}
	e := &j.batch.Events[i]
	received, _ := e.Get(fReceived)
	k := device.Key{Collector: e.Collector, Source: e.Source, Device: name, Dataset: e.Str(fDataset), Bare: claim.Clock == format.Bare}
	v := t.clocks.Judge(k, j.frame.Municipality, clocks.Line{Claimed: claim.At, Received: received.Int(), Ingested: j.msg.Time.UnixNano()})
	if v.Note != "" {
		t.log.Info("clock of a device", "municipality", j.frame.Municipality, "collector", k.Collector, "source", k.Source, "device", k.Device, "dataset", k.Dataset, "what", v.Note)
	}
	if !v.Repaired && v.Skew == 0 {
		return
	}
	x := &t.spare
	x.Load(e)
	if v.Repaired {
		x.Set(fTimestamp, event.Time(v.At))
		x.Set(fClaimed, event.Time(claim.At))
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
