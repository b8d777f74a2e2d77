package collector

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
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
	kind  string // what records say of their input
}

// inputType is one kind of input. A new one is a file with its type and a row
// of the table below.
type inputType struct {
	batches int                   // how many batches it may hold in memory
	schemes []string              // of its listen address; none: it does not listen
	keys    []string              // keys of the configuration that are its own
	check   func(*Input) *problem // of these keys; paths are relative to the input; nil: nothing to check
	make    func(*inputEnv) input // makes it, not yet open
	loses   func(in *Input) bool  // its protocol cannot wait: lines are dropped when there is no room; nil: never
	system  string                // the only operating system that has it, as Go names it; "": all
}

// inputTypes are the inputs by the type that a configuration names.
var inputTypes = map[string]inputType{
	"beats": {
		batches: 16, schemes: []string{"tcp", "tls"},
		make: func(e *inputEnv) input { return &beatsInput{listener: listener{inputEnv: e}} },
	},
	"file": {
		batches: 4, keys: strings.Fields("paths exclude start share multiline csv"), check: checkFiles,
		make: func(e *inputEnv) input { return newFileInput(e) },
	},
	"auditd": {
		batches: 4, keys: []string{"paths"}, check: checkFiles, make: newAuditdInput, system: "linux",
	},
	"journald": {
		batches: 8, keys: []string{"directory", "units", "matches"}, check: checkJournald, make: newJournaldInput, system: "linux",
	},
	"winlog": {
		batches: 8, keys: []string{"channels", "render", "locale"}, check: checkWinlog, make: newWinlogInput, system: "windows",
	},
	"http": {
		batches: 16, schemes: []string{"http", "https"}, keys: []string{"tokens"}, check: checkHTTP, make: newHTTPInput,
	},
	"relp": {
		batches: 16, schemes: []string{"tcp", "tls"},
		make: func(e *inputEnv) input { return &relpInput{listener{inputEnv: e}} },
	},
	"syslog": {
		batches: 16, schemes: []string{"udp", "tcp", "tls"}, make: newSyslogInput,
		loses: func(in *Input) bool { return in.scheme() == "udp" },
	},
}

// newSyslogInput makes the input for the scheme of the listen address.
func newSyslogInput(e *inputEnv) input {
	if e.cfg.scheme() == "udp" {
		return &udpInput{inputEnv: e}
	}
	return &tcpInput{listener: listener{inputEnv: e}}
}

// kind names the input in records: its type, and the scheme where it listens.
func (in *Input) kind() string {
	if s := in.scheme(); s != "" {
		return in.Type + "-" + s
	}
	return in.Type
}

// systemError says that an operating system cannot have the input. It is no
// mistake of the configuration: one may be written on another machine.
func (in *Input) systemError(goos string) error {
	if t := inputTypes[in.Type]; t.system != "" && t.system != goos {
		return fmt.Errorf("source %s: an input of type %s works on %s only, this is %s: remove it here", in.Source, in.Type, t.system, goos)
	}
	return nil
}

func newInput(e *inputEnv) (input, error) {
	t, ok := inputTypes[e.cfg.Type]
	if !ok {
		return nil, fmt.Errorf("source %s: there is no input %q", e.cfg.Source, e.cfg.Type)
	}
	if err := e.cfg.systemError(runtime.GOOS); err != nil {
		return nil, err
	}
	e.kind, e.out = e.cfg.kind(), newOutlet(t.batches)
	return t.make(e), nil
}
