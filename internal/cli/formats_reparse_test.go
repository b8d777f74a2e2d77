package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/ingest/format"
	"mimamori/store"
)

const fancyFormat = `
name: fancy-fw
title: {ja: FANCY, en: FANCY}
documentation: https://fancy.example/logs
module: fancy
dataset: fancy.fw
recognise: [{app: [fancyfw]}]
cut: {dissect: ["session %{id} of %{user} from %{ip} is over"]}
fields: {id: event.id, user: user.name, ip: source.address}
set: {event.category: [session], event.type: [end]}
tests:
  - {name: one, line: '<13>Nov  1 09:15:02 fw9 fancyfw: session 1 of u1 from 192.0.2.1 is over', expect: {user.name: u1}}
`

// strangeStore is a data folder with lines that nobody knows, one of them with
// a sequence that would steer a terminal.
func strangeStore(t *testing.T, n int) string {
	t.Helper()
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
	received := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	for i := range n {
		line := fmt.Sprintf("<13>Nov  1 09:15:02 fw9 fancyfw: session %d of u\x1b[31m%d from 192.0.2.%d is over", i, i, i%250)
		parser.Parse(format.Input{Line: line, Received: received}, x)
		x.Set(event.MustLookup("municipality"), event.String("312011"))
		x.Set(event.MustLookup("collector"), event.String("a"))
		x.Set(event.MustLookup("received"), event.Time(received.UnixNano()))
		x.Set(event.MustLookup("input"), event.String("file"))
		batch.Append(x, event.Ref{Collector: "a", Source: "s", Epoch: 1, Seq: uint64(i + 1)})
	}
	if err := s.Commit(t.Context(), store.Commit{Batches: []*event.Batch{batch}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFormatsReparseShowsAndDoes(t *testing.T) {
	dir, formats := strangeStore(t, 500), t.TempDir()
	if err := os.WriteFile(filepath.Join(formats, "fancy.yaml"), []byte(fancyFormat), 0o600); err != nil {
		t.Fatal(err)
	}
	args := func(more ...string) []string { return append([]string{"formats", "reparse", "--data", dir}, more...) }
	if _, err := run(t, "", args("--formats", formats)...); err == nil || !strings.Contains(err.Error(), "--config") {
		t.Errorf("without a configuration: %v", err)
	}
	if _, err := run(t, "", "formats", "reparse", "--config", "", "--data", filepath.Join(dir, "typo")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a mistyped folder: %v", err)
	}
	if _, err := run(t, "", args("--config", "", "--where", "user.name == ")...); err == nil || !strings.Contains(err.Error(), "--where") {
		t.Errorf("a bad condition: %v", err)
	}
	out := must(t, "", args("--config", "", "--formats", formats, "--dry-run")...)
	for _, want := range []string{"would change 500", "     500  fancy-fw", "user.name", "（なし none） → u\ufffd[31m0", "例 example 3", "no format → （なし none）"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	if strings.Contains(out, "\x1b") || strings.Contains(out, "example 4") {
		t.Errorf("%q", out)
	}
	var r reparsed
	for i, want := range []uint64{500, 0} {
		if err := json.Unmarshal([]byte(must(t, "", args("--config", "", "--formats", formats, "--json")...)), &r); err != nil {
			t.Fatal(err)
		}
		if r.Report.Changed != want || r.Report.Read != want || r.State != "done" {
			t.Errorf("time %d: %+v", i+1, r.Report)
		}
	}
	found := object(t, must(t, "", "query", "--data", dir, "--json", `event.dataset == "fancy.fw" && source.ip == "192.0.2.7" && !has(quarantine)`), "total")
	if found["total"] != float64(2) {
		t.Errorf("%v", found["total"])
	}
	out = must(t, "", args("--config", "", "--dataset", "fancy.fw")...)
	if !strings.Contains(out, "left 500") || !strings.Contains(out, "     500  no format takes it any more") {
		t.Errorf("without the format: %s", out)
	}
}
