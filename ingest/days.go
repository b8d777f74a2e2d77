package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mimamori/frame"
)

const (
	daysDir    = "days"
	dayLayout  = "2006-01-02"
	daysOpen   = 48 // days kept in memory; the least lately used go first
	maxParts   = 8  // days of one frame; what is beyond counts for the last of them
	maxReasons = 32 // different reasons of one row; more are counted together
	moreReason = "other reasons"
)

// DayRow is what became of one source's records of one day, by the day on which
// the collector received them. A gap counts for the day of its first record.
type DayRow struct {
	Municipality, Collector, Source, Zone string
	frame.Counts
	Reasons map[string]uint64 `json:",omitempty"` // of Dropped
	First   int64             // receive time of the oldest record, Unix microseconds
	Last    int64             // of the newest
}

// Received is how many records arrived.
func (r *DayRow) Received() uint64 { return r.Stored + r.Dropped }

// Day is the account of one day.
type Day struct {
	Day      string // 2026-11-22
	Position uint64 // frames of the stream up to here are counted
	Stream   uint64 // which stream: it goes up when the stream is replaced
	Rows     []*DayRow

	dirty bool
	used  time.Time
	index map[rowKey]*DayRow
}

type rowKey struct{ municipality, collector, source, zone string }

// days is the account by day: one file each, written before the checkpoint. A
// frame that is evaluated again after a crash is known by its position.
type days struct {
	dir    string
	zone   *time.Location
	open   map[string]*Day
	stream uint64
}

func openDays(dir string, zone *time.Location) (*days, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("ingest: days: %w", err)
	}
	if zone == nil {
		zone = time.UTC
	}
	return &days{dir: dir, zone: zone, open: map[string]*Day{}}, nil
}

// part is the share of a frame that was received on one day.
type part struct {
	day        string
	start, end int64 // of the day, Unix microseconds
	counts     frame.Counts
	reasons    map[string]uint64
}

// newPart begins a share for the day of a moment.
func newPart(at int64, zone *time.Location) part {
	t := time.UnixMicro(at).In(zone)
	start := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone)
	return part{day: t.Format(dayLayout), start: start.UnixMicro(), end: start.AddDate(0, 0, 1).UnixMicro()}
}

func (p *part) drop(reason string, n uint64) {
	p.counts.Dropped += n
	if p.reasons == nil {
		p.reasons = map[string]uint64{}
	}
	addReason(p.reasons, reason, n)
}

func addReason(m map[string]uint64, reason string, n uint64) {
	reason = strings.TrimPrefix(reason, "mimamori: dropped: ")
	if _, ok := m[reason]; !ok && len(m) >= maxReasons || len(reason) > 200 {
		reason = moreReason
	}
	m[reason] += n
}

// add counts a frame's parts, each once.
func (d *days) add(position uint64, f *frame.Frame, parts []part, now time.Time) error {
	var errs []error
	for i := range parts {
		p := &parts[i]
		day, err := d.get(p.day, now)
		if err != nil {
			errs = append(errs, err)
		}
		if position <= day.Position && day.Stream == d.stream {
			continue
		}
		day.dirty, day.used = true, now
		row := day.row(rowKey{f.Municipality, f.Collector, f.Source, f.Zone})
		row.Counts = row.Plus(p.counts)
		if len(p.reasons) > 0 && row.Reasons == nil {
			row.Reasons = map[string]uint64{}
		}
		for reason, n := range p.reasons {
			addReason(row.Reasons, reason, n)
		}
		from, to := max(f.From, p.start), min(f.To, p.end-1)
		if row.First == 0 || from < row.First {
			row.First = from
		}
		row.Last = max(row.Last, to)
	}
	return errors.Join(errs...)
}

func (d *Day) row(k rowKey) *DayRow {
	if d.index == nil {
		d.index = map[rowKey]*DayRow{}
		for _, r := range d.Rows {
			d.index[rowKey{r.Municipality, r.Collector, r.Source, r.Zone}] = r
		}
	}
	r := d.index[k]
	if r == nil {
		r = &DayRow{Municipality: k.municipality, Collector: k.collector, Source: k.source, Zone: k.zone}
		d.index[k], d.Rows = r, append(d.Rows, r)
	}
	return r
}

// get opens a day. One that cannot be read is set aside and begins anew, which
// the error says.
func (d *days) get(name string, now time.Time) (*Day, error) {
	if day := d.open[name]; day != nil {
		return day, nil
	}
	for len(d.open) >= daysOpen {
		oldest := ""
		for n, day := range d.open {
			if !day.dirty && (oldest == "" || day.used.Before(d.open[oldest].used)) {
				oldest = n
			}
		}
		if oldest == "" {
			break // all are dirty: the next commit writes them
		}
		delete(d.open, oldest)
	}
	path := filepath.Join(d.dir, name+".json")
	day, err := readDay(path)
	if err != nil {
		err = errors.Join(fmt.Errorf("ingest: the account of %s can't be read and was set aside; it begins anew: %w", name, err), os.Rename(path, path+".bad"))
	}
	if day == nil {
		day = &Day{Day: name}
	}
	day.used = now
	d.open[name] = day
	return day, err
}

func readDay(path string) (*Day, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // none yet
	}
	if err != nil {
		return nil, fmt.Errorf("ingest: day: %w", err)
	}
	day := &Day{}
	if err := json.Unmarshal(b, day); err != nil {
		return nil, fmt.Errorf("ingest: day %s: %w", path, err)
	}
	return day, nil
}

// changed takes the files that must be written for a position, by path.
func (d *days) changed(position uint64) (map[string][]byte, error) {
	out := map[string][]byte{}
	for name, day := range d.open {
		if !day.dirty {
			continue
		}
		day.Position, day.Stream = position, d.stream
		b, err := json.Marshal(day)
		if err != nil {
			return nil, fmt.Errorf("ingest: day %s: %w", name, err)
		}
		out[filepath.Join(d.dir, name+".json")] = b
		day.dirty = false
	}
	return out, nil
}

// ReadDays reads the accounts from one day to another, both included and in
// order, of a pipeline's folder, whether or not the pipeline runs. "" is no
// bound.
func ReadDays(dir, from, to string) ([]*Day, error) {
	names, err := filepath.Glob(filepath.Join(dir, daysDir, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("ingest: days: %w", err)
	}
	slices.Sort(names)
	var out []*Day
	for _, path := range names {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		if name < from || to != "" && name > to {
			continue
		}
		day, err := readDay(path)
		if err != nil {
			return nil, err
		}
		out = append(out, day)
	}
	return out, nil
}
