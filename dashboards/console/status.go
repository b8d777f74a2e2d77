package console

import (
	"net/http"
	"slices"
)

// statusPage is how the logs arrive, source by source.
type statusPage struct {
	Status
	Town     string
	Problems bool // only sources with problems are listed
	Rows     []sourceRow
	Towns    []coverTown
	Boxes    []collectorRow
	Bad      int // sources with problems
	All      int
}

type sourceRow struct {
	SourceStatus
	Level   level
	Missing uint64 // how many numbers have not arrived
}

func (c *Console) status(w http.ResponseWriter, r *http.Request, v *view) error {
	p := &statusPage{Town: r.URL.Query().Get("municipality"), Problems: r.URL.Query().Get("problem") != ""}
	tenants := v.tenants(p.Town)
	if p.Town != "" && len(tenants) == 0 {
		return errNotFound()
	}
	var err error
	if p.Status, err = c.health.Status(r.Context(), tenants); err != nil {
		return wrap("health", err)
	}
	for _, s := range p.Sources {
		row := v.source(s)
		p.All++
		if row.Level > normal {
			p.Bad++
		} else if p.Problems {
			continue
		}
		p.Rows = append(p.Rows, row)
	}
	slices.SortStableFunc(p.Rows, func(a, b sourceRow) int { return int(b.Level) - int(a.Level) })
	p.Towns, p.Boxes = cover(p.Coverage), v.collectorRows(p.Collectors)
	c.render(w, r, v, http.StatusOK, statusTempl(v, p))
	return nil
}

func (v *view) source(s SourceStatus) sourceRow {
	row := sourceRow{SourceStatus: s, Level: normal}
	for _, m := range s.Missing {
		if m.To >= m.From {
			row.Missing += m.To - m.From + 1
		}
	}
	quiet := v.Now.Sub(s.LastSeen)
	switch {
	case s.LastSeen.IsZero() || quiet > silentAct || s.Lost > 0:
		row.Level = action
	case quiet > silentLook || row.Missing > 0 || s.Quarantined > 0 && s.Quarantined*20 > s.Stored:
		row.Level = caution
	}
	return row
}
