package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mimamori/internal/bus"
	"mimamori/internal/care"
)

func TestEnrolSaysWhatIsWrongWithAToken(t *testing.T) {
	dir := t.TempDir()
	args := []string{"--data", filepath.Join(dir, "data"), "--config", filepath.Join(dir, "c.yaml")}
	for _, tok := range []string{"x", "mimamori1AAAA", care.Token{}.String()} {
		if out, err := execute(t.Context(), t, append([]string{"enrol", tok}, args...)...); err == nil || !strings.Contains(out, "no whole enrolment token") {
			t.Errorf("%s: %v %s", tok, err, out)
		}
	}
	key, err := bus.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	nobody := care.Token{
		Invitation: "i", Seed: key.Seed(), URLs: []string{"nats://127.0.0.1:1"}, Municipality: "312011", Collector: "a", Zone: "internet", OrderKey: key.Public(),
	}
	if out, err := execute(t.Context(), t, append([]string{"enrol", nobody.String()}, args...)...); err == nil || !strings.Contains(out, "127.0.0.1:1") {
		t.Errorf("%v %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := execute(t.Context(), t, append([]string{"enrol", nobody.String()}, args...)...); err == nil || !strings.Contains(out, "there is a configuration already") {
		t.Errorf("%v %s", err, out)
	}
}

func TestVerifyTakesOnlyWhatWasSigned(t *testing.T) {
	key, err := bus.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	text, err := care.SignPackage(strings.NewReader("program"), key.Private())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, bad, sig := file("good", "program"), file("bad", "prog"), file("sig", text)
	if out, err := execute(t.Context(), t, "verify", good, sig, "--key", key.Public()); err != nil || !strings.Contains(out, "in order") {
		t.Errorf("%v %s", err, out)
	}
	if _, err := execute(t.Context(), t, "verify", bad, sig, "--key", key.Public()); err == nil {
		t.Error("a changed package passed")
	}
	if _, err := execute(t.Context(), t, "verify", good, sig, "--config", config(t, "")); err == nil {
		t.Error("verified without a key")
	}
}
