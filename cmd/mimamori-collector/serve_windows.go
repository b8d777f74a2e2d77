package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/kardianos/service"
)

// serve runs the program until ctx ends, or as a Windows service when the
// service manager has started it.
func serve(ctx context.Context, out io.Writer, run func(context.Context, *slog.Logger) error) error {
	if service.Interactive() {
		return run(ctx, slog.New(slog.NewTextHandler(out, nil)))
	}
	p := &program{run: run, exit: os.Exit}
	p.ctx, p.cancel = context.WithCancel(ctx)
	s, err := service.New(p, &service.Config{Name: serviceName})
	if err != nil {
		return err
	}
	if events, err := s.SystemLogger(nil); err == nil { // a service has no other place to write to
		p.log = slog.New(&eventHandler{to: events})
	} else {
		p.log = slog.New(slog.DiscardHandler)
	}
	return s.Run()
}

// program is what the service manager starts and stops.
type program struct {
	run    func(context.Context, *slog.Logger) error
	log    *slog.Logger
	exit   func(code int)
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// Start returns at once, as the service manager wants it.
func (p *program) Start(service.Service) error {
	p.wg.Go(func() {
		err := p.run(p.ctx, p.log)
		if p.ctx.Err() != nil {
			return
		}
		p.log.Error("the collector has ended by itself; the service manager starts it again", "err", err)
		p.exit(1) // an end without word is what makes the service manager restart
	})
	return nil
}

// Stop returns when the collector has ended.
func (p *program) Stop(service.Service) error {
	p.cancel()
	p.wg.Wait()
	return nil
}
