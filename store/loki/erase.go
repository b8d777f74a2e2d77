package loki

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"mimamori/internal/calendar"
)

const (
	deletePath = "/loki/api/v1/delete"
	queryPath  = "/loki/api/v1/query_range"
	maxAnswer  = 16 << 20
	monthNote  = "month" // metadata: the month of arrival in Japan, by which it is erased
	processed  = "processed"
)

// ErrPending is wrapped by Erase's error while Loki has the request and has not
// carried it out yet.
var ErrPending = errors.New("loki has taken the request and carries it out by itself later; it is asked again")

// Erase lets Loki delete a municipality's lines that arrived in a month, of which
// from and to are the bounds, and returns how many parts Loki made of the request.
// Loki deletes by itself, after its delete_request_cancel_period (24 h unless set)
// and a minute: Erase waits some minutes, and then its error wraps ErrPending. It is
// called again until Loki says that it is done, and finds no such line any more.
func (s *Sink) Erase(ctx context.Context, municipality string, from, to time.Time) (int64, error) {
	month := from.In(calendar.JST()).Format("2006-01")
	e := erasing{Sink: s, tenant: municipality, query: fmt.Sprintf(`{municipality=%q} | %s=%q`, municipality, monthNote, month)}
	e.from, e.to = from.Add(-s.cfg.MaxAge-24*time.Hour), to.Add(24*time.Hour)
	if now := time.Now(); e.to.After(now) { // Loki refuses to delete what is to come
		e.to = now
	}
	parts, left, err := e.state(ctx)
	again := false
	if err == nil && parts > 0 && left == 0 { // lines may have come since
		again, err = e.any(ctx)
	}
	if err == nil && (parts == 0 || again) {
		err = e.ask(ctx)
	}
	if err == nil {
		parts, err = e.wait(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("loki: %w", err)
	}
	return int64(parts), nil
}

// wait returns when Loki has done what it was asked for.
func (e *erasing) wait(ctx context.Context) (int, error) {
	end := time.Now().Add(e.patience)
	tick := time.NewTicker(min(e.patience, 2*time.Second))
	defer tick.Stop()
	for {
		parts, left, err := e.state(ctx)
		if err != nil {
			return 0, err
		}
		if parts > 0 && left == 0 {
			if some, err := e.any(ctx); err != nil || some {
				return 0, errors.Join(err, errors.New("it says that it has deleted the lines, and still finds some; it is asked again"))
			}
			return parts, nil
		}
		if !time.Now().Before(end) {
			return 0, fmt.Errorf("%w (%d parts wait)", ErrPending, left)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-tick.C:
		}
	}
}

// erasing is one call of Erase.
type erasing struct {
	*Sink
	tenant, query string
	from, to      time.Time
}

// window is how much a question asks at once; Loki allows 30 days unless told.
const window = 7 * 24 * time.Hour

// any tells whether Loki finds such a line.
func (e *erasing) any(ctx context.Context) (bool, error) {
	for from := e.from; from.Before(e.to); from = from.Add(window) {
		q := url.Values{
			"query": {e.query}, "limit": {"1"},
			"start": {strconv.FormatInt(from.UnixNano(), 10)}, "end": {strconv.FormatInt(from.Add(window).UnixNano(), 10)},
		}
		text, err := e.call(ctx, http.MethodGet, queryPath, q)
		if err != nil {
			return false, err
		}
		var answer struct {
			Data struct {
				Result []json.RawMessage `json:"result"`
			} `json:"data"`
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			return false, fmt.Errorf("answer: %w", err)
		}
		if len(answer.Data.Result) > 0 {
			return true, nil
		}
	}
	return false, nil
}

// ask makes the request.
func (e *erasing) ask(ctx context.Context) error {
	q := url.Values{"query": {e.query}, "start": {strconv.FormatInt(e.from.Unix(), 10)}, "end": {strconv.FormatInt(e.to.Unix(), 10)}}
	_, err := e.call(ctx, http.MethodPost, deletePath, q)
	if a, ok := errors.AsType[*answer](err); ok && (a.status == http.StatusBadRequest || a.status == http.StatusNotFound || a.status == http.StatusForbidden) {
		return fmt.Errorf("%w; deleting must be allowed there: compactor.retention_enabled, compactor.delete_request_store, limits_config.deletion_mode (docs/loki.md)", a)
	}
	return err
}

// state tells how many such requests Loki has, and how many are not done with.
func (e *erasing) state(ctx context.Context) (parts, left int, err error) {
	text, err := e.call(ctx, http.MethodGet, deletePath, nil)
	if err != nil {
		return 0, 0, err
	}
	var list []struct {
		Query  string `json:"query"`
		Status string `json:"status"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return 0, 0, fmt.Errorf("answer: %w", err)
	}
	for _, r := range list {
		if r.Query == e.query {
			parts++
			if r.Status != processed {
				left++
			}
		}
	}
	return parts, left, nil
}

func (e *erasing) call(ctx context.Context, method, path string, q url.Values) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(e.url, pushPath)+path+"?"+q.Encode(), nil)
	if err != nil {
		return nil, err
	}
	e.sign(req, e.tenant)
	slow := *e.client // it may read a month's chunks
	slow.Timeout = 10 * time.Minute
	resp, err := slow.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, &answer{resp.StatusCode, strings.TrimSpace(string(text[:min(len(text), maxReason)]))}
	}
	return text, nil
}
