package collector

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"time"

	"mimamori/frame"
)

const (
	journalCursor = "journal" // name of the cursor in the state
	journalBuffer = 256 << 10
	journalError  = 4 << 10 // kept of what journalctl says when it fails
)

// journaldInput reads the systemd journal through journalctl, which knows all
// versions of its files. A line is the entry as journalctl writes it in JSON;
// what is longer than a line may be is cut and marked. journalctl waits when
// there is no room. When it ends it is started again behind the last entry that
// was handed over.
type journaldInput struct {
	*inputEnv
	program string
	pause   backoff
	at      string // cursor of the last entry that was handed over
}

func newJournaldInput(e *inputEnv) input {
	return &journaldInput{inputEnv: e, program: "journalctl", pause: backoff{least: time.Second, most: time.Minute}}
}

// checkJournald checks the keys of an input that reads the journal.
func checkJournald(in *Input) *problem {
	for i, m := range in.Matches {
		name, _, ok := strings.Cut(m, "=")
		if m != "+" && (!ok || name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "") {
			return &problem{fmt.Sprintf(".matches[%d]", i), fmt.Sprintf("matches: %q is no match", m), "write FIELD=value, such as _TRANSPORT=audit; + between two means or"}
		}
	}
	for i, u := range in.Units {
		if u == "" {
			return &problem{fmt.Sprintf(".units[%d]", i), "units: a name is empty", "such as units: [sshd.service]"}
		}
	}
	return nil
}

func (in *journaldInput) open(_ context.Context, from state) (net.Addr, error) {
	in.at = from.Cursors[journalCursor]
	path, err := exec.LookPath(in.program)
	if err != nil {
		return nil, fmt.Errorf("source %s: the journal is read with journalctl, which is missing: %w", in.cfg.Source, err)
	}
	in.program = path
	return nil, nil
}

// args are those of journalctl. --all keeps what is long or not printable.
func (in *journaldInput) args() []string {
	args := []string{"--output=json", "--all", "--follow", "--no-tail", "--quiet", "--no-pager"}
	if in.cfg.Directory != "" {
		args = append(args, "--directory="+in.cfg.Directory)
	}
	for _, u := range in.cfg.Units {
		args = append(args, "--unit="+u)
	}
	if in.at != "" {
		args = append(args, "--after-cursor="+in.at)
	}
	return append(append(args, "--"), in.cfg.Matches...)
}

func (in *journaldInput) run(ctx context.Context) {
	for {
		err := in.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		in.log.Error("journalctl has ended; it is started again", "err", err)
		if !in.pause.wait(ctx) {
			return
		}
	}
}

// follow runs journalctl until it ends or ctx does.
func (in *journaldInput) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	said := &tailBuffer{limit: journalError}
	cmd := exec.CommandContext(ctx, in.program, in.args()...)
	cmd.Stderr = said
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("journalctl: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("journalctl: %w", err)
	}
	err = in.read(ctx, out)
	cancel()
	if werr := cmd.Wait(); err == nil {
		err = werr
	}
	if len(said.text) > 0 {
		return fmt.Errorf("journalctl: %w: %s", err, bytes.TrimSpace(said.text))
	}
	return fmt.Errorf("journalctl: %w", err)
}

// read takes entries until there are no more or ctx ends.
func (in *journaldInput) read(ctx context.Context, from io.Reader) error {
	r := &entryReader{r: bufio.NewReaderSize(from, journalBuffer)}
	for {
		if err := r.wait(); err != nil { // blocks with nothing in hand
			return err
		}
		b := in.out.get(ctx)
		if b == nil {
			return ctx.Err()
		}
		err := in.fill(b, r)
		if len(b.recs) == 0 {
			in.out.giveBack(b)
		} else {
			in.pause.reset()
			b.marks = append(b.marks, mark{cursor: cursor{journalCursor, in.at}})
			in.out.send(b)
		}
		if err != nil {
			return err
		}
	}
}

// fill takes entries as long as there are some without waiting.
func (in *journaldInput) fill(b *batch, r *entryReader) error {
	for !b.full() && (len(b.recs) == 0 || r.ready()) {
		e, err := r.next()
		if err != nil {
			return err
		}
		rec := frame.Record{Received: in.now().UnixMicro(), Input: in.kind}
		if e.total > int64(len(e.line)) {
			rec.Flags, rec.Total = frame.Truncated, e.total
		}
		if e.cursor != "" {
			in.at = e.cursor
		}
		b.add(e.line, rec)
	}
	return nil
}

// tailBuffer keeps the last bytes that are written to it.
type tailBuffer struct {
	text  []byte
	limit int
}

func (t *tailBuffer) Write(b []byte) (int, error) {
	t.text = append(t.text, b...)
	t.text = append(t.text[:0], t.text[max(0, len(t.text)-t.limit):]...)
	return len(b), nil
}

var errHalfEntry = errors.New("it ended within an entry, which will be read again")
