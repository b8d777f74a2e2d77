package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/ingest/format"
	"mimamori/store"
)

// covered is what formats coverage --json prints.
type covered struct {
	Lines, Quarantined, Shapes, Other int
	Top                               []struct {
		Reason, Shape, Example string
		Count                  int
		Sources                []struct {
			Name  string
			Count int
		}
	}
}

func coverageOf(t *testing.T, out string) (c covered) {
	t.Helper()
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return c
}

func strangeLines(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("<13>Nov  1 09:15:%02d fw9 fancyfw: session %d of u%d from 192.0.2.%d is over", i%60, i, i%5, i%250))
	}
	return out
}

func TestFormatsCoverageGroupsWhatNoFormatTakes(t *testing.T) {
	in := strings.Join(append(strangeLines(30), fortigateLine, "type=traffic subtype=forward logid=1 srcip=x dstport=x"), "\n") + "\n"
	c := coverageOf(t, must(t, in, "formats", "coverage", "--json"))
	if c.Lines != 32 || c.Quarantined != 31 || c.Shapes != 2 || len(c.Top) != 2 {
		t.Fatalf("%+v", c)
	}
	if first := c.Top[0]; first.Count != 30 || first.Reason != "no format" || first.Shape != "fancyfw: session # of u# from <ip> is over" || !strings.Contains(first.Example, "fw9") {
		t.Errorf("%+v", first)
	}
	if second := c.Top[1]; second.Reason != "fortigate: bad type for field destination.port" {
		t.Errorf("%+v", second)
	}
	out := must(t, in, "formats", "coverage", "--top", "1")
	if !strings.Contains(out, "32 lines, 31 that no format reads well, of 2 shapes") || strings.Count(out, "\n\n") != 1 {
		t.Errorf("%s", out)
	}
}

func TestFormatsCoverageReadsTheStore(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(filepath.Join(dir, "events"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := format.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	parser, x, batch := set.Parser(format.Options{}), new(event.Builder), new(event.Batch)
	for i, line := range append(strangeLines(2500), fortigateLine) {
		parser.Parse(format.Input{Line: line, Received: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)}, x)
		x.Set(event.MustLookup("municipality"), event.String("312011"))
		x.Set(event.MustLookup("collector"), event.String([]string{"a", "b", "b"}[i%3]))
		batch.Append(x, event.Ref{Collector: "a", Source: "s", Epoch: 1, Seq: uint64(i + 1)})
	}
	if err := s.Commit(t.Context(), store.Commit{Batches: []*event.Batch{batch}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c := coverageOf(t, must(t, "", "formats", "coverage", "--data", dir, "--json"))
	if c.Lines != 2500 || c.Quarantined != 2500 || c.Shapes != 1 || c.Top[0].Count != 2500 || c.Top[0].Reason != "no format" {
		t.Fatalf("%+v", c)
	}
	if from := c.Top[0].Sources; len(from) != 2 || from[0].Name != "312011/b" || from[0].Count != 1666 {
		t.Errorf("%+v", from)
	}
}
