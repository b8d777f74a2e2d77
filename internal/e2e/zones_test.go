package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"mimamori/internal/bus"
	"mimamori/internal/carry"
)

// town is three collectors of one town, each in its own folder and zone.
type town struct {
	*system
	zones map[string]*process
}

func newTown(t *testing.T) *town {
	t.Helper()
	s := &system{t: t, dir: t.TempDir(), data: "prefecture"}
	busAddr, relay := freePort(t), freePort(t)
	var listed strings.Builder
	for _, zone := range []string{"internet", "lgwan", "mynumber"} {
		if err := os.Mkdir(filepath.Join(s.dir, zone), 0o700); err != nil {
			t.Fatal(err)
		}
		key, err := bus.LoadOrMakeKey(filepath.Join(s.dir, zone, "collector.nk"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&listed, "  - {id: %s, municipality: %q, key: %s}\n", zone, townCode, key.Public())
	}
	s.write("mimamori.yaml", fmt.Sprintf("data: prefecture\nconsole: {listen: \"127.0.0.1:0\"}\nbus: {listen: %q}\ncollectors:\n%s", busAddr, listed.String()))
	recipient := strings.TrimSpace(s.run("mimamori", "ingest", "recipient", "--data", "prefecture"))
	for zone, way := range map[string]string{
		"internet": fmt.Sprintf("prefecture: {urls: [\"nats://%s\"]}\nrelay: {listen: %q, allow: [127.0.0.0/8]}\n", busAddr, relay),
		"lgwan":    fmt.Sprintf("prefecture: {urls: [\"nats://%s\"]}\n", relay),
		"mynumber": fmt.Sprintf("carry: {dir: out, recipient: %s, every: 1s}\n", recipient),
	} {
		s.write(filepath.Join(zone, "collector.yaml"), fmt.Sprintf(`collector: %s
municipality: "%s"
zone: %s
data: data
key: collector.nk
%sinputs:
  - {source: log, type: file, paths: [a.log]}
`, zone, townCode, zone, way))
	}
	return &town{system: s, zones: map[string]*process{}}
}

// collect starts a zone's collector.
func (w *town) collect(zone string) {
	w.t.Helper()
	w.zones[zone] = start(w.t, filepath.Join(w.dir, zone), filepath.Join(binaries, "mimamori-collector"), "run", "--config", "collector.yaml")
}

// lines appends so many lines to a zone's log.
func (w *town) lines(zone string, from, n int) {
	w.t.Helper()
	f, err := os.OpenFile(filepath.Join(w.dir, zone, "a.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	for i := range n {
		fmt.Fprintf(f, "<134>Nov 22 10:00:00 pc%03d sshd[%d]: Accepted password for user%d from 192.168.10.%d port 50000 ssh2\n", i%500, from+i, from+i, i%250)
	}
}

// exportTo copies the carried files to a new medium, waiting for the first.
func (w *town) exportTo(name string) (dir string) {
	w.t.Helper()
	dir = filepath.Join(w.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	await(w.t, 60*time.Second, "a file to carry", func() bool {
		cmd := exec.Command(filepath.Join(binaries, "mimamori-collector"), "export", dir, "--config", "collector.yaml")
		cmd.Dir = filepath.Join(w.dir, "mynumber")
		if out, err := cmd.CombinedOutput(); err != nil {
			w.t.Fatalf("export: %v\n%s", err, out)
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*"+carry.Suffix))
		return len(files) > 0
	})
	return dir
}

// TestTownWithThreeZones sends one zone's lines over the line, another's
// through it, and carries the third's, one set twice and one late.
func TestTownWithThreeZones(t *testing.T) {
	gate(t)
	w := newTown(t)
	w.startUp()
	w.lines("internet", 0, 5000)
	w.lines("lgwan", 0, 4000)
	w.lines("mynumber", 0, 3000)
	w.collect("internet")
	w.collect("lgwan")
	w.collect("mynumber")
	w.col = w.zones["internet"]
	w.zones["mynumber"].find(t, regexp.MustCompile(`msg=(collecting) `)) // else the export has the spool first
	sets := []string{w.exportTo("monday")}
	for i, day := range []string{"tuesday", "wednesday"} {
		w.lines("mynumber", 3000*(i+1), 3000)
		sets = append(sets, w.exportTo(day))
	}
	var taken []struct {
		Again   bool
		Refused string
		Records uint64
	}
	for _, set := range []string{sets[0], sets[2], sets[2], sets[1]} { // Wednesday's twice, Tuesday's a day late
		out := w.run("mimamori", "ingest", "import", set, "--json", "--data", w.data)
		var list []struct {
			Again   bool
			Refused string
			Records uint64
		}
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		taken = append(taken, list...)
	}
	again := 0
	for _, f := range taken {
		if f.Again {
			again++
		}
		if f.Refused != "" {
			t.Errorf("refused: %s", f.Refused)
		}
	}
	if again == 0 {
		t.Error("no file was seen twice")
	}
	a := w.settled(5000+4000+9000, time.Minute)
	if a.Resent == 0 {
		t.Error("the set that came twice is not in the account")
	}
	for zone, n := range map[string]int64{"internet": 5000, "lgwan": 4000, "mynumber": 9000} {
		if got := w.query(`zone == "`+zone+`"`, 1).Total; got != n {
			t.Errorf("%d events of zone %s, want %d", got, zone, n)
		}
	}
	for _, p := range w.zones {
		p.stop(t)
	}
	w.up.stop(t)
}
