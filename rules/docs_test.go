package rules

import (
	"os"
	"strings"
	"testing"
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
	if len(r.Tests) != 2 || len(r.Allow) != 1 {
		t.Errorf("%d tests, %d exceptions", len(r.Tests), len(r.Allow))
	}
}
