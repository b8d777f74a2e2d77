package erasure

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"mimamori/event"
	"mimamori/soc"
	"mimamori/soc/sqlite"
)

// Standing is a standing approval: months older than an age are erased, each
// with its waiting time and its certificate, for as long as both sides want it.
type Standing struct {
	ID           int64
	Municipality string // "" is every one that approves for itself
	Months       int    // age
	Reason       string
	Requested    Act
	Ended        time.Time
	EndedBy      string
	Consents     []Consent // newest last
}

// Consent is the other side's approval, for one municipality.
type Consent struct {
	Municipality string
	Act
	Ended   time.Time
	EndedBy string
}

// Stands tells whether months of a municipality go by it.
func (p *Standing) Stands(municipality string) bool {
	for _, c := range p.Consents {
		if c.Municipality == municipality && c.Ended.IsZero() {
			return p.Ended.IsZero()
		}
	}
	return false
}

// maxAge bounds an age in months.
const maxAge = 1200

// Propose asks for a standing approval over the months of a municipality that
// are older than so many months. For every municipality (""), the prefecture asks
// and each approves for itself.
func (s *Service) Propose(ctx context.Context, by, municipality string, months int, why string) (id int64, err error) {
	e := entry{by: by, what: "standing", Scope: Scope{Municipality: municipality}}
	err = s.act(ctx, &e, func(tx *sql.Tx) error {
		if months < 1 || months > maxAge || municipality != "" && event.CheckCode(municipality) != nil {
			return NoMonth
		}
		who, err := s.actor(ctx, by, municipality)
		if err != nil {
			return err
		}
		if e.detail, err = reason(why); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM standings WHERE municipality = ? AND ended = 0`, municipality).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return UnderWay
		}
		r, err := tx.ExecContext(ctx, `INSERT INTO standings (municipality, months, reason, requested, requested_by, requested_side) VALUES (?, ?, ?, ?, ?, ?)`,
			municipality, months, e.detail, sqlite.Nanos(who.At), who.By, who.Side)
		if err != nil {
			return err
		}
		id, err = r.LastInsertId()
		e.detail = fmt.Sprintf("%d: %d months: %s", id, months, e.detail)
		return err
	})
	return id, err
}

// Consent approves a standing approval for one municipality, for the side that
// did not propose it.
func (s *Service) Consent(ctx context.Context, by string, id int64, municipality string) error {
	e := entry{by: by, what: "consent", Scope: Scope{Municipality: municipality}, detail: fmt.Sprint(id)}
	return s.act(ctx, &e, func(tx *sql.Tx) error {
		p, err := findStanding(ctx, tx, id)
		if err != nil {
			return err
		}
		if event.CheckCode(municipality) != nil || p.Municipality != "" && p.Municipality != municipality {
			return NoMonth
		}
		who, err := s.actor(ctx, by, municipality)
		if err != nil {
			return err
		}
		switch {
		case !p.Ended.IsZero():
			return TooLate
		case p.Stands(municipality):
			return UnderWay
		}
		if err := s.second(ctx, p.Requested, who, municipality); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO consents (standing, municipality, approved, approved_by, approved_side) VALUES (?, ?, ?, ?, ?)`, id, municipality, sqlite.Nanos(who.At), who.By, who.Side)
		return err
	})
}

// Revoke ends a standing approval, for either side, and withdraws what waits by
// it: all of it, but where a municipality revokes one that is for every one
// only its own part.
func (s *Service) Revoke(ctx context.Context, by string, id int64, municipality string) error {
	e := entry{by: by, what: "end", Scope: Scope{Municipality: municipality}, detail: fmt.Sprint(id)}
	return s.act(ctx, &e, func(tx *sql.Tx) error {
		p, err := findStanding(ctx, tx, id)
		if err != nil {
			return err
		}
		if p.Municipality != "" {
			e.Municipality = p.Municipality
		}
		who, err := s.actor(ctx, by, e.Municipality)
		if err != nil {
			return err
		}
		now := sqlite.Nanos(who.At)
		if p.Municipality == "" && who.Side != Prefecture {
			err = change(ctx, tx, `UPDATE consents SET ended = ?, ended_by = ? WHERE standing = ? AND municipality = ? AND ended = 0`, now, who.By, id, e.Municipality)
		} else {
			err = change(ctx, tx, `UPDATE standings SET ended = ?, ended_by = ? WHERE id = ? AND ended = 0`, now, who.By, id)
		}
		if err != nil {
			return err
		}
		only := e.Municipality
		if who.Side == Prefecture {
			only = ""
		}
		_, err = tx.ExecContext(ctx, `UPDATE erasures SET state = 'withdrawn', ended = ?, ended_by = ?, note = '継続承認の終了による / the standing approval was ended' WHERE standing = ? AND state = 'approved' AND ? IN ('', municipality)`, now, who.By, id, only)
		return err
	})
}

const (
	selectStandings = `SELECT id, municipality, months, reason, requested, requested_by, requested_side, ended, ended_by FROM standings`
	selectConsents  = `SELECT municipality, approved, approved_by, approved_side, ended, ended_by FROM consents`
)

func scanStanding(scan func(...any) error) (Standing, error) {
	var p Standing
	var requested, ended int64
	err := scan(&p.ID, &p.Municipality, &p.Months, &p.Reason, &requested, &p.Requested.By, &p.Requested.Side, &ended, &p.EndedBy)
	p.Requested.At, p.Ended = sqlite.FromNanos(requested), sqlite.FromNanos(ended)
	return p, err
}

func scanConsent(scan func(...any) error) (Consent, error) {
	var c Consent
	var approved, ended int64
	err := scan(&c.Municipality, &approved, &c.By, &c.Side, &ended, &c.EndedBy)
	c.At, c.Ended = sqlite.FromNanos(approved), sqlite.FromNanos(ended)
	return c, err
}

func findStanding(ctx context.Context, tx *sql.Tx, id int64) (Standing, error) {
	p, err := scanStanding(tx.QueryRowContext(ctx, selectStandings+` WHERE id = ?`, id).Scan)
	if err != nil {
		return p, fmt.Errorf("standing approval %d: %w", id, notFound(err))
	}
	p.Consents, err = collect(ctx, tx, scanConsent, selectConsents+` WHERE standing = ? ORDER BY id`, id)
	return p, err
}

// Standings lists the standing approvals that a user may see, with those
// consents that the user may see, the newest first.
func (s *Service) Standings(ctx context.Context, u *soc.User) ([]Standing, error) {
	list, err := collect(ctx, s.db.Read, scanStanding, selectStandings+` ORDER BY id DESC`)
	if err != nil {
		return nil, err
	}
	var out []Standing
	for _, p := range list {
		if p.Municipality != "" && !u.Sees(p.Municipality) {
			continue
		}
		consents, err := collect(ctx, s.db.Read, scanConsent, selectConsents+` WHERE standing = ? ORDER BY id`, p.ID)
		if err != nil {
			return nil, err
		}
		for _, c := range consents {
			if u.Sees(c.Municipality) {
				p.Consents = append(p.Consents, c)
			}
		}
		out = append(out, p)
	}
	return out, nil
}
