package archive

import (
	"cmp"
	"slices"

	"mimamori/frame"
)

// Kind is what was done to an archive.
type Kind string

// The kinds.
const (
	Edited    Kind = "edited"
	Reordered Kind = "reordered"
	Inserted  Kind = "inserted"
	Deleted   Kind = "deleted" // out of a file
	Truncated Kind = "truncated"
	Replayed  Kind = "replayed" // something genuine stands where it does not belong, or twice
	Missing   Kind = "missing"  // a file, or a whole day
	Resigned  Kind = "resigned" // signed by another key
	Unsound   Kind = "unsound"  // found with keys: a frame that does not fit its record, its signature or its chain
)

// Finding is one thing that is wrong, and where.
type Finding struct {
	Kind   Kind   `json:"kind"`
	File   string `json:"file"`             // below the archive's folder
	Frame  uint64 `json:"frame,omitempty"`  // from 1, as the file should be; 0: not of one frame
	Offset int64  `json:"offset,omitempty"` // byte in the file as it is
	Text   string `json:"text"`
}

// Sequence is what an archive holds of one sequence.
type Sequence struct {
	Municipality string        `json:"municipality"`
	Collector    string        `json:"collector"`
	Source       string        `json:"source"`
	Epoch        uint64        `json:"epoch"`
	Records      uint64        `json:"records"`
	Missing      []frame.Range `json:"missing,omitempty"`  // numbers that never came
	GivenUp      []frame.Range `json:"given_up,omitempty"` // that the collector says it lost
}

// maxFindings bounds a report; the count goes on.
const maxFindings = 10_000

// Report is what a verification found. Integrity is Findings: none means that
// nothing was changed since it was signed. Completeness is Sequences: what
// never came, or came before there was an archive, is missing there.
type Report struct {
	Findings  []Finding           `json:"findings"`
	More      int                 `json:"more_findings,omitempty"`
	Key       string              `json:"key"`                // that signed, in hex
	Anchor    string              `json:"anchor,omitempty"`   // when the anchor was made, "" without one
	From      string              `json:"from,omitempty"`     // oldest day
	Signed    string              `json:"signed,omitempty"`   // newest day that is signed
	Unsigned  []string            `json:"unsigned,omitempty"` // days that were not over: their frames are checked against their index only
	Days      int                 `json:"days"`
	Frames    uint64              `json:"frames"`
	Bytes     int64               `json:"bytes"`
	Sequences []Sequence          `json:"sequences"`
	Opened    uint64              `json:"opened,omitempty"`   // frames that were decrypted
	Unopened  map[string]uint64   `json:"unopened,omitempty"` // frames that could not be, by reason
	Erased    map[string][]string `json:"erased,omitempty"`   // with keys: months whose keys were destroyed, by municipality

	Certificates []ErasedMonth `json:"certificates,omitempty"` // of erasures, genuine ones
}

// Whole tells whether nothing was found.
func (r *Report) Whole() bool { return len(r.Findings) == 0 }

// Complete tells whether no number is missing.
func (r *Report) Complete() bool {
	return !slices.ContainsFunc(r.Sequences, func(s Sequence) bool { return len(s.Missing) > 0 })
}

func (r *Report) add(f Finding) {
	if len(r.Findings) >= maxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, f)
}

// account is what the records say arrived.
type account struct {
	have  *frame.Ledger
	given map[frame.Key][]frame.Range
}

func newAccount() *account { return &account{frame.NewLedger(), map[frame.Key][]frame.Range{}} }

// add enters a record; false when all of it was there before.
func (a *account) add(e *Entry) bool {
	k := e.Sequence()
	if e.Kind == frame.Gap {
		parts := a.have.Fill(a.have.Entry(k, e.Municipality, ""), e.span())
		a.given[k] = append(a.given[k], parts...)
		return len(parts) > 0
	}
	return a.have.Add(a.have.Entry(k, e.Municipality, ""), e.span(), frame.Counts{})
}

// sequences is the account for the report.
func (a *account) sequences() []Sequence {
	out := []Sequence{}
	for _, e := range a.have.Entries() {
		out = append(out, Sequence{e.Municipality, e.Collector, e.Source, e.Epoch, e.Received() - e.Dropped, e.Missing(), a.given[e.Key]})
	}
	slices.SortStableFunc(out, func(a, b Sequence) int { return cmp.Compare(a.Municipality, b.Municipality) })
	return out
}
