package soc

import (
	"database/sql"
	"encoding/json"
	"errors"

	"mimamori/event"
	"mimamori/soc/sqlite"
)

const alertColumns = `number, id, rule, version, title_ja, title_en, explain_ja, explain_en, respond, severity, attack, trial,
	municipality, zone, key, start_at, end_at, events, state, assignee, resolution, created, acknowledged, closed, revision`

// scanner is the Scan of one row.
type scanner func(dest ...any) error

// collect reads all rows and closes them.
func collect[T any](rows *sql.Rows, scan func(scanner) (T, error)) (out []T, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		v, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func scanAlert(scan scanner) (Alert, error) {
	var a Alert
	var respond, attack string
	var start, end, created, acknowledged, closed int64
	err := scan(&a.Number, &a.ID, &a.Rule, &a.Version, &a.Title.JA, &a.Title.EN, &a.Explain.JA, &a.Explain.EN,
		&respond, &a.Severity, &attack, &a.Test, &a.Municipality, &a.Zone, &a.Key, &start, &end, &a.Count,
		&a.State, &a.Assignee, &a.Resolution, &created, &acknowledged, &closed, &a.Revision)
	if err != nil {
		return a, err
	}
	a.Start, a.End, a.Created = sqlite.FromNanos(start), sqlite.FromNanos(end), sqlite.FromNanos(created)
	a.Acknowledged, a.Closed = sqlite.FromNanos(acknowledged), sqlite.FromNanos(closed)
	return a, errors.Join(wrap("respond", json.Unmarshal([]byte(respond), &a.Respond)), wrap("attack", json.Unmarshal([]byte(attack), &a.Attack)))
}

func scanEvidence(scan scanner) (event.Evidence, error) {
	var e event.Evidence
	var epoch, seq int64
	err := scan(&e.Ref.Collector, &e.Ref.Source, &epoch, &seq, &e.JSON)
	e.Ref.Epoch, e.Ref.Seq = uint64(epoch), uint64(seq)
	return e, err
}

func scanEntry(scan scanner) (Entry, error) {
	var e Entry
	var at int64
	err := scan(&at, &e.By, &e.From, &e.To, &e.Assignee, &e.Resolution, &e.Note)
	e.At = sqlite.FromNanos(at)
	return e, err
}
