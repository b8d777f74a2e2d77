package rules

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTheMacrosInTheDocumentationWork(t *testing.T) {
	text, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "## Macros")
	_, rest, _ = strings.Cut(rest, "```yaml\n")
	block, _, _ := strings.Cut(rest, "```")
	s, err := Load(folderOf("macros.yaml", block, "a.yaml", "id: a\n"+ruleHead+"when: remoteAdmin() && user.name != \"svc-backup\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.macros.Uses(s.Get("a").calls)); n != 3 {
		t.Errorf("%d macros are used", n)
	}
}

// TestTheRuleInTheDocumentationWorks: with its own tests.
func TestTheRuleInTheDocumentationWorks(t *testing.T) {
	text, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	block, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/rules.md has no rule")
	}
	r, err := Parse("ssh-brute-force.yaml", []byte(block))
	if err != nil {
		t.Fatal(err)
	}
	s := setOf(t, r)
	for _, f := range Test(s) {
		t.Error(f)
	}
	_, rest, _ = strings.Cut(rest[len(block)+3:], "```yaml\n")
	local, _, _ := strings.Cut(rest, "```")
	both, err := Load(fstest.MapFS{"ssh-brute-force.yaml": {Data: []byte(block)}, "overrides/ssh-brute-force.yaml": {Data: []byte(local)}})
	if err != nil {
		t.Fatal(err)
	}
	if r := both.Get(r.ID); r.In("131016").Correlate.Count.N != 50 || r.In("131024").Status != Deprecated || len(r.Changes) != 1 {
		t.Errorf("the override in the documentation says something else: %+v", r)
	}
	if len(r.Tests) != 2 || len(r.Allow) != 1 {
		t.Errorf("%d tests, %d exceptions", len(r.Tests), len(r.Allow))
	}
}
