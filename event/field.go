package event

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// MaxFields bounds the registry: ECS fields and interned vendor fields
// together. A hostile device that invents keys meets this bound, not the
// memory of the machine.
const MaxFields = 4096

// Type says what a field's values are.
type Type uint8

// The types of fields. List fields hold zero or more strings.
const (
	Keyword Type = iota // exact string
	Text                // prose, searched by words
	Long                // 64-bit signed integer
	Double              // 64-bit float
	Boolean             // true or false
	IP                  // IPv4 or IPv6 address in canonical text
	Date                // nanoseconds since 1970-01-01T00:00:00Z
	List                // strings in order, as event.category
)

var typeNames = [...]string{"keyword", "text", "long", "double", "boolean", "ip", "date", "list"}

// String returns the type's name as the field registry spells it.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("type(%d)", t)
}

// Field identifies one field of the registry. Its number is stable within a
// process only: whatever is written to disk names fields by Name.
type Field uint16

//go:embed fields.tsv
var fieldsTSV string

type fieldInfo struct {
	name string
	typ  Type
}

// registry is copy-on-write: readers on the hot path take no lock.
type registry struct {
	mu     sync.Mutex
	byName atomic.Pointer[map[string]Field]
	infos  atomic.Pointer[[]fieldInfo]
	known  int // ECS and Mimamori fields; what follows was interned
}

var fields = loadRegistry()

func loadRegistry() *registry {
	r := &registry{}
	byName, infos := map[string]Field{}, []fieldInfo{}
	for line := range strings.Lines(fieldsTSV) {
		name, typ, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		t := slices.Index(typeNames[:], typ)
		if _, twice := byName[name]; twice || t < 0 {
			panic("event: fields.tsv: " + line)
		}
		byName[name] = Field(len(infos))
		infos = append(infos, fieldInfo{name, Type(t)})
	}
	r.byName.Store(&byName)
	r.infos.Store(&infos)
	r.known = len(infos)
	return r
}

// Lookup finds a field by its dotted name, ECS or interned.
func Lookup(name string) (Field, bool) {
	f, ok := (*fields.byName.Load())[name]
	return f, ok
}

// MustLookup is Lookup for names that are constants of the program. It panics
// when the registry does not know the name.
func MustLookup(name string) Field {
	f, ok := Lookup(name)
	if !ok {
		panic("event: no field " + name)
	}
	return f
}

// Intern finds or adds a vendor field such as "fortinet.fortigate.vd" with
// keyword type. It answers false when the registry is full (MaxFields) or the
// name is no dotted name; the caller counts that and keeps the original line.
func Intern(name string) (Field, bool) {
	if f, ok := Lookup(name); ok {
		return f, true
	}
	if !validName(name) {
		return 0, false
	}
	r := fields
	r.mu.Lock()
	defer r.mu.Unlock()
	byName, infos := *r.byName.Load(), *r.infos.Load()
	if f, ok := byName[name]; ok {
		return f, true
	}
	if len(infos) >= MaxFields {
		return 0, false
	}
	name = strings.Clone(name)
	next := make(map[string]Field, len(byName)+1)
	maps.Copy(next, byName)
	f := Field(len(infos))
	next[name] = f
	// Readers hold slices no longer than their own snapshot, so that growing
	// the shared backing array behind them is safe.
	grown := append(infos, fieldInfo{name, Keyword}) //nolint:gocritic // on purpose: see above
	r.infos.Store(&grown)
	r.byName.Store(&next)
	return f, true
}

// Room tells how many more vendor fields Intern would take.
func Room() int { return MaxFields - len(*fields.infos.Load()) }

func validName(name string) bool {
	if name == "" || len(name) > 128 || name[0] == '.' || name[len(name)-1] == '.' || strings.Contains(name, "..") {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !(c == '.' || c == '_' || c == '-' || c == '@' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80) {
			return false
		}
	}
	return true
}

// Name returns the field's dotted name.
func (f Field) Name() string { return (*fields.infos.Load())[f].name }

// Type returns the type of the field's values.
func (f Field) Type() Type { return (*fields.infos.Load())[f].typ }

// Known tells whether the field belongs to the registry proper (ECS or
// Mimamori's own) and was not interned for a vendor.
func (f Field) Known() bool { return int(f) < fields.known }

// Fields lists every field of the registry proper, in registry order.
func Fields() []Field {
	all := make([]Field, fields.known)
	for i := range all {
		all[i] = Field(i)
	}
	return all
}

// Nearest returns the known field name with the smallest edit distance to
// name, for hints in error messages; "" when nothing is near.
func Nearest(name string) string {
	best, bestDist := "", len(name)/4+2
	for _, info := range (*fields.infos.Load())[:fields.known] {
		if d := distance(name, info.name, bestDist); d < bestDist {
			best, bestDist = info.name, d
		}
	}
	return best
}

// distance is the Levenshtein distance of a and b, or limit when it is larger.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	prev, cur := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		cur[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j]+cost, prev[j+1]+1, cur[j]+1)
		}
		prev, cur = cur, prev
	}
	return min(prev[len(b)], limit)
}
