package collector

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mimamori/frame"
)

// tail is a file input whose batches are kept in memory as the spool keeps
// them: lines and positions together.
type tail struct {
	t    *testing.T
	cfg  Input
	tune func(*fileInput)
	slim bool // the lines themselves are not kept

	mu    sync.Mutex
	lines []string
	recs  []frame.Record
	state []byte
	kill  func()
}

func newTail(t *testing.T, cfg Input) *tail {
	return &tail{t: t, cfg: cfg, state: []byte("{}"), tune: func(*fileInput) {}}
}

// start begins where the state is.
func (r *tail) start() {
	e := &inputEnv{cfg: r.cfg, log: logger(r.t), now: time.Now, count: &counters{}}
	made, err := newInput(e)
	if err != nil {
		r.t.Fatal(err)
	}
	in := made.(*fileInput)
	in.poll, in.settle, in.linger, in.globs.pause = time.Millisecond, 20*time.Millisecond, 50*time.Millisecond, time.Millisecond
	in.shape.timeout = 20 * time.Millisecond
	r.tune(in)
	var from state
	if err := json.Unmarshal(r.state, &from); err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := in.open(ctx, from); err != nil {
		r.t.Fatal(err)
	}
	dead := false
	var wg sync.WaitGroup
	wg.Go(func() { in.run(ctx); close(e.out.in) })
	wg.Go(func() {
		kept := newMarks(from)
		for b := range e.out.in {
			r.mu.Lock()
			if !dead {
				kept.take(b.marks)
				if r.state, err = json.Marshal(kept.state()); err != nil {
					r.t.Error(err)
				}
				for _, rec := range b.recs {
					if r.slim {
						rec.Line = ""
					}
					rec.Line, rec.Header = strings.Clone(rec.Line), strings.Clone(rec.Header)
					r.lines, r.recs = append(r.lines, rec.Line), append(r.recs, rec)
				}
			}
			r.mu.Unlock()
			e.out.giveBack(b)
		}
	})
	r.kill = func() { // what is under way is lost
		r.mu.Lock()
		dead = true
		r.mu.Unlock()
		cancel()
		wg.Wait()
	}
}

func (r *tail) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.lines)
}

// has waits for so many lines.
func (r *tail) has(n int) bool {
	tick, end := time.NewTicker(time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for r.count() < n {
		select {
		case <-tick.C:
		case <-end:
			return false
		}
	}
	return true
}

func (r *tail) pause(d time.Duration) { <-time.After(d) }

// machine writes and rotates a log at random.
type machine struct {
	*tail
	rnd  *rand.Rand
	dir  string
	path string
	n    int
	gen  int // first line of the file that is being written
	away bool
	did  []string
}

// seen waits until something was read of the file that is being written, and
// tells whether it was: under a glob that fits no other name, what nobody saw
// before it was rotated away is no file of ours.
func (m *machine) seen() bool {
	if len(m.cfg.Paths) == 1 && strings.HasSuffix(m.cfg.Paths[0], "*") || m.gen == m.n {
		return true
	}
	read := func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return slices.ContainsFunc(m.lines, func(s string) bool { return strings.HasPrefix(s, fmt.Sprintf("line %d ", m.gen)) })
	}
	if !m.away {
		eventually(m.t, "a line is read", read)
	}
	return read()
}

func (m *machine) must(errs ...error) {
	if err := cmpErr(errs...); err != nil {
		m.t.Fatalf("%v after %v", err, m.did)
	}
}

func (m *machine) append() {
	for range 1 + m.rnd.IntN(20) {
		write(m.t, m.path, fmt.Sprintf("line %d %s\n", m.n, strings.Repeat("x", m.rnd.IntN(60))))
		m.n++
	}
}

// shift makes room for app.log.1.
func (m *machine) shift() string {
	for i := 20; i > 0; i-- {
		for _, ext := range []string{"", ".gz"} {
			_ = os.Rename(fmt.Sprint(m.path, ".", i, ext), fmt.Sprint(m.path, ".", i+1, ext))
		}
	}
	return m.path + ".1"
}

func (m *machine) exists() bool { _, err := os.Stat(m.path); return err == nil }

func (m *machine) rename() {
	if m.exists() && m.seen() {
		m.must(os.Rename(m.path, m.shift()))
		m.gen = m.n
	}
}

func (m *machine) copyTruncate() {
	old, err := os.ReadFile(m.path)
	if err != nil || len(old) == 0 || !m.seen() {
		return
	}
	m.must(os.WriteFile(m.shift(), old, 0o600), os.Truncate(m.path, 0))
	m.gen = m.n
}

// rotated are the rotated files that are not packed, oldest last.
func (m *machine) rotated() (out []string) {
	for i := range 22 {
		if name := m.path + "." + strconv.Itoa(i+1); cmpErr(statErr(name)) == nil {
			out = append(out, name)
		}
	}
	return out
}

func statErr(name string) error { _, err := os.Stat(name); return err }

func (m *machine) pack() {
	if r := m.rotated(); len(r) > 0 {
		gzipFile(m.t, r[m.rnd.IntN(len(r))])
	}
}

// gzipFile does what gzip does.
func gzipFile(t *testing.T, name string) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(name + ".gz")
	if err != nil {
		t.Fatal(err)
	}
	zip := gzip.NewWriter(out)
	_, err = io.Copy(zip, in)
	if err := cmpErr(err, zip.Close(), out.Close(), os.Chtimes(name+".gz", info.ModTime(), info.ModTime()), os.Remove(name)); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) settled() {
	if !m.has(m.n) {
		m.check()
	}
}

func (m *machine) remove() {
	m.settled() // what nobody had time to read is lost with its file
	if r := m.rotated(); len(r) > 0 {
		m.must(os.Remove(r[len(r)-1]))
	}
}

func (m *machine) restart() { m.kill(); m.start() }

func (m *machine) whileAway() {
	m.kill()
	m.away = true
	for range 1 + m.rnd.IntN(4) {
		m.step(0)
	}
	m.away = false
	m.start()
}

// step does one thing; the more, the more kinds.
func (m *machine) step(more int) {
	type action struct {
		name string
		do   func()
	}
	all := []action{
		{"append", m.append},
		{"append", m.append},
		{"rename", m.rename},
		{"copytruncate", m.copyTruncate},
		{"gzip", m.pack},
		{"pause", func() { m.pause(time.Duration(m.rnd.IntN(30)) * time.Millisecond) }},
		{"restart", m.restart},
		{"away", m.whileAway},
		{"remove", m.remove},
		{"settle", m.settled},
	}
	a := all[m.rnd.IntN(5+more)]
	m.did = append(m.did, a.name)
	m.t.Log(a.name, m.n, "lines, read", m.count())
	a.do()
}

// check compares what was read with what was written.
func (m *machine) check() {
	m.t.Helper()
	m.has(m.n)
	m.pause(150 * time.Millisecond) // for what comes twice
	m.mu.Lock()
	defer m.mu.Unlock()
	times := map[int]int{}
	for _, line := range m.lines {
		i, err := strconv.Atoi(strings.Fields(line + " - -")[1])
		if err != nil {
			m.t.Errorf("what is %q?", line)
		}
		times[i]++
	}
	var lost, doubled []int
	for i := range m.n {
		switch {
		case times[i] == 0:
			lost = append(lost, i)
		case times[i] > 1:
			doubled = append(doubled, i)
		}
	}
	if len(lost)+len(doubled) > 0 || len(times) > m.n {
		names, _ := filepath.Glob(m.dir + "/*")
		m.t.Fatalf("%d lines: lost %v, doubled %v\nafter %v\nfiles %v\nstate %s", m.n, lost, doubled, m.did, names, m.state)
	}
}

// rounds is how often a random test is done: enough for every day, more when
// somebody looks for something.
func rounds(n int) int {
	if more, err := strconv.Atoi(os.Getenv("MIMAMORI_ROUNDS")); err == nil {
		return more
	}
	return n
}

// TestEveryLineOnceWhateverIsDoneToTheFiles lets a machine write, rotate, copy,
// pack and delete at random, and kills the collector in between.
func TestEveryLineOnceWhateverIsDoneToTheFiles(t *testing.T) {
	globs := map[string][]string{"name": {"app.log"}, "glob": {"app.log*"}}
	for _, kind := range slices.Sorted(maps.Keys(globs)) {
		for i := range rounds(6) {
			seed := uint64(i)
			if os.Getenv("MIMAMORI_SEED") != "" {
				seed, _ = strconv.ParseUint(os.Getenv("MIMAMORI_SEED"), 10, 64)
			}
			t.Run(fmt.Sprint(kind, seed), func(t *testing.T) {
				t.Parallel()
				in, path := fileIn(t, globs[kind]...)
				m := &machine{tail: newTail(t, in), rnd: rand.New(rand.NewPCG(seed, 1)), dir: filepath.Dir(path), path: path}
				m.start()
				defer func() { m.kill() }()
				m.append()
				m.settled() // what is copied away before anybody saw it is no file of ours
				for range 25 {
					m.step(5)
					if d := m.rnd.IntN(4); d > 0 { // rotations seldom follow at once
						m.pause(time.Duration(d) * 4 * time.Millisecond)
					}
				}
				m.check()
			})
		}
	}
}
