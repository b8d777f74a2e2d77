package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// ErrNoPage says that no collector answers at the address.
var ErrNoPage = errors.New("no collector answers")

// Ask asks the page at host:port for its report. The error wraps ErrNoPage
// when nobody answers there.
func Ask(ctx context.Context, addr string) (*Report, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/status.json", nil)
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w at %s; is it running? (%w)", ErrNoPage, addr, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status: %s answers %s: it is no collector", addr, resp.Status)
	}
	r := &Report{}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 8<<20)).Decode(r); err != nil {
		return nil, fmt.Errorf("status: %s: %w", addr, err)
	}
	return r, nil
}
