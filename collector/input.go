package collector

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// input takes lines from somewhere and hands them to its source's sealer.
type input interface {
	// open begins to listen, or prepares to read on from the state; the address
	// is nil for inputs that do not listen.
	open(ctx context.Context, from state) (net.Addr, error)
	// run takes lines until ctx ends, takes what has arrived by then, and
	// closes what open opened. What it sends after that is lost.
	run(ctx context.Context)
}

// inputEnv is what every input works with.
type inputEnv struct {
	cfg   Input
	log   *slog.Logger
	now   func() time.Time
	out   *outlet
	count *counters
}

// kinds are the inputs by type and, for syslog, by scheme, with the number of
// batches each may hold in memory.
var kinds = map[string]struct {
	batches int
	make    func(*inputEnv) input
}{
	"file":       {4, func(e *inputEnv) input { return newFileInput(e) }},
	"syslog-udp": {16, func(e *inputEnv) input { return &udpInput{inputEnv: e} }},
	"syslog-tcp": {8, func(e *inputEnv) input { return &tcpInput{inputEnv: e, kind: "syslog-tcp"} }},
	"syslog-tls": {8, func(e *inputEnv) input { return &tcpInput{inputEnv: e, kind: "syslog-tls"} }},
}

// kind names the input in records and in the table above.
func (in *Input) kind() string {
	if in.Type != "syslog" {
		return in.Type
	}
	scheme, _, _ := in.endpoint()
	return "syslog-" + scheme
}

func newInput(e *inputEnv) (input, error) {
	k, ok := kinds[e.cfg.kind()]
	if !ok {
		return nil, fmt.Errorf("source %s: there is no input %q", e.cfg.Source, e.cfg.kind())
	}
	e.out = newOutlet(k.batches)
	return k.make(e), nil
}
