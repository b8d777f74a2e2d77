package sigma

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
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
		if technique.MatchString(t) {
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

var technique = regexp.MustCompile(`^t[0-9]{4}(\.[0-9]{3})?$`)

var severities = map[string]string{"informational": "info", "low": "low", "medium": "medium", "high": "high", "critical": "critical"}

// statuses: only what its authors call stable gives notice at once. What they
// call test or experimental runs here as test: its alerts are counted and shown
// as such, until a site that has seen them says stable in overrides/.
var statuses = map[string]string{"stable": "stable", "test": "test", "experimental": "test", "": "test", "deprecated": "deprecated"}

// writer renders a rule file.
type writer struct {
	b       strings.Builder
	d       *document
	filters []*document
	draft   *refusal // why it must not run
}

// head writes what all rules have before their condition.
func (w *writer) head() {
	r := &w.d.rule
	fmt.Fprintf(&w.b, "%s: %s\n", header, oneLine(w.d.path))
	fmt.Fprintf(&w.b, "# Author: %s (%s)\n", oneLine(strings.Join(texts(r.Author), ", ")), oneLine(cmp.Or(r.License, "Detection Rule License 1.1")))
	w.b.WriteString("# The next import writes this file anew; what a site changes belongs into overrides/" + w.d.id + ".yaml.\n")
	for _, f := range w.filters {
		fmt.Fprintf(&w.b, "# Filtered by %s (%s)\n", oneLine(f.rule.Title), oneLine(f.path))
	}
	status := statuses[r.Status]
	if w.draft != nil {
		status = "draft"
		fmt.Fprintf(&w.b, "# A draft, which does not run: %s.\n", oneLine(w.draft.detail))
	}
	title := oneLine(cmp.Or(r.Title, w.d.id))
	fmt.Fprintf(&w.b, "id: %s\ntitle: {ja: %s, en: %s}\n", w.d.id, yamlText("【英文のみ】"+title), yamlText(title))
	fmt.Fprintf(&w.b, "severity: %s\nstatus: %s\nowner: sigma\n", cmp.Or(severities[strings.ToLower(r.Level)], "medium"), status)
	if a := attack(texts(r.Tags)); len(a) > 0 {
		fmt.Fprintf(&w.b, "attack: [%s]\n", strings.Join(a, ", "))
	}
}

// single writes a rule of single events.
func (w *writer) single(b *detected) string {
	w.head()
	w.condition("", b.cond)
	fmt.Fprintf(&w.b, "suppress: {by: [%s], for: 1h}\n", strings.Join(refs(append([]string{"municipality"}, b.src.suppress...)), ", "))
	w.tail()
	return w.b.String()
}

// correlation writes a rule of several events.
func (w *writer) correlation(x *correlated) string {
	w.head()
	if x.when != nil {
		w.condition("", x.when)
	}
	w.b.WriteString("correlate:\n")
	if x.kind != "" {
		w.b.WriteString("  type: " + x.kind + "\n")
	}
	for _, k := range x.keys {
		w.b.WriteString("  " + k + "\n")
	}
	if len(x.steps) > 0 {
		w.b.WriteString("  steps:\n")
	}
	for _, s := range x.steps {
		w.b.WriteString("    - name: " + yamlText(s.name) + "\n")
		w.condition("      ", s.cond)
		if s.count > 1 {
			fmt.Fprintf(&w.b, "      count: %d\n", s.count)
		}
		if !slices.Equal(s.by, x.by) {
			w.b.WriteString("      by: [" + strings.Join(refs(s.by), ", ") + "]\n")
		}
	}
	fmt.Fprintf(&w.b, "  by: [%s]\n  within: %s\n", strings.Join(refs(x.by), ", "), x.within)
	w.tail()
	return w.b.String()
}

// refs writes fields in a list of YAML.
func refs(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		if out[i] = n; !plainName.MatchString(n) {
			out[i] = yamlText(n)
		}
	}
	return out
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

func (w *writer) condition(indent string, n node) {
	w.b.WriteString(indent + "when: |\n")
	for l := range strings.Lines(text(simplify(n), 0)) {
		w.b.WriteString(indent + "  " + strings.TrimRight(l, "\n") + "\n")
	}
}

// tail writes what all rules have after their condition.
func (w *writer) tail() {
	r := &w.d.rule
	ja := "Sigma から取り込んだ規則です。日本語の説明はありません。英文をご覧ください。"
	if en := oneLine(r.Description); en != "" {
		fmt.Fprintf(&w.b, "explain: {ja: %s, en: %s}\n", yamlText(ja), yamlText(en))
	} else {
		fmt.Fprintf(&w.b, "explain: {ja: %s}\n", yamlText(ja))
	}
	writeList(&w.b, "references:", "  - ", texts(r.References))
	if fp := texts(r.FalsePositives); len(fp) > 0 {
		w.b.WriteString("falsepositives:\n")
		writeList(&w.b, "  en:", "    - ", fp)
	}
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

// yamlText writes a double-quoted YAML scalar, which JSON strings are.
func yamlText(s string) string { return string(event.AppendString(nil, s)) }

func joinWords(words []string) string {
	words = slices.Compact(slices.Sorted(slices.Values(words)))
	return strings.Join(words, ", ")
}
