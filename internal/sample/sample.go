// Package sample makes log lines of imaginary towns, in the shapes that vendors
// document: for the demo, the benchmarks and the tests. The same seed gives the
// same lines. It does no I/O and never blocks.
package sample

import (
	"math/rand/v2"
	"strconv"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
)

// Kind is a kind of log.
type Kind uint8

// The kinds.
const (
	FortiGate Kind = iota // firewall, key=value
	Squid                 // proxy, native access log
	Sysmon                // endpoint, JSON as NXLog writes it
	Windows               // Windows Security and System events, same shape
	SSH                   // sshd and sudo, RFC 3164
	kinds
)

// Town is an imaginary office with three zones. Every town uses the same
// private ranges, as real towns do.
type Town struct {
	Code string // municipality code
	Host string // prefix of its host names
}

// Networks of every town, by zone.
const (
	MyNumberNet = "192.168.10.0/24"
	LGWANNet    = "10.1.0.0/16"
	InternetNet = "10.2.0.0/16"
)

// Towns lists n towns of 鳥取県.
func Towns(n int) []Town {
	var out []Town
	for _, code := range event.BuiltinMunicipalities().Codes() {
		if code[:2] == "31" && code[2:5] != "000" && len(out) < n {
			out = append(out, Town{code, "t" + code[2:5]})
		}
	}
	return out
}

// Maker makes the lines of one town. One goroutine uses it.
type Maker struct {
	town Town
	rnd  *rand.Rand
	now  time.Time
	n    uint64
	// Incidents is how often, in lines, something happens that a rule should
	// see; 0 is never.
	Incidents uint64
	queue     []queued
}

type queued struct {
	kind Kind
	make func(*Maker, []byte) []byte
}

// New makes a maker whose clock starts at start.
func New(town Town, seed uint64, start time.Time) *Maker {
	m := &Maker{town: town, rnd: rand.New(rand.NewPCG(seed, 0x6d696d616d6f7269))}
	m.SetTime(start)
	return m
}

// SetTime moves the maker's clock. Its devices write Japanese time.
func (m *Maker) SetTime(t time.Time) { m.now = t.In(calendar.JST()) }

// Append appends the next line, without line end, and tells its kind: 60 %
// FortiGate, 25 % Squid, 15 % Sysmon, and incidents in between.
func (m *Maker) Append(dst []byte) ([]byte, Kind) {
	m.n++
	if m.Incidents > 0 && m.n%m.Incidents == 0 && len(m.queue) == 0 {
		m.plan()
	}
	if len(m.queue) > 0 {
		q := m.queue[0]
		m.queue = m.queue[1:]
		return q.make(m, dst), q.kind
	}
	kind := Sysmon
	switch p := m.rnd.Uint32() % 100; {
	case p < 60:
		kind = FortiGate
	case p < 85:
		kind = Squid
	}
	return m.AppendKind(dst, kind), kind
}

// AppendKind appends an ordinary line of a kind.
func (m *Maker) AppendKind(dst []byte, kind Kind) []byte {
	m.now = m.now.Add(time.Duration(m.rnd.Uint32()%2000) * time.Microsecond)
	switch kind {
	case FortiGate:
		return m.fortigate(dst)
	case Squid:
		return m.squid(dst)
	case SSH:
		return m.ssh(dst, "Accepted publickey for backup from 10.1.0.5 port 50022 ssh2: ED25519 SHA256:Yv1mCnXb0example")
	case Windows:
		return m.signIn(dst, 4624, m.user())
	}
	return m.sysmon(dst)
}

func (m *Maker) pick(list []string) string { return list[m.rnd.Uint32()%uint32(len(list))] }
func (m *Maker) below(n uint32) uint64     { return uint64(m.rnd.Uint32() % n) }
func (m *Maker) user() string              { return m.pick(users) }

func (m *Maker) pc() uint64 { return 1 + m.below(240) }

var (
	users   = []string{"sato", "suzuki", "takahashi", "tanaka", "ito", "watanabe", "yamamoto", "nakamura", "kobayashi", "kato", "yoshida", "yamada"}
	sites   = []string{"www.example.jp", "www.example.com", "update.example.net", "cdn.example.org", "mail.example.jp", "news.example.com", "www.pref.example.jp", "static.example.net"}
	paths   = []string{"/", "/index.html", "/img/logo.png", "/api/v1/items", "/css/site.css", "/news/2026/11/22/", "/download/setup.msi", "/js/app.js"}
	apps    = []string{"HTTPS", "DNS", "HTTP", "NTP", "SMTP", "LDAP"}
	ports   = []string{"443", "53", "80", "123", "25", "389"}
	images  = []string{`C:\\Windows\\System32\\svchost.exe`, `C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE`, `C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe`, `C:\\Windows\\explorer.exe`, `C:\\Windows\\System32\\conhost.exe`}
	results = []string{"TCP_MISS/200", "TCP_HIT/200", "TCP_MISS/304", "TCP_TUNNEL/200", "TCP_DENIED/403"}
)

func num(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

// two appends a number below 100 with two digits.
func two(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

func (m *Maker) date(dst []byte, sep byte) []byte {
	y, mo, d := m.now.Date()
	dst = num(dst, uint64(y))
	dst = two(append(dst, sep), int(mo))
	return two(append(dst, sep), d)
}

func (m *Maker) clock(dst []byte) []byte {
	h, mi, s := m.now.Clock()
	dst = append(two(dst, h), ':')
	dst = append(two(dst, mi), ':')
	return two(dst, s)
}

// outside appends an address of the documentation ranges.
func (m *Maker) outside(dst []byte) []byte {
	dst = append(dst, m.pick(outsideNets)...)
	return num(dst, 1+m.below(254))
}

var outsideNets = []string{"203.0.113.", "198.51.100.", "192.0.2."}

func (m *Maker) inside(dst []byte) []byte {
	dst = append(dst, "10.2."...)
	dst = num(dst, 1+m.below(8))
	return num(append(dst, '.'), m.pc())
}
