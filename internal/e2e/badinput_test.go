package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBadInputIsKeptCountedAndShown sends what no device should, damages a
// stored segment, and looks for all of it in the store and on the pages.
func TestBadInputIsKeptCountedAndShown(t *testing.T) {
	gate(t)
	s := newSystem(t, `  - {source: firewall, type: syslog, listen: "tcp://SYSLOG"}
`)
	s.startUp()
	s.startCollector()
	var c net.Conn
	await(t, 30*time.Second, "the collector listens", func() bool {
		var err error
		c, err = net.Dial("tcp", s.syslog)
		return err == nil
	})
	good := "<189>date=2026-11-22 time=10:00:00 devname=\"fw\" devid=\"F1\" logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" level=\"notice\" vd=\"root\" srcip=10.1.2.3 action=\"deny\""
	for _, l := range []string{
		good + " n=first",
		"<999>>> what is this",
		"\xff\xfe not a character \x80",
		"nul\x00inside",
		"long " + strings.Repeat("x", 10<<20),
		"{\"broken\": [json",
		"=1+1 <script>alert(1)</script>",
		good + " n=last",
	} {
		if _, err := c.Write([]byte(l + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	await(t, time.Minute, "8 lines stored", func() bool { return s.ledger().Stored == 8 })
	a := s.ledger()
	if a.Lost != 0 || a.Quarantined < 5 || a.Quarantined > 6 {
		t.Errorf("%+v", a)
	}
	for text, want := range map[string]int64{
		"n=first": 1, "n=last": 1, "what is this": 1, "not a character": 1, "nul": 1, `tags == "line-truncated"`: 1,
		`tags == "charset-unknown" || tags == "charset-cp932"`: 1, "alert(1)": 1, `has(quarantine)`: int64(a.Quarantined),
	} {
		if n := s.query(text, 1).Total; n != want {
			t.Errorf("%s: %d events, want %d", text, n, want)
		}
	}
	s.up.stop(t)
	segments, err := filepath.Glob(filepath.Join(s.dir, "prefecture", "events", "seg-*.parquet"))
	if err != nil || len(segments) == 0 {
		t.Fatal(segments, err)
	}
	if err := os.Truncate(segments[0], 100); err != nil {
		t.Fatal(err)
	}
	s.startUp()
	v := newVisitor(t)
	v.setUp(s.up.find(t, setupURL))
	status := v.get("/status")
	if !strings.HasPrefix(status, "200") || !strings.Contains(status, filepath.Base(segments[0])) {
		t.Errorf("the status page does not name the damaged segment:\n%.2000s", status)
	}
	if page := v.get("/search?q=alert"); strings.Contains(page, "<script>alert") {
		t.Error("a line's HTML got into the page")
	}
}
