package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"mimamori/internal/sample"
)

// sender writes a town's lines to its collector, each by its own way.
type sender struct {
	maker *sample.Maker
	tcp   *bufio.Writer
	udp   io.Writer // nil: everything by syslog goes over TCP
	squid *bufio.Writer
	json  *bufio.Writer
	close []io.Closer
	line  []byte
}

// dial opens the ways. Files begin anew when fresh is set, as a device's would
// after a rotation that nobody needs any more.
func (t *town) dial(ctx context.Context, seed uint64, withUDP bool) (*sender, error) {
	select {
	case <-t.col.Ready():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s := &sender{maker: sample.New(t.Town, seed, time.Now())}
	var d net.Dialer
	tcp, err := d.DialContext(ctx, "tcp", t.col.Addr("firewall").String())
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	s.tcp, s.close = bufio.NewWriterSize(tcp, 64<<10), append(s.close, tcp)
	if withUDP {
		udp, err := d.DialContext(ctx, "udp", t.col.Addr("servers").String())
		if err != nil {
			return nil, errors.Join(fmt.Errorf("demo: %w", err), s.shut())
		}
		s.udp, s.close = udp, append(s.close, udp)
	}
	for kind, w := range map[sample.Kind]**bufio.Writer{sample.Squid: &s.squid, sample.Sysmon: &s.json} {
		f, err := os.OpenFile(t.path(kind), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("demo: %w", err), s.shut())
		}
		*w, s.close = bufio.NewWriterSize(f, 64<<10), append(s.close, f)
	}
	return s, nil
}

// send writes the next line.
func (s *sender) send() error {
	var kind sample.Kind
	s.line, kind = s.maker.Append(s.line[:0])
	s.line = append(s.line, '\n')
	w := io.Writer(s.tcp)
	switch {
	case kind == sample.Squid:
		w = s.squid
	case kind == sample.Sysmon || kind == sample.Windows:
		w = s.json
	case kind == sample.SSH && s.udp != nil:
		w, s.line = s.udp, s.line[:len(s.line)-1]
	}
	_, err := w.Write(s.line)
	return err
}

func (s *sender) flush() error {
	return errors.Join(s.tcp.Flush(), s.squid.Flush(), s.json.Flush())
}

func (s *sender) shut() error {
	var errs []error
	for _, c := range s.close {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// live sends each town's lines at the configured rate until ctx ends.
func (d *demo) live(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make([]error, len(d.towns))
	for i, t := range d.towns {
		wg.Go(func() { errs[i] = d.liveTown(ctx, t, uint64(i)) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (d *demo) liveTown(ctx context.Context, t *town, n uint64) (err error) {
	s, err := t.dial(ctx, uint64(d.cfg.Now().UnixNano()), true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.shut()) }()
	// A first incident after a few seconds, then one in some minutes.
	s.maker.Incidents = uint64(d.cfg.Rate)*5 + 7*n
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for sent := 0; ; {
		select {
		case <-ctx.Done():
			return s.flush()
		case now := <-tick.C:
			s.maker.SetTime(now)
		}
		for range max(d.cfg.Rate/10, 1) {
			if err := s.send(); err != nil {
				return fmt.Errorf("demo: %w", err)
			}
			sent++
		}
		if sent > d.cfg.Rate*20 {
			s.maker.Incidents = uint64(d.cfg.Rate)*600 + 7*n
		}
		if err := s.flush(); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
}
