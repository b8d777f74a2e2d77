package collector

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	maxFiles  = 4096 // followed by one source; more are told of and left
	openFiles = 256  // kept open while nothing is written to them
	recent    = 32   // finished files that are remembered, so as not to read them again
)

// fileInput follows files by polling. Rotation by renaming, rotation by copying
// and truncating, deletion and new files are told apart by the file's identity
// and by digests of its content, never by its name alone.
type fileInput struct {
	*inputEnv
	poll   time.Duration // between looks at the folder
	settle time.Duration // a rotated file without news for so long has ended: its last line is taken as it is
	linger time.Duration // and after so long it is closed

	files    []*tailed
	finished []os.FileInfo
	pending  []mark // to go with the next batch
	nextID   int
	told     map[string]bool // errors that were logged, by file
}

func newFileInput(e *inputEnv) *fileInput {
	return &fileInput{
		inputEnv: e, told: map[string]bool{},
		poll: 250 * time.Millisecond, settle: 2 * time.Second, linger: time.Minute,
	}
}

func (in *fileInput) open(_ context.Context, from state) (net.Addr, error) {
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
			if t.f != nil {
				t.f.Close()
			}
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

// follow reads some of a file and tells whether there is more.
func (in *fileInput) follow(ctx context.Context, t *tailed) bool {
	if t.f == nil {
		return false
	}
	if !t.ready() {
		in.finish(ctx, t)
		return false
	}
	t.quiet = time.Time{}
	for range 4 {
		b := in.out.get(ctx)
		if b == nil {
			return false
		}
		eof, err := t.read(b, in.now().UnixMicro())
		if errors.Is(err, errTruncated) {
			in.truncated(t)
			in.pending = append(in.pending, t.mark())
		}
		in.hand(b, t)
		switch {
		case err != nil && !errors.Is(err, errTruncated):
			in.tell(t.at, err)
			return false
		case eof:
			t.quiet = time.Now()
			return false
		}
	}
	return true
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
		if !in.succeeded(t) { // else its position says where that one begins
			in.drop(t)
		}
		return
	}
	b := in.out.get(ctx)
	if b == nil {
		return
	}
	t.ended = true
	if err := t.rest(b, in.now().UnixMicro()); err != nil {
		in.tell(t.at, err)
	}
	t.seen = max(t.seen, t.off)
	in.hand(b, t)
}

// drop forgets a file.
func (in *fileInput) drop(t *tailed) {
	t.left = true
	if t.f != nil {
		if info, err := t.f.Stat(); err == nil {
			t.info = info
		}
		t.f.Close()
		t.f = nil
	}
	if in.finished = append(in.finished, t.info); len(in.finished) > recent {
		in.finished = in.finished[1:]
	}
	in.pending = append(in.pending, mark{id: t.id})
	in.files = slices.DeleteFunc(in.files, func(x *tailed) bool { return x == t })
	in.count.files.Store(int64(len(in.files)))
}

// truncated begins a file anew; where its old content was copied beside it, the
// lines of it that were not yet read are read there.
func (in *fileInput) truncated(t *tailed) {
	old := t.mark().Pos
	in.log.Warn("a file was truncated or written anew; it is read from its beginning", "file", t.at, "position", old.Offset)
	t.rewind()
	if info, err := t.f.Stat(); err == nil {
		t.info = info
	}
	if c := in.find(old, t); c != nil {
		in.adopt(c, t.path, true)
	}
}

// tell logs an error once for each file.
func (in *fileInput) tell(path string, err error) {
	if len(in.told) >= maxFiles {
		clear(in.told)
	}
	if key := path + ": " + err.Error(); !in.told[key] {
		in.told[key] = true
		in.log.Error("a file cannot be read", "file", path, "err", err)
	}
}

// adopt begins to follow a file.
func (in *fileInput) adopt(t *tailed, path string, gone bool) {
	t.id, t.path, t.gone = in.nextID, path, gone
	in.nextID++
	in.files = append(in.files, t)
	in.count.files.Store(int64(len(in.files)))
	in.log.Info("following a file", "file", t.at, "as", t.path, "from", t.off)
}

// restore goes on with a file of an earlier run, by whatever name it has now.
func (in *fileInput) restore(p position) {
	t := in.find(p, nil)
	if t == nil {
		in.log.Warn("a file that was being read is gone or was written anew", "file", p.Path, "position", p.Offset)
		return
	}
	t.next = p.Next
	in.adopt(t, p.Path, t.at != p.Path && !in.wanted(t.at))
}

// wanted tells whether a name fits one of the globs.
func (in *fileInput) wanted(path string) bool {
	return slices.ContainsFunc(in.cfg.Paths, func(glob string) bool {
		ok, err := filepath.Match(glob, path)
		return err == nil && ok
	})
}

// known finds a file that is being followed, or was lately, by its identity.
func (in *fileInput) known(info os.FileInfo) (t *tailed, done bool) {
	for _, t := range in.files {
		if os.SameFile(t.info, info) {
			return t, false
		}
	}
	return nil, slices.ContainsFunc(in.finished, func(x os.FileInfo) bool { // or another file in its place
		return os.SameFile(x, info) && x.Size() == info.Size() && x.ModTime().Equal(info.ModTime())
	})
}
