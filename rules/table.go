package rules

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"mimamori/event"
)

// entry is one event in a group's window.
type entry struct {
	at    int64
	step  int32  // sequence
	value string // distinct
}

// group is the state of one group key. It is either gathering (entries) or
// fired: then it swallows events until none has come for the window's length.
type group struct {
	key        string // encoded values of the by fields
	town       string // municipality of the first event
	mixed      bool   // of several municipalities
	fired      bool
	last       int64 // newest event time; for suppress the first event's
	entries    []entry
	kept       []keptEvent
	prev, next *group
}

type keptEvent struct {
	at int64
	event.Evidence
}

// evidenceBudget bounds the bytes of event text a rule holds for groups that
// have not fired. Beyond it only references are kept.
const evidenceBudget = 32 << 20

// table holds a rule's groups, least recently used first to go.
type table struct {
	by      []event.Field
	within  int64
	limit   int
	groups  map[string]*group
	lru     group            // ring; lru.next is the most recent
	newest  map[string]int64 // newest event time by municipality
	bytes   int              // of evidence text
	late    uint64
	evicted uint64
	scratch []byte
}

func newTable(by []event.Field, within int64, limit int) *table {
	t := &table{by: by, within: within, limit: limit, groups: map[string]*group{}, newest: map[string]int64{}}
	t.lru.prev, t.lru.next = &t.lru, &t.lru
	return t
}

// get finds or makes the group of an event, as the most recently used, and
// drops what is too old or too much.
func (t *table) get(ev *event.Event, town string, at int64) *group {
	t.scratch = t.encode(t.scratch[:0], ev)
	g := t.groups[string(t.scratch)]
	if g == nil {
		g = &group{key: string(t.scratch), town: strings.Clone(town)}
		t.groups[g.key] = g
	} else {
		g.prev.next, g.next.prev = g.next, g.prev
	}
	g.next, g.prev = t.lru.next, &t.lru
	g.next.prev, t.lru.next = g, g
	if n, ok := t.newest[g.town]; !ok || at > n {
		t.newest[g.town] = at
	}
	for old := t.lru.prev; old != g && old.last+2*t.within < t.newest[old.town]; old = t.lru.prev {
		t.remove(old)
	}
	if len(t.groups) > t.limit {
		t.evicted++
		t.remove(t.lru.prev)
	}
	return g
}

func (t *table) remove(g *group) {
	t.clear(g)
	g.prev.next, g.next.prev = g.next, g.prev
	delete(t.groups, g.key)
}

// clear forgets what a group has gathered.
func (t *table) clear(g *group) {
	for _, k := range g.kept {
		t.bytes -= len(k.JSON)
	}
	g.entries, g.kept, g.fired, g.mixed = nil, nil, false, false
}

// prune drops what is older than the window.
func (t *table) prune(g *group, oldest int64) {
	n := 0
	for n < len(g.entries) && g.entries[n].at < oldest {
		n++
	}
	g.entries = slices.Delete(g.entries, 0, n)
	g.kept = slices.DeleteFunc(g.kept, func(k keptEvent) bool {
		if k.at < oldest {
			t.bytes -= len(k.JSON)
			return true
		}
		return false
	})
}

// keep freezes an event as evidence; the newest maxEvidence stay.
func (t *table) keep(g *group, ev *event.Event, at int64) {
	k := keptEvent{at: at, Evidence: event.Evidence{Ref: cloneRef(ev.Ref)}}
	if t.bytes < evidenceBudget {
		k.Evidence = freeze(ev)
		t.bytes += len(k.JSON)
	}
	if len(g.kept) >= maxEvidence {
		t.bytes -= len(g.kept[0].JSON)
		g.kept = slices.Delete(g.kept, 0, 1)
	}
	g.kept = append(g.kept, k)
}

func (t *table) evidence(g *group) []event.Evidence {
	slices.SortStableFunc(g.kept, func(a, b keptEvent) int { return cmp.Compare(a.at, b.at) })
	out := make([]event.Evidence, len(g.kept))
	for i, k := range g.kept {
		out[i] = k.Evidence
	}
	return out
}

// encode appends the group key of an event: for each field 0 when it is
// missing, else the length of its text plus one, and the text.
func (t *table) encode(dst []byte, ev *event.Event) []byte {
	for _, f := range t.by {
		v, ok := ev.Get(f)
		if !ok {
			dst = append(dst, 0)
			continue
		}
		s := clip(v.Text())
		dst = binary.AppendUvarint(dst, uint64(len(s))+1)
		dst = append(dst, s...)
	}
	return dst
}

// readable writes a group key for people: "source.ip=10.1.2.3 user.name=sato".
// The municipality has its own place in an alert and is left out.
func (t *table) readable(key string) string {
	var b strings.Builder
	rest := []byte(key)
	for _, f := range t.by {
		n, size := binary.Uvarint(rest)
		if size <= 0 || n > uint64(len(rest)-size)+1 {
			break
		}
		rest = rest[size:]
		if n == 0 {
			continue
		}
		s := string(rest[:n-1])
		rest = rest[n-1:]
		if f == fieldMunicipality {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		if strings.ContainsAny(s, " \"=") {
			s = strconv.Quote(s)
		}
		b.WriteString(f.Name() + "=" + s)
	}
	return b.String()
}

// maxKeyText bounds one value of a group key. A longer one is cut and told
// apart by a hash of the whole.
const maxKeyText = 200

func clip(s string) string {
	if len(s) <= maxKeyText {
		return s
	}
	h := sha256.Sum256([]byte(s))
	cut := maxKeyText - 40
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…" + hex.EncodeToString(h[:12])
}

func refKey(r event.Ref) string {
	return "event=" + r.Collector + "/" + r.Source + "/" + strconv.FormatUint(r.Epoch, 10) + "/" + strconv.FormatUint(r.Seq, 10)
}
