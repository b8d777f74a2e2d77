package collector

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func onShare(t *testing.T, globs ...string) (r *tail, path string) {
	in, path := fileIn(t, globs...)
	in.Share = true
	r = newTail(t, in)
	return r, path
}

func (r *tail) want(n int, lines []string) {
	r.t.Helper()
	if !r.has(n) {
		r.t.Errorf("%d lines of %d", r.count(), n)
	}
	r.pause(100 * time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	sameLines(r.t, lines, r.lines)
}

// reinode gives the file another number, as a server may after a restart.
func reinode(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err := cmpErr(err, os.WriteFile(path+"~", b, 0o600), os.Rename(path+"~", path)); err != nil {
		t.Fatal(err)
	}
}

func TestShareThatVanishesAndComesBackNeitherLosesNorDoubles(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprint("restart ", restart), func(t *testing.T) {
			r, path := onShare(t, "app.log*")
			dir := filepath.Dir(path)
			want, text := numbered(0, 50)
			write(t, path, text)
			write(t, path+".1", "old one\nold two\n")
			want = append(want, "old one", "old two")
			r.start()
			defer func() { r.kill() }()
			r.has(52)
			rename(t, dir, dir+"-away") // the folder itself
			r.pause(200 * time.Millisecond)
			if err := os.Mkdir(dir, 0o750); err != nil { // and an empty one in its place
				t.Fatal(err)
			}
			if restart {
				r.kill()
				r.start()
			}
			r.pause(200 * time.Millisecond)
			more, text := numbered(50, 10)
			write(t, filepath.Join(dir+"-away", "app.log"), text)
			reinode(t, filepath.Join(dir+"-away", "app.log"))
			reinode(t, filepath.Join(dir+"-away", "app.log.1"))
			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
			rename(t, dir+"-away", dir)
			r.want(62, append(want, more...))
		})
	}
}

func TestRotationOnAShareIsKnownByContent(t *testing.T) {
	for _, glob := range []string{"app.log", "app.log*"} {
		for _, away := range []bool{false, true} {
			t.Run(fmt.Sprint(glob, " away ", away), func(t *testing.T) {
				r, path := onShare(t, glob)
				r.start()
				defer func() { r.kill() }()
				want, text := numbered(0, 50)
				write(t, path, text)
				r.has(50)
				if away {
					r.kill()
				}
				more, text := numbered(50, 10)
				write(t, path, text)
				rename(t, path, path+".1")
				reinode(t, path+".1")
				if !away {
					r.pause(50 * time.Millisecond) // there is no app.log for a while
				}
				last, text := numbered(100, 10)
				write(t, path, text)
				if away {
					r.start()
				}
				r.want(70, append(append(want, more...), last...))
			})
		}
	}
}

func TestErrorsOfAShareAreToldOnceAndTriedAgain(t *testing.T) {
	r, path := onShare(t, "app.log")
	var broken, opened atomic.Int64
	r.tune = func(in *fileInput) {
		in.openFile = func(name string) (content, error) {
			opened.Add(1)
			switch broken.Load() {
			case 1:
				return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EIO}
			case 2:
				f, err := openShared(name)
				return stale{f}, err
			}
			return openShared(name)
		}
	}
	r.start()
	defer func() { r.kill() }()
	want, text := numbered(0, 10)
	write(t, path, text)
	r.has(10)
	for i := range 2 {
		broken.Store(int64(i + 1))
		more, text := numbered(10*i+10, 10)
		write(t, path, text)
		want = append(want, more...)
		n := opened.Load()
		eventually(t, "it is tried again", func() bool { return opened.Load() > n+3 })
		broken.Store(0)
		if !r.has(len(want)) {
			t.Fatal("it does not go on")
		}
	}
	r.want(30, want)
}

// stale is a file whose handle the server has forgotten.
type stale struct{ content }

func (stale) ReadAt([]byte, int64) (int, error) { return 0, errors.Join(syscall.ESTALE) }
