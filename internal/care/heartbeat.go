package care

import "time"

// Heartbeat is a collector's account of itself, sent twice a minute. Counters
// go up from the moment the process began, so that a lost heartbeat costs
// nothing; sequences go on over restarts.
type Heartbeat struct {
	Collector    string    `json:"collector"`
	Municipality string    `json:"municipality"`
	Version      string    `json:"version"`
	Platform     string    `json:"platform"` // linux/amd64
	Started      time.Time `json:"started"`
	Sent         time.Time `json:"sent"`            // by the collector's clock
	Offset       float64   `json:"offset_seconds"`  // collector's clock minus the prefecture's, as the last answer showed; 0 before
	Config       uint64    `json:"config"`          // version of the order it runs, 0 for a local file
	Tried        uint64    `json:"tried,omitempty"` // version that was tried and given up, 0 for none
	Trouble      string    `json:"trouble,omitempty"`

	Spool        Spool         `json:"spool"`
	Certificates []Certificate `json:"certificates,omitempty"`
	Sources      []Source      `json:"sources"`
}

// Spool is what waits for the prefecture.
type Spool struct {
	Frames   uint64    `json:"frames"`
	Bytes    uint64    `json:"bytes"`
	MaxBytes uint64    `json:"max_bytes"`
	Oldest   time.Time `json:"oldest,omitzero"` // receive time of the oldest line that waits
	Full     bool      `json:"full,omitempty"`
}

// Certificate is one that the collector shows or trusts.
type Certificate struct {
	What     string    `json:"what"` // key of the configuration, such as "prefecture.ca"
	Subject  string    `json:"subject"`
	NotAfter time.Time `json:"not_after"`
}

// Source is the account of one source.
type Source struct {
	Source    string            `json:"source"`
	Kind      string            `json:"kind"` // syslog-udp, file, …
	Zone      string            `json:"zone"`
	Epoch     uint64            `json:"epoch"`
	Last      uint64            `json:"last"` // newest sequence on disk in the spool
	Lines     uint64            `json:"lines"`
	Bytes     uint64            `json:"bytes"`
	Dropped   map[string]uint64 `json:"dropped,omitempty"` // by reason
	Masked    map[string]uint64 `json:"masked,omitempty"`  // by what was masked
	Truncated uint64            `json:"truncated,omitempty"`
	Refused   uint64            `json:"refused,omitempty"` // connections and requests
	LastLine  time.Time         `json:"last_line,omitzero"`
	Trouble   string            `json:"trouble,omitempty"` // newest error of this source
}

// Answer is what the prefecture says to a heartbeat.
type Answer struct {
	Now   time.Time `json:"now"`             // by the prefecture's clock
	Order []byte    `json:"order,omitempty"` // a newer order for this collector, see Order
}
