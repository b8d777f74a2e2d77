package collector

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"mimamori/internal/bus"
	"mimamori/internal/testkit"
)

// child is a collector in a process of its own, until it is killed. Its folder
// holds everything.
func child(dir string) {
	in := killed[os.Getenv("MIMAMORI_TEST_FORM")].input
	in.Source, in.Type, in.Paths = "files", "file", []string{filepath.Join(dir, "app.log")}
	if at := os.Getenv("MIMAMORI_TEST_LISTEN"); at != "" {
		in = Input{Source: "in", Type: "relp", Listen: at}
	}
	c, err := New(Config{
		Collector: "test", Municipality: "312011", Zone: "internet", Data: dir, Inputs: []Input{in},
		Seal: Seal{Bytes: 20 << 10, Interval: 10 * time.Millisecond}, Prefecture: Prefecture{URLs: []string{os.Getenv("MIMAMORI_TEST_URL")}},
	}, Options{})
	if err == nil {
		err = c.Run(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// killed are the forms of file that are read while the collector is killed:
// the input, what a new file begins with, and what becomes of a line.
var killed = map[string]struct {
	input  Input
	head   string
	record func(line string) string
}{
	"lines":     {record: func(line string) string { return line }},
	"multiline": {input: Input{Multiline: &Multiline{Begin: "^line"}}, record: func(line string) string { return line + "\n  at one\n  at two" }},
	"csv":       {input: Input{CSV: &CSV{}}, head: "what,text", record: func(line string) string { return line + ",\"a\nb, \"\"c\"\"\"" }},
}

func TestKillMinusNineLosesAndDoublesNothing(t *testing.T) {
	for name, few := range map[string]int{"lines": 12, "multiline": 5, "csv": 5} {
		rounds := min(testkit.Faults(few), 50) // each looks at all that came
		t.Run(name, func(t *testing.T) { killOften(t, name, rounds) })
	}
}

// killOften kills collectors while a file is written and rotated.
func killOften(t *testing.T, form string, rounds int) {
	dir := t.TempDir()
	key, err := bus.LoadOrMakeKey(filepath.Join(dir, "collector.nk"))
	if err != nil {
		t.Fatal(err)
	}
	p := newPrefecture(t, key)
	path := filepath.Join(dir, "app.log")
	var want []string
	n := 0
	more := func() {
		list, _ := numbered(n, 50)
		n += len(list)
		text := ""
		if killed[form].head != "" && statErr(path) != nil {
			want, text = append(want, killed[form].head), killed[form].head+"\n"
		}
		for _, line := range list {
			want, text = append(want, killed[form].record(line)), text+killed[form].record(line)+"\n"
		}
		write(t, path, text)
	}
	// A file that nobody has seen yet is not found again under another name.
	began := 0
	taken := func() bool {
		recs, _ := p.records("files")
		return len(recs) > began
	}
	rotate := func(i int) {
		rename(t, path, fmt.Sprintf("%s.%d", path, i))
		began = len(want)
	}
	for i := range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "MIMAMORI_TEST_CHILD="+dir, "MIMAMORI_TEST_FORM="+form, "MIMAMORI_TEST_URL=nats://"+p.server.Addr())
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		end, tick := time.After(time.Duration(100+rand.IntN(500))*time.Millisecond), time.NewTicker(time.Millisecond)
		for late := false; !late || !taken(); {
			select {
			case <-tick.C:
				if len(want) < (i+1)*20_000 { // on a slow machine it takes long until something is taken
					more()
				}
			case <-end:
				late = true
			}
		}
		tick.Stop()
		if i%4 == 1 {
			rotate(i)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // "signal: killed"
		if i%4 == 3 {
			rotate(i)
		}
	}
	in := killed[form].input
	in.Source, in.Type, in.Paths = "files", "file", []string{path}
	cfg := config(t, in)
	cfg.Data = dir
	start(t, cfg, key, p.conn)
	again := 0
	eventually(t, "all lines", func() bool {
		recs, n := p.records("files")
		again = n
		return len(recs) >= len(want)
	})
	recs, _ := p.records("files")
	got := lines(recs)
	if form == "multiline" { // a file's last record waits for more, the next file does not
		slices.Sort(want)
		slices.Sort(got)
	}
	sameLines(t, want, got)
	for i, r := range recs {
		if r.Header != killed[form].head {
			t.Fatalf("record %d has header %q", i, r.Header)
		}
	}
	t.Logf("%d lines, %d records, %d frames came twice", len(want), len(recs), again)
}
