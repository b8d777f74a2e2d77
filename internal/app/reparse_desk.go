package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"mimamori/internal/whole"
)

// A command asks the service that has the data folder open by a file, and the
// service answers in another:
//
//	reparse/request.json   there as long as the request stands; who removes it withdraws it
//	reparse/answer.json    how far the work is, at least once a second; at the end the account
//
// So a request survives the end of the command and a restart of the service,
// which begins anew: what is done is done, and changes nothing a second time.
const (
	requestFile = "request.json"
	answerFile  = "answer.json"
)

func reparseDir(data string) string { return filepath.Join(data, "reparse") }

const (
	deskEvery = 250 * time.Millisecond
	quietFor  = 10 * time.Second // an answer that is older: nobody works on it
	maxStarts = 5                // of one request whose work ends with the service each time
)

// asked is a request with its number.
type asked struct {
	ID string `json:"id"`
	Reparse
	Replay *Replay `json:"replay,omitempty"` // nil: lines of stored events are read again
}

// same tells whether two requests ask for the same.
func (q *asked) same(o *asked) bool {
	return reflect.DeepEqual(q.Reparse, o.Reparse) && reflect.DeepEqual(q.Replay, o.Replay)
}

// answered is the answer to one.
type answered struct {
	ID     string `json:"id"`
	Starts int    `json:"starts"`
	Reread
}

// reparseDesk is the folder of request and answer.
type reparseDesk struct {
	dir string
	now func() time.Time
}

// request reads the request that stands, nil for none.
func (d reparseDesk) request() (*asked, error) {
	q := &asked{}
	if found, err := readJSON(filepath.Join(d.dir, requestFile), q); !found {
		return nil, err
	}
	return q, nil
}

// answer reads the newest answer; it is empty if there is none.
func (d reparseDesk) answer() (a answered, err error) {
	_, err = readJSON(filepath.Join(d.dir, answerFile), &a)
	return a, err
}

func readJSON(path string, into any) (bool, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		return false, fmt.Errorf("reparse: %s: %w", path, err)
	}
	return true, nil
}

func writeJSON(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("reparse: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("reparse: %w", err)
	}
	return whole.Bytes(path, b)
}

// withdraw takes the request back.
func (d reparseDesk) withdraw() error {
	err := os.Remove(filepath.Join(d.dir, requestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reparse: %w", err)
	}
	return nil
}

// clear withdraws a request that a command left for a service that has ended.
func (d reparseDesk) clear(log *slog.Logger) error {
	old, err := d.request()
	if old != nil {
		log.Warn("a request that waited for the service is withdrawn", "request", *old)
		err = d.withdraw()
	}
	return err
}

// ask leaves a request for the service and follows its answer. A request for
// the same that stands already is followed; when ctx ends it is withdrawn.
func (d reparseDesk) ask(ctx context.Context, want asked, tell func(Reread)) (Reread, error) {
	q, err := d.request()
	if err != nil {
		return Reread{State: Failed}, err
	}
	if q != nil && !q.same(&want) {
		text, err := json.Marshal(q)
		return Reread{State: Failed}, errors.Join(fmt.Errorf("サービスは別の読み直しをしています。終わるのを待つか、%[1]s を削除して止めてください / "+
			"the service works on another request, %[2]s: wait for it, or remove %[1]s, which stops it", filepath.Join(d.dir, requestFile), text), err)
	}
	if q == nil {
		q = &want
		q.ID = strconv.FormatInt(d.now().UnixNano(), 36) + "-" + strconv.Itoa(os.Getpid())
		if err := writeJSON(filepath.Join(d.dir, requestFile), q); err != nil {
			return Reread{State: Failed}, err
		}
	}
	return d.follow(ctx, q.ID, tell)
}

// follow waits for the end of a request.
func (d reparseDesk) follow(ctx context.Context, id string, tell func(Reread)) (Reread, error) {
	tick := time.NewTicker(deskEvery)
	defer tick.Stop()
	stop, deadline := ctx.Done(), (<-chan time.Time)(nil)
	begun := false
	for {
		select {
		case <-tick.C:
		case <-deadline: // nobody has begun, or the segment at hand takes long
			return Reread{State: Stopped}, nil
		case <-stop:
			if err := d.withdraw(); err != nil {
				return Reread{State: Failed}, err
			}
			stop, deadline = nil, time.After(2*deskEvery)
			if begun {
				deadline = time.After(quietFor)
			}
		}
		a, err := d.answer()
		switch {
		case err != nil:
			return Reread{State: Failed}, err
		case a.ID != id || !a.over() && d.now().Sub(a.At) > quietFor:
			a.Reread = Reread{State: Waiting}
		}
		if !a.over() {
			begun = begun || a.State == Running
			tell(a.Reread)
			continue
		}
		if q, err := d.request(); err == nil && q != nil && q.ID == id && d.now().Sub(a.At) < quietFor {
			continue // the service withdraws it in a moment; who asks next shall not find it
		}
		if a.Error != "" {
			err = errors.New(a.Error)
		}
		return a.Reread, err
	}
}

// reparseOnRequest does what is asked for, one request after the other, until
// ctx ends.
func (a *App) reparseOnRequest(ctx context.Context) error {
	d := reparseDesk{reparseDir(a.cfg.Data), a.now}
	tick := time.NewTicker(deskEvery)
	defer tick.Stop()
	for told := false; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		q, err := d.request()
		if err == nil && q != nil {
			err = a.reparse(ctx, d, q)
		}
		if err != nil && !told {
			a.log.Error("reading events again", "err", err)
		}
		told = err != nil
	}
}

// reparse does what one request asks for. Its error means that request or
// answer can't be written.
func (a *App) reparse(ctx context.Context, d reparseDesk, q *asked) error {
	last, err := d.answer()
	if err != nil {
		a.log.Warn("the answer to an earlier request is lost", "err", err)
	}
	if last.ID == q.ID && last.over() {
		return d.withdraw()
	}
	out := answered{ID: q.ID, Starts: 1}
	if last.ID == q.ID {
		out.Starts = last.Starts + 1
	}
	path := filepath.Join(d.dir, answerFile)
	if out.Starts > maxStarts {
		out.Reread = Reread{State: Failed, At: d.now(), Error: fmt.Sprintf("given up: the service ended %d times while it worked on this", maxStarts)}
		return errors.Join(writeJSON(path, out), d.withdraw())
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	var far atomic.Pointer[Reread]
	far.Store(&Reread{State: Running})
	var end Reread
	var sum string
	var bad error
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(ended)
		end, sum, bad = a.work(work, q, func(r Reread) { far.Store(&r) })
	})
	a.log.Info("reading events again", "request", *q, "start", out.Starts)
	err = a.watchRequest(d, &out, &far, ended, stop)
	wg.Wait()
	if ctx.Err() != nil { // the next start of the service goes on
		out.State, out.At, out.Starts = Waiting, d.now(), out.Starts-1
		return errors.Join(err, writeJSON(path, out))
	}
	out.Reread = end
	out.At, out.Stale = d.now(), sum != "" && sum != a.formats
	if bad != nil && end.State != Stopped {
		out.Error = bad.Error()
	}
	a.log.Info("events were read again", "state", out.State, "read", out.Read, "error", out.Error)
	return errors.Join(err, writeJSON(path, out), d.withdraw())
}

// work does what is asked for.
func (a *App) work(ctx context.Context, q *asked, tell func(Reread)) (Reread, string, error) {
	if q.Replay != nil {
		return a.replay(ctx, *q.Replay, tell)
	}
	w := rereading{cfg: &a.cfg, store: a.store, enricher: a.enricher, tell: tell}
	return w.run(ctx, q.Reparse)
}

// watchRequest writes down how far the work is, and stops it when the request
// is withdrawn, until it has ended.
func (a *App) watchRequest(d reparseDesk, out *answered, far *atomic.Pointer[Reread], ended <-chan struct{}, stop func()) error {
	tick := time.NewTicker(deskEvery)
	defer tick.Stop()
	var failed error
	for n := 0; ; n++ {
		if n%4 == 0 {
			out.Reread = *far.Load()
			out.At = d.now()
			failed = writeJSON(filepath.Join(d.dir, answerFile), out)
		}
		select {
		case <-ended:
			return failed
		case <-tick.C:
		}
		if q, err := d.request(); err == nil && (q == nil || q.ID != out.ID) {
			stop()
		}
	}
}
