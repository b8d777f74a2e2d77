package loki

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/grafana/loki-client-go/pkg/backoff"
	logproto "github.com/grafana/loki/pkg/push"
	"github.com/klauspost/compress/snappy"
)

// maxReason bounds what is read of an answer.
const maxReason = 1024

// push sends what one Take has for one tenant.
type push struct {
	*Sink
	ctx    context.Context
	tenant string
	proven bool // it is a Loki that answers, and it takes us
}

// send sends lines until Loki has them. What it refuses it refuses for some of
// them: they are cut into pieces until the line is alone. Loki has taken the
// good ones then, and knows them again.
func (p *push) send(lines []line) error {
	body, err := encode(lines)
	if err != nil {
		return err
	}
	a, err := p.insist(body)
	switch {
	case err != nil:
		return err
	case a.status/100 == 2:
		p.proven = true
		return nil
	case a.status != http.StatusBadRequest && a.status != http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w; check address, credentials and Loki's own log", a)
	case len(lines) > 1:
		for part := range slices.Chunk(lines, (len(lines)+splitBy-1)/splitBy) {
			if err := p.send(part); err != nil {
				return err
			}
		}
		return nil
	}
	if err := p.prove(a); err != nil {
		return err
	}
	if p.cfg.Refused != nil {
		p.cfg.Refused(Refusal{Ref: lines[0].ref, Municipality: p.tenant, Reason: a.reason})
	}
	return nil
}

// prove makes sure that a refusal is Loki's, and not that of something in its
// place: Loki alone tells a request without lines (422) from a bad one (400).
func (p *push) prove(refusal *answer) error {
	if p.proven {
		return nil
	}
	body, err := encode(nil)
	if err != nil {
		return err
	}
	a, err := p.insist(body)
	if err != nil {
		return err
	}
	if a.status/100 != 2 && a.status != http.StatusUnprocessableEntity {
		return fmt.Errorf("%w; to a request without lines it answers %d, which Loki does not: check the address", refusal, a.status)
	}
	p.proven = true
	return nil
}

// answer is one that is no success, as an error.
type answer struct {
	status int
	reason string
}

func (a *answer) Error() string {
	return fmt.Sprintf("it answers %d %s: %s", a.status, http.StatusText(a.status), a.reason)
}

// busy tells whether the same may succeed soon.
func (a *answer) busy() bool { return a.status == http.StatusTooManyRequests || a.status/100 == 5 }

// insist sends a request, some times if need be.
func (p *push) insist(body []byte) (*answer, error) {
	b := backoff.New(p.ctx, p.retry)
	var last error
	for b.Ongoing() {
		a, err := p.post(body)
		if err == nil && !a.busy() {
			return a, nil
		}
		if last = err; err == nil {
			last = a
		}
		b.Wait()
	}
	return nil, errors.Join(last, p.ctx.Err())
}

func (p *push) post(body []byte) (*answer, error) {
	req, err := http.NewRequestWithContext(p.ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	p.sign(req, p.tenant)
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode}
	if first := bufio.NewScanner(io.LimitReader(resp.Body, maxReason)); first.Scan() {
		a.reason = first.Text()
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxReason) // lets the connection be used again
	return a, nil
}

// sign says for whom a request is, and by whom.
func (s *Sink) sign(req *http.Request, tenant string) {
	req.Header.Set("X-Scope-OrgID", tenant)
	req.Header.Set("User-Agent", "mimamori")
	switch {
	case s.cfg.Token != "":
		req.Header.Set("Authorization", "Bearer "+s.cfg.Token)
	case s.cfg.User != "":
		req.SetBasicAuth(s.cfg.User, s.cfg.Password)
	}
}

// encode makes a request: a list of streams, compressed.
func encode(lines []line) ([]byte, error) {
	at, req := map[string]int{}, logproto.PushRequest{}
	for i := range lines {
		n, ok := at[lines[i].stream]
		if !ok {
			n = len(req.Streams)
			at[lines[i].stream] = n
			req.Streams = append(req.Streams, logproto.Stream{Labels: lines[i].stream})
		}
		req.Streams[n].Entries = append(req.Streams[n].Entries, lines[i].entry)
	}
	raw, err := req.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return snappy.Encode(nil, raw), nil
}
