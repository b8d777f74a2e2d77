package sigma

import (
	"fmt"
	"strings"

	"mimamori/event"
)

// tactics are ATT&CK's tactics by Sigma's tag.
var tactics = map[string]string{
	"reconnaissance": "TA0043", "resource-development": "TA0042", "initial-access": "TA0001", "execution": "TA0002",
	"persistence": "TA0003", "privilege-escalation": "TA0004", "defense-evasion": "TA0005", "credential-access": "TA0006",
	"discovery": "TA0007", "lateral-movement": "TA0008", "collection": "TA0009", "command-and-control": "TA0011",
	"exfiltration": "TA0010", "impact": "TA0040",
}

// attack takes techniques, or else tactics, from Sigma's tags.
func attack(tags []string) []string {
	var techniques, tactic []string
	for _, t := range tags {
		t, ok := strings.CutPrefix(strings.ToLower(t), "attack.")
		if !ok {
			continue
		}
		if len(t) > 1 && t[0] == 't' && '0' <= t[1] && t[1] <= '9' {
			techniques = append(techniques, strings.ToUpper(t))
		} else if id, ok := tactics[strings.ReplaceAll(t, "_", "-")]; ok {
			tactic = append(tactic, id)
		}
	}
	if len(techniques) > 0 {
		return techniques
	}
	return tactic
}

var severities = map[string]string{"informational": "info", "low": "low", "medium": "medium", "high": "high", "critical": "critical"}

var statuses = map[string]string{"stable": "stable", "test": "test", "experimental": "test", "": "test", "deprecated": "deprecated"}

// write renders the rule file.
func write(path string, r *rule, cond node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# From SigmaHQ: %s\n# Author: %s (Detection Rule License 1.1)\n", oneLine(path), oneLine(author(r.Author)))
	fmt.Fprintf(&b, "id: %s\ntitle: {en: %s}\n", r.ID, yamlText(r.Title))
	severity := severities[r.Level]
	if severity == "" {
		severity = "medium"
	}
	fmt.Fprintf(&b, "severity: %s\nstatus: %s\nowner: sigma\n", severity, statuses[r.Status])
	if a := attack(r.Tags); len(a) > 0 {
		fmt.Fprintf(&b, "attack: [%s]\n", strings.Join(a, ", "))
	}
	b.WriteString("when: |\n")
	for l := range strings.Lines(text(simplify(cond), 0)) {
		b.WriteString("  " + strings.TrimRight(l, "\n") + "\n")
	}
	if r.Description != "" {
		fmt.Fprintf(&b, "explain: {en: %s}\n", yamlText(strings.Join(strings.Fields(r.Description), " ")))
	}
	writeList(&b, "references:", "  - ", r.References)
	if fp := texts(r.FalsePositives); len(fp) > 0 {
		b.WriteString("falsepositives:\n")
		writeList(&b, "  en:", "    - ", fp)
	}
	return b.String()
}

func writeList(b *strings.Builder, head, indent string, items []string) {
	if len(items) == 0 {
		return
	}
	b.WriteString(head + "\n")
	for _, it := range items {
		b.WriteString(indent + yamlText(it) + "\n")
	}
}

func author(v any) string { return strings.Join(texts(v), ", ") }

func texts(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var out []string
		for _, x := range v {
			out = append(out, fmt.Sprint(x))
		}
		return out
	}
	return []string{fmt.Sprint(v)}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// yamlText writes a double-quoted YAML scalar, which JSON strings are.
func yamlText(s string) string { return string(event.AppendString(nil, s)) }
