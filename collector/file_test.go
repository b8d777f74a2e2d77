package collector

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// numbered makes n lines from the i-th on, and their text in a file.
func numbered(i, n int) (list []string, text string) {
	for ; n > 0; i, n = i+1, n-1 {
		list = append(list, fmt.Sprintf("line %d of the file", i))
	}
	if len(list) == 0 {
		return nil, ""
	}
	return list, strings.Join(list, "\n") + "\n"
}

func fromFiles(t *testing.T, p *prefecture) []string {
	t.Helper()
	recs, _ := p.records("files")
	return lines(recs)
}

func TestRenamedFileIsReadToItsEndAndThenTheNewOne(t *testing.T) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	u := start(t, config(t, in), key, p.conn)
	want, text := numbered(0, 100)
	write(t, path, text)
	u.shipped("files", 100)
	more, text := numbered(100, 100)
	write(t, path, text+"no newline behind this")
	rename(t, path, path+".1")
	last, text := numbered(200, 100)
	write(t, path, text)
	u.shipped("files", 301)
	want = append(append(want, more...), last...)
	got := fromFiles(t, p)
	if i := len(got) - 1; got[i] != "no newline behind this" { // it waits until the file has been quiet
		t.Fatalf("last is %q", got[i])
	}
	sameLines(t, want, got[:300])
	write(t, path+".1", "a late line of the old file\n")
	u.shipped("files", 302)
	eventually(t, "the old file is left", func() bool { return u.Stats().Sources[0].Files == 1 })
}

func TestHalfALineWaitsForItsEnd(t *testing.T) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	u := start(t, config(t, in), key, p.conn)
	write(t, path, "one\r\ntwo, first half")
	u.shipped("files", 1)
	u.stop()
	u = start(t, u.cfg, key, p.conn)
	write(t, path, ", second half\n\nthree\n")
	u.shipped("files", 3)
	recs, _ := p.records("files")
	sameLines(t, []string{"one", "two, first half, second half", "", "three"}, lines(recs))
	if recs[1].Offset != 5 || recs[3].Offset != 35 || recs[3].File != path {
		t.Errorf("%+v", recs)
	}
}

func TestTruncatedFileIsReadFromItsBeginning(t *testing.T) {
	for name, next := range map[string]string{"shorter": "new\n", "longer": "new line, which is much longer than what was there before it\nand another\n"} {
		t.Run(name, func(t *testing.T) {
			in, path := fileIn(t, "app.log")
			key := newKey(t)
			p := newPrefecture(t, key)
			u := start(t, config(t, in), key, p.conn)
			write(t, path, "old 1\nold 2\n")
			u.shipped("files", 2)
			if err := os.WriteFile(path, []byte(next), 0o600); err != nil { // the same file
				t.Fatal(err)
			}
			n := 3
			if name == "longer" {
				n = 4
			}
			u.shipped("files", n)
			got := fromFiles(t, p)
			if got[2] != next[:len(got[2])] || len(got) != n {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestCopiedAndTruncatedFileLosesNothing(t *testing.T) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	cfg := config(t, in)
	u := start(t, cfg, key, p.conn)
	want, text := numbered(0, 50)
	write(t, path, text)
	u.shipped("files", 50)
	u.stop()
	unseen, more := numbered(50, 50) // written, copied and truncated while nobody looks
	write(t, path, more)
	write(t, path+".1", text+more)
	last, text := numbered(1000, 10)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	u = start(t, cfg, key, p.conn)
	u.shipped("files", 60)
	sameLines(t, append(append(want, unseen...), last...), fromFiles(t, p))
}

func TestLinesThatWereCopiedAwayUnreadAreReadInTheCopy(t *testing.T) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	cfg := config(t, in)
	u := start(t, cfg, key, p.conn)
	want, text := numbered(0, 5)
	write(t, path, text)
	u.shipped("files", 5)
	for i := range 10 { // at times between two looks, at times not
		more, text := numbered(10*i+100, 10)
		want = append(want, more...)
		write(t, path, text)
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := cmpErr(os.WriteFile(fmt.Sprint(path, ".", i), old, 0o600), os.Truncate(path, 0)); err != nil {
			t.Fatal(err)
		}
		u.shipped("files", 5+10*(i+1)) // a second rotation within one look is beyond any follower
	}
	got := fromFiles(t, p)
	sameLines(t, want, got)
}

func TestRotationsWhileTheCollectorIsAwayAreReadOn(t *testing.T) {
	for _, glob := range []string{"app.log", "app.log*"} {
		t.Run(glob, func(t *testing.T) {
			in, path := fileIn(t, glob)
			key := newKey(t)
			p := newPrefecture(t, key)
			cfg := config(t, in)
			old, text := numbered(9000, 10)
			if glob == "app.log" { // an older one that nobody asked for
				write(t, path+".1", text)
			}
			u := start(t, cfg, key, p.conn)
			want, text := numbered(0, 50)
			write(t, path, text)
			u.shipped("files", 50)
			u.stop()
			for i := range 3 {
				more, text := numbered(50+100*i, 100)
				want = append(want, more...)
				write(t, path, text)
				for j := 3; j > 0; j-- {
					_ = os.Rename(fmt.Sprint(path, ".", j), fmt.Sprint(path, ".", j+1))
				}
				rename(t, path, path+".1")
			}
			last, text := numbered(5000, 10)
			want = append(want, last...)
			write(t, path, text)
			u = start(t, cfg, key, p.conn)
			u.shipped("files", 310)
			got := fromFiles(t, p)
			if len(got) != len(want) {
				t.Fatalf("%d lines, want %d (old ones: %q)", len(got), len(want), old[0])
			}
			if glob == "app.log" {
				sameLines(t, want, got)
			}
			u.stop() // and all is known the next time
			u = start(t, cfg, key, p.conn)
			write(t, path, "the very last\n")
			u.shipped("files", 1)
			if got := fromFiles(t, p); len(got) != len(want)+1 {
				t.Errorf("%d lines, want %d", len(got), len(want)+1)
			}
		})
	}
}

func TestNewFileUnderAnOldNameIsReadFromItsBeginning(t *testing.T) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	cfg := config(t, in)
	u := start(t, cfg, key, p.conn)
	header := "#Fields: date time action with a long preamble that is the same in every file of this make, and goes on for more than the two hundred and fifty-six bytes by which the beginning of a file is known, since that is what vendors do, from year to year and from version to version, without end\n"
	write(t, path, header+"day 1, a\nday 1, b\n")
	u.shipped("files", 3)
	u.stop()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, path, header+"day 2, a\nday 2, b\nday 2, c\n")
	u = start(t, cfg, key, p.conn)
	u.shipped("files", 4)
	sameLines(t, []string{header[:len(header)-1], "day 1, a", "day 1, b", header[:len(header)-1], "day 2, a", "day 2, b", "day 2, c"}, fromFiles(t, p))
}

func TestDeletedFileAndNewFilesOfAGlob(t *testing.T) {
	in, path := fileIn(t, "*.log")
	dir := filepath.Dir(path)
	key := newKey(t)
	p := newPrefecture(t, key)
	u := start(t, config(t, in), key, p.conn)
	for i := range 5 {
		name := filepath.Join(dir, fmt.Sprint(i, ".log"))
		write(t, name, fmt.Sprintf("a%d\nb%d", i, i))
		u.shipped("files", 2*i+1)
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		u.shipped("files", 2*i+2)
	}
	sameLines(t, []string{"a0", "b0", "a1", "b1", "a2", "b2", "a3", "b3", "a4", "b4"}, fromFiles(t, p))
	eventually(t, "all are left", func() bool { return u.Stats().Sources[0].Files == 0 })
}

// TestRotationUnderLoadLosesNothing renames the file many times while it is
// being written, and starts the collector anew in between.
func TestRotationUnderLoadLosesNothing(t *testing.T) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	cfg := config(t, in)
	u := start(t, cfg, key, p.conn)
	var want []string
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for i := range 1000 {
			<-tick.C
			more, text := numbered(20*i, 20)
			want = append(want, more...)
			write(t, path, text)
			if i%40 == 39 {
				rename(t, path, fmt.Sprintf("%s-%03d", path, i/40))
			}
		}
	})
	for range 3 {
		n := u.Stats().Sources[0].Lines
		eventually(t, "some lines", func() bool { return u.Stats().Sources[0].Lines > n+2000 })
		u.stop()
		u = start(t, cfg, key, p.conn)
	}
	wg.Wait()
	eventually(t, "all lines", func() bool { return len(fromFiles(t, p)) >= len(want) })
	sameLines(t, want, fromFiles(t, p))
}

func TestQuietFileIsNotForgottenOverTwoRestarts(t *testing.T) {
	in, path := fileIn(t, "app*.log")
	key, cfg := newKey(t), config(t, in)
	p := newPrefecture(t, key)
	quiet := strings.TrimSuffix(path, ".log") + "-quiet.log"
	write(t, quiet, "quiet\n")
	want := []string{"quiet"}
	for i := range 4 {
		write(t, path, fmt.Sprintln("line", i))
		want = append(want, fmt.Sprint("line ", i))
		u := start(t, cfg, key, p.conn)
		u.shipped("files", 1+boolInt(i == 0))
		u.stop()
	}
	u := start(t, cfg, key, p.conn)
	write(t, path, "the last\n")
	u.shipped("files", 1)
	got := lines(first(p.records("files")))
	slices.Sort(got)
	slices.Sort(want)
	sameLines(t, append(want, "the last"), got)
}

func first[A, B any](a A, _ B) A { return a }
