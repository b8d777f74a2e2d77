package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"
)

const (
	maxFiles  = 4096 // followed by one source; more are told of and left
	openFiles = 256  // kept open while nothing is written to them
	recent    = 64   // finished or lost files that are remembered, so as not to read them again
)

// fileInput follows files by polling. Rotation by renaming, rotation by copying
// and truncating, deletion and new files are told apart by the file's identity
// and by digests of its content, never by its name alone; on a share by its
// content only.
type fileInput struct {
	*inputEnv
	poll   time.Duration // between looks at the folder
	settle time.Duration // a rotated file without news for so long has ended: its last line is taken as it is
	linger time.Duration // and after so long it is closed
	keep   time.Duration // on a share: how long a file that is not there is remembered

	shape    *shape
	globs    globs
	openFile func(path string) (content, error)
	stopped  func() bool

	files    []*tailed
	finished []finished
	lost     []mark // of files that were not found; they may turn up packed
	pending  []mark // to go with the next batch
	nextID   int
	looked   bool              // the folder was looked at
	fresh    bool              // the source has no state: it begins
	told     map[string]string // the error that was logged last, by file
	audit    bool              // the files are auditd's
}

// finished is a file that was read to its end and is gone.
type finished struct {
	info os.FileInfo
	at   position
}

func newFileInput(e *inputEnv) *fileInput {
	in := &fileInput{
		inputEnv: e, told: map[string]string{}, shape: newShape(&e.cfg), stopped: func() bool { return false },
		poll: 250 * time.Millisecond, settle: 2 * time.Second, linger: time.Minute, keep: 7 * 24 * time.Hour,
		openFile: func(path string) (content, error) { return openShared(path) },
	}
	if e.cfg.Share {
		in.poll = 2 * time.Second
	}
	in.globs = globs{paths: e.cfg.Paths, exclude: e.cfg.Exclude, pause: 2 * time.Second, tell: in.tell}
	return in
}

func (in *fileInput) open(ctx context.Context, from state) (net.Addr, error) {
	in.stopped = func() bool { return ctx.Err() != nil }
	in.fresh = len(from.Files) == 0
	for _, p := range from.Files {
		in.restore(p)
	}
	for _, t := range slices.Clone(in.files) {
		if t.gone && !t.next {
			in.between(t)
		}
	}
	return nil, nil
}

func (in *fileInput) run(ctx context.Context) {
	defer func() {
		for _, t := range in.files {
			t.close()
		}
	}()
	tick := time.NewTicker(in.poll)
	defer tick.Stop()
	in.look()
	for ctx.Err() == nil {
		more := false
		for _, t := range slices.Clone(in.files) {
			more = in.follow(ctx, t) || more
		}
		if !more {
			if in.cfg.Share {
				in.closeAll()
			}
			select {
			case <-tick.C:
				in.look()
			case <-ctx.Done():
			}
			continue
		}
		select {
		case <-tick.C:
			in.look()
		default:
		}
	}
}

// closeAll closes what is open: a share may vanish, and its server may not like
// open files.
func (in *fileInput) closeAll() {
	for _, t := range in.files {
		if !t.gz {
			t.close()
		}
	}
}

// follow reads some of a file and tells whether there is more.
func (in *fileInput) follow(ctx context.Context, t *tailed) bool {
	if t.f == nil || t.left {
		return false
	}
	changed := t.ready()
	if !t.judged && !in.judge(t, changed) {
		if t.quiet.IsZero() {
			t.quiet = time.Now()
		}
		return false
	}
	if !changed {
		if !t.held || time.Since(t.quiet) < in.patience(t) {
			in.finish(ctx, t)
			return false
		}
		t.form.flush = true
		defer func() { t.form.flush = false }()
	}
	t.quiet, t.held, t.ended = time.Time{}, false, false
	for range 4 {
		if more, ok := in.readSome(ctx, t); !ok {
			return more
		}
	}
	return true
}

// patience is how long what is not finished may wait for its rest.
func (in *fileInput) patience(t *tailed) time.Duration {
	if t.form.sure && !t.gone {
		return in.shape.timeout
	}
	return in.settle
}

// readSome reads one batch of a file. It says whether the file may be read on
// at once, and whether there is more.
func (in *fileInput) readSome(ctx context.Context, t *tailed) (more, ok bool) {
	b := in.out.get(ctx)
	if b == nil {
		return false, false
	}
	first := t.off == 0
	eof, err := t.read(b, in.now().UnixMicro())
	if errors.Is(err, errTruncated) {
		in.truncated(t)
	}
	if first && t.off > 0 {
		in.judgeAgain(t) // what looked like a copy of it may be something else
	}
	if t.gz && eof {
		in.unpackedAll(t)
	}
	in.hand(b, t)
	if err != nil && !errors.Is(err, errTruncated) {
		in.failed(t, err)
		return false, false
	}
	if _, ok := in.told[t.at]; ok {
		delete(in.told, t.at)
		in.log.Info("a file can be read again", "file", t.at)
	}
	switch {
	case t.f == nil:
		return false, false
	case eof:
		t.quiet = time.Now()
		return false, false
	}
	return true, true
}

// failed tells of an error; the file is tried again at the next look, a packed
// one when it has changed.
func (in *fileInput) failed(t *tailed, err error) {
	if errors.Is(err, errStopped) {
		return
	}
	in.tell(t.at, err)
	if t.gz {
		t.seen = t.now
	}
	if t.gz || in.cfg.Share {
		t.close()
	}
}

// hand sends a batch that holds something.
func (in *fileInput) hand(b *batch, t *tailed) {
	if len(b.recs) == 0 {
		in.out.giveBack(b)
		return
	}
	if t.prev != nil && !t.prev.left {
		t.prev.next = true
		in.pending = append(in.pending, t.prev.mark())
	}
	t.prev = nil
	for i := range b.recs {
		b.recs[i].Input = in.kind
	}
	b.marks = append(append(b.marks, in.pending...), t.mark())
	in.pending = in.pending[:0]
	in.out.send(b)
}

// finish ends a file that is gone and has been quiet for long enough.
func (in *fileInput) finish(ctx context.Context, t *tailed) {
	if t.quiet.IsZero() {
		t.quiet = time.Now()
	}
	quiet := time.Since(t.quiet)
	if !t.gone || t.after != nil || quiet < in.settle || t.ended && quiet < in.linger {
		return
	}
	if t.ended {
		if !in.succeeded(t) && !in.awaited(t) { // else its position says where that one begins
			in.drop(t)
		}
		return
	}
	b := in.out.get(ctx)
	if b == nil {
		return
	}
	t.form.final = true
	eof, err := t.read(b, in.now().UnixMicro())
	t.form.final = false
	if err != nil {
		in.tell(t.at, err)
	}
	t.ended = eof || err != nil
	in.hand(b, t)
}

// drop forgets a file.
func (in *fileInput) drop(t *tailed) {
	t.left = true
	if t.f != nil {
		if info, err := t.f.Stat(); err == nil {
			t.info = info
		}
		t.close()
	}
	if t.gz && !t.done {
		in.lose(t.position())
	} else if t.off > 0 {
		in.finished = append(in.finished, finished{t.info, t.position()})
		in.finished = in.finished[max(0, len(in.finished)-recent):]
	}
	in.pending = append(in.pending, mark{id: t.id})
	in.files = slices.DeleteFunc(in.files, func(x *tailed) bool { return x == t })
	in.count.files.Store(int64(len(in.files)))
	in.judgeAgain(t)
}

// tell logs an error of a file once, until the file can be read again.
func (in *fileInput) tell(path string, err error) {
	if len(in.told) >= maxFiles {
		clear(in.told)
	}
	if in.told[path] != err.Error() {
		in.told[path] = err.Error()
		in.log.Error("a file cannot be read", "file", path, "err", err)
	}
}

// adopt begins to follow a file.
func (in *fileInput) adopt(t *tailed, path string, gone bool) {
	t.id, t.path, t.gone, t.events = in.nextID, path, gone, in.audit
	in.nextID++
	in.files = append(in.files, t)
	in.count.files.Store(int64(len(in.files)))
	in.log.Info("following a file", "file", t.at, "as", t.path, "from", t.off)
}

// restore goes on with a file of an earlier run, by whatever name it has now.
func (in *fileInput) restore(p position) {
	t := in.find(p, nil)
	switch {
	case t != nil:
	case in.cfg.Share: // it may come back
		t = in.newTailed(p.Path, p.Path)
		t.expect, t.off, t.judged = &p, p.Offset, true
	default:
		in.log.Warn("a file that was being read is gone or was written anew", "file", p.Path, "position", p.Offset)
		in.lose(p)
		return
	}
	t.next = p.Next
	in.adopt(t, p.Path, t.at != p.Path && !in.globs.wanted(t.at))
	in.pending = append(in.pending, t.mark()) // else a file without news would be forgotten with the next run
}

// lose remembers where a file was that is not found, for when it turns up.
func (in *fileInput) lose(p position) {
	if p.Offset == 0 {
		return
	}
	m := mark{id: in.nextID, Pos: p}
	in.nextID++
	in.pending, in.lost = append(in.pending, m), append(in.lost, m)
	if len(in.lost) > recent {
		in.foundAgain(0)
	}
}

// foundAgain forgets the i-th lost position.
func (in *fileInput) foundAgain(i int) {
	in.pending = append(in.pending, mark{id: in.lost[i].id})
	in.lost = slices.Delete(in.lost, i, i+1)
}

// newTailed makes a file that is not open yet.
func (in *fileInput) newTailed(path, at string) *tailed {
	gz := isGzip(at)
	return &tailed{path: path, at: at, gz: gz, form: form{shape: in.shape, final: gz}}
}

// openTailed opens a file to read it from the beginning.
func (in *fileInput) openTailed(path, at string) (*tailed, error) {
	t := in.newTailed(path, at)
	if err := in.reopen(t); err != nil {
		return nil, err
	}
	return t, nil
}

// reopen opens the file again, whatever stands under its name now.
func (in *fileInput) reopen(t *tailed) error {
	f, err := in.openFile(t.at)
	if err != nil {
		return fmt.Errorf("file: %w", err)
	}
	info, err := f.Stat()
	if err == nil && t.gz {
		t.pack, err = packedID(f, info)
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("file: %w", err)
	}
	t.f, t.info, t.now = f, info, stampOf(info)
	if t.gz {
		t.f = &unpacked{content: f, stop: in.stopped}
	}
	return nil
}

// close closes the file; it may be opened again.
func (t *tailed) close() {
	if t.f != nil {
		t.f.Close()
		t.f = nil
	}
}

// same tells whether two names are one file. A share's numbers cannot be
// trusted.
func (in *fileInput) same(a, b os.FileInfo) bool {
	return !in.cfg.Share && a != nil && b != nil && os.SameFile(a, b)
}

// known finds a file that is being followed, or was lately, by its identity.
func (in *fileInput) known(info os.FileInfo, name string) (t *tailed, done bool) {
	for _, t := range in.files {
		if in.same(t.info, info) || in.cfg.Share && t.at == name {
			return t, false
		}
	}
	return nil, slices.ContainsFunc(in.finished, func(x finished) bool { // or another file in its place
		return in.same(x.info, info) && stampOf(x.info) == stampOf(info)
	})
}
