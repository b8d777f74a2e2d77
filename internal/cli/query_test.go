package cli

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"mimamori/event"
	"mimamori/store"
)

func asked(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out, log bytes.Buffer
	err := Run(t.Context(), append([]string{"query"}, args...), IO{In: strings.NewReader(""), Out: &out, Err: &log})
	return out.String(), err
}

func TestQueryReckonsAndExports(t *testing.T) {
	data := t.TempDir()
	s, err := store.Open(filepath.Join(data, "events"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, x := &event.Batch{}, new(event.Builder)
	for i := range 10 {
		x.Set(event.MustLookup("user.name"), event.String([]string{"sato", "=cmd()"}[i%2]))
		x.Set(event.MustLookup("source.port"), event.Int(int64(i)))
		x.Set(event.MustLookup("@timestamp"), event.Time(1_790_000_000_000_000_000+int64(i)))
		b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(i + 1)})
	}
	if err := s.Commit(context.Background(), store.Commit{Batches: []*event.Batch{b}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"--by user.name --measure sum(source.port) --json", `{"columns":["user.name","count","sum(source.port)"],"rows":[["=cmd()",5,25],["sato",5,20]],"cut":false}`},
		{"--by user.name --measure p50(source.port) --format csv", "user.name,count,p50(source.port)\n'=cmd(),5,5\nsato,5,4\n"},
		{"--measure distinct(user.name)", "count  distinct(user.name)\n10     2\n"},
		{"source.port<2 --format csv --fields user.name,source.port", "user.name,source.port\nsato,0\n'=cmd(),1\n"},
		{"source.port==1 --format ndjson --fields source.port", `{"source":{"port":1}}`},
		{"--format parquet --fields source.port", "PAR1"},
	} {
		got, err := asked(t, append(strings.Fields(c.args), "--data", data)...)
		if err != nil || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, %v", c.args, got, err)
		}
	}
	for args, want := range map[string]string{
		"--by user.nam": "did you mean", "--measure med(source.port)": "--measure", "--format xls": "--format", "--format csv --fields user.nam": "did you mean user.name",
		"--by user.name --format parquet": "csv", "--by source.port --limit 3": "more than 3 rows", "--sql --follow --by zone": "none of the others",
	} {
		if _, err := asked(t, append(strings.Fields(args), "--data", data)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
}
