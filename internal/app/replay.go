package app

import (
	"errors"
	"fmt"
	"time"

	"mimamori/archive"
	"mimamori/event"
	"mimamori/ingest"
	"mimamori/internal/calendar"
)

// Replay says which archived frames are taken again, and what becomes of them.
type Replay struct {
	From         time.Time `json:"from,omitzero"` // of arrival at the prefecture
	To           time.Time `json:"to,omitzero"`
	Municipality string    `json:"municipality,omitempty"`
	Collector    string    `json:"collector,omitempty"`
	Source       string    `json:"source,omitempty"`
	Missing      bool      `json:"missing,omitempty"` // only bring back what the store lacks
	Rules        bool      `json:"rules,omitempty"`   // let the rules see it

	// Around is how much before the first frame is read for what clocks and rules
	// then knew, and behind the last for what it becomes part of.
	Around     time.Duration `json:"around,omitempty"`
	Rate       int           `json:"rate,omitempty"`       // events a second; 0: as fast as it goes
	Operator   string        `json:"operator,omitempty"`   // key file, "" as configured
	Passphrase string        `json:"passphrase,omitempty"` // file of its passphrase
}

// check finds a contradiction.
func (r *Replay) check() error {
	if r.Municipality != "" {
		if err := event.CheckCode(r.Municipality); err != nil {
			return fmt.Errorf("--municipality: %w", err)
		}
	}
	if !r.From.IsZero() && !r.To.IsZero() && !r.From.Before(r.To) {
		return errors.New("--from は --to より前の時刻にしてください / --from must be before --to")
	}
	if r.Rules && (r.Collector != "" || r.Source != "") {
		return errors.New("--rules は収集器やソースを絞らずに使ってください。ルールは全部のログを見て数えます / " +
			"--rules needs all that a municipality sent, since rules count over it: leave out --collector and --source")
	}
	if r.Around < 0 || r.Rate < 0 {
		return errors.New("--around and --rate can't be negative")
	}
	return nil
}

// behind is how many days after its arrival a frame may have been archived: when
// ingest was that far behind.
const behind = 7

// selection is what has to be looked at.
func (r *Replay) selection() archive.Selection {
	s := archive.Selection{Collector: r.Collector, Source: r.Source}
	if r.Municipality != "" {
		s.Municipalities = []string{r.Municipality}
	}
	if !r.From.IsZero() {
		s.From = r.From.Add(-r.Around).In(calendar.JST()).Format(time.DateOnly)
	}
	if !r.To.IsZero() {
		s.To = r.To.Add(r.Around).In(calendar.JST()).AddDate(0, 0, behind).Format(time.DateOnly)
	}
	return s
}

// has tells whether something that arrived then is meant.
func (r *Replay) has(at time.Time) bool {
	return !at.Before(r.From) && (r.To.IsZero() || at.Before(r.To))
}

// near tells whether it is meant, or near enough to be shown.
func (r *Replay) near(at time.Time) bool {
	return (r.From.IsZero() || !at.Before(r.From.Add(-r.Around))) && (r.To.IsZero() || at.Before(r.To.Add(r.Around)))
}

// Replayed is the account of a replay.
type Replayed struct {
	ingest.Replayed
	Wanted     uint64            `json:"frames_wanted"`        // that the store lacked, and the archive has
	Waiting    uint64            `json:"waiting,omitempty"`    // archived frames that the service has yet to store, or whose ledger was lost
	TooOld     uint64            `json:"too_old,omitempty"`    // frames that arrived before all that retention keeps
	Erased     map[string]uint64 `json:"erased,omitempty"`     // frames whose key was destroyed, by municipality and month
	Unopened   map[string]uint64 `json:"unopened,omitempty"`   // other frames that can't be opened, by reason
	Damaged    []string          `json:"damaged,omitempty"`    // places in the archive, at most maxNamed
	Incomplete []Lacking         `json:"incomplete,omitempty"` // what the archive does not have, at most maxNamed
	More       int               `json:"more,omitempty"`       // damaged and incomplete places that are not named
	Left       []string          `json:"left,omitempty"`       // damaged segments that stay, and why
	SetAside   []string          `json:"set_aside,omitempty"`  // files that are not needed any more
	Still      []string          `json:"still_lost,omitempty"` // files of which something is still lost
	Alerts     *Compared         `json:"alerts,omitempty"`
}

// Lacking are records of a source that neither archive nor store have.
type Lacking struct {
	Municipality string `json:"municipality"`
	Collector    string `json:"collector"`
	Source       string `json:"source"`
	Epoch        uint64 `json:"epoch"`
	First        uint64 `json:"first"`
	Last         uint64 `json:"last"`
}

// maxNamed bounds lists in an account.
const maxNamed = 200

// Whole tells whether all that was asked for was there.
func (r *Replayed) Whole() bool {
	return len(r.Erased)+len(r.Unopened)+len(r.Damaged)+len(r.Incomplete)+len(r.Left) == 0 && r.Unread+r.Waiting == 0
}
