package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/rules"
)

// TestMacrosAndSchemaAtTheCommandLine: a rule that calls a macro is tested by its
// folder and alone, and a draft beside the schema says where that is.
func TestMacrosAndSchemaAtTheCommandLine(t *testing.T) {
	half := time.Now().Add(-48 * time.Hour).Truncate(time.Hour).Add(30 * time.Minute) // its hour of events lies in two: alerts are one an hour
	data, dir := signIns(t, "data", half), t.TempDir()
	out := must(t, "", "rules", "schema")
	if out != rules.Schema() {
		t.Fatal(out)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "odd-failures.yaml")
	write("rules.schema.json", out)
	must(t, "", "rules", "new", "odd-failures", "--data", data, "--when", `event.outcome == "failure" && host.name == "PC1"`, "--out", file)
	draft, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(draft), "# yaml-language-server: $schema=rules.schema.json\nid: odd-failures\n") {
		t.Fatalf("%v\n%s", err, draft)
	}
	write("macros.yaml", "ourTerminals: host.name == \"PC1\"\nidle: has(user.name)\n")
	write("odd-failures.yaml", strings.Replace(string(draft), `host.name == "PC1"`, "ourTerminals()", 1))
	must(t, "", "rules", "test", "--rules", dir)
	if lint := must(t, "", "rules", "lint", "--rules", dir); !strings.Contains(lint, filepath.Join(dir, "macros.yaml")+":2: idle(): no rule and no override uses this macro (unused-macro)") {
		t.Error(lint)
	}
	if report := must(t, "", "rules", "backtest", "--rules", file, "--data", data); !strings.Contains(report, "odd-failures: 4 alerts") {
		t.Error(report)
	}
}
