package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// windows is the collector's .exe under Wine, in the system's folder.
type windows struct {
	*system
	exe string
}

func newWindows(t *testing.T, inputs string) *windows {
	t.Helper()
	for _, program := range []string{"wine", "wineserver"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is missing: apt-get install wine wine64", program)
		}
	}
	prefix := filepath.Join(t.TempDir(), "wine")
	t.Setenv("WINEPREFIX", prefix)
	t.Setenv("WINEDEBUG", "-all")
	t.Cleanup(func() { _ = exec.Command("wineserver", "-k", "-w").Run() }) // of this prefix only
	if out, err := exec.Command("wine", "wineboot", "-i").CombinedOutput(); err != nil {
		t.Skipf("Wine does not start here: %v\n%s", err, out)
	}
	giveRandom(t, prefix)
	w := &windows{newSystem(t, inputs), ""}
	w.exe = filepath.Join(w.dir, "mimamori-collector.exe")
	cmd := exec.Command("go", "build", "-o", w.exe, "mimamori/cmd/mimamori-collector")
	cmd.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the collector does not build for Windows: %v\n%s", err, out)
	}
	return w
}

// command runs the program to its end.
func (w *windows) command(args ...string) (string, error) {
	cmd := exec.Command("wine", append([]string{w.exe}, args...)...)
	cmd.Dir = w.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run starts the collector.
func (w *windows) run() *process {
	return start(w.t, w.dir, "wine", w.exe, "run", "--config", "collector.yaml")
}

// taskkill ends it with no word, as the task manager does.
func (w *windows) taskkill(p *process) {
	w.t.Helper()
	if out, err := exec.Command("wine", "taskkill", "/F", "/IM", filepath.Base(w.exe)).CombinedOutput(); err != nil {
		w.t.Fatalf("taskkill: %v\n%s", err, out)
	}
	p.kill()
}

func TestWindowsCollectorShipsFilesOverRotationKillAndRestart(t *testing.T) {
	gate(t)
	w := newWindows(t, `  - {source: app, type: file, paths: ['logs\app.log']}
`)
	if out, err := w.command("version"); err != nil || !strings.Contains(out, "windows/amd64") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := w.command("check", "--config", "collector.yaml"); err != nil || !strings.Contains(out, "in order, 1 inputs") {
		t.Fatalf("%v\n%s", err, out)
	}
	w.write("journal.yaml", "collector: a\nmunicipality: \""+townCode+"\"\nzone: lgwan\nprefecture: {urls: [\"nats://127.0.0.1:1\"]}\ninputs: [{source: os, type: journald}]\n")
	if out, err := w.command("check", "--config", "journal.yaml"); err == nil || !strings.Contains(out, "works on linux only, this is windows") {
		t.Errorf("%v\n%s", err, out)
	}
	if err := os.Mkdir(filepath.Join(w.dir, "logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.startUp()
	w.col = w.run()
	path, sent := filepath.Join(w.dir, "logs/app.log"), 0
	feed := func(n int) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for range n {
			sent++
			if _, err := fmt.Fprintf(f, "Windows line mark-w%06d 日本語\r\n", sent); err != nil {
				t.Fatal(err)
			}
		}
	}
	feed(10_000)
	w.settled(uint64(sent), time.Minute)
	if out, err := w.command("run", "--config", "collector.yaml"); err == nil || !strings.Contains(out, "another process works in") {
		t.Errorf("a second collector works in the same folder: %v\n%s", err, out)
	}
	w.taskkill(w.col) // as a power cut
	feed(5_000)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	feed(5_000)
	w.col = w.run()
	w.settled(uint64(sent), time.Minute)
	if err := os.Rename(path, path+".2"); err != nil { // while it reads
		t.Fatal(err)
	}
	feed(5_000)
	w.settled(uint64(sent), time.Minute)
	if d := w.col.stop(t); d > 15*time.Second {
		t.Errorf("the collector took %s to end", d)
	}
	if n := w.query("mark-w012345", 5).Total; n != 1 {
		t.Errorf("a line is found %d times", n)
	}
	w.up.stop(t)
}
